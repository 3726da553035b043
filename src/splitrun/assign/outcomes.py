"""Every answer that a flag or a layer can give, made once when the ruleset is read."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from splitrun.assign.evaluation import Detail, Evaluation, Reason
from splitrun.assign.ruleset import Arm, Experiment, Ruleset

__all__ = ["Outcomes", "of_flag", "of_layer"]


class Outcomes(Struct, frozen=True):
    """What is served, and under which name."""

    key: str
    """Of the flag, or of the layer."""
    variants: dict[str, object]
    default: str | None
    """The variant of those that nothing takes; a layer has none."""
    ruleset: int
    otherwise: object = None
    """What a layer serves to those that nothing takes."""

    def declined(self, detail: Detail, reason: Reason = Reason.DEFAULT) -> Evaluation:
        """Serve the default, because of something."""
        if self.default is None:
            return Evaluation(self.key, self.otherwise, None, reason, detail, ruleset=self.ruleset)
        return self.served(self.default, reason, detail)

    def served(self, variant: str, reason: Reason, detail: Detail) -> Evaluation:
        """Serve a variant of the flag."""
        value = self.variants[variant]
        return Evaluation(self.key, value, variant, reason, detail, ruleset=self.ruleset, serve=variant)

    def arm(self, key: str, experiment: Experiment, arm: Arm, detail: Detail) -> Evaluation:
        """Serve what an experiment's variant serves."""
        return Evaluation(
            self.key,
            self.variants[arm.serve if self.default else arm.variant],
            arm.variant,
            Reason.SPLIT,
            detail,
            ruleset=self.ruleset,
            experiment=key,
            version=experiment.version,
            phase=experiment.phase,
            enrolling=experiment.enrolling,
            serve=arm.serve if self.default else None,
        )


def of_flag(ruleset: Ruleset, key: str) -> Outcomes:
    """Lay out what a flag serves."""
    flag = ruleset.flags[key]
    return Outcomes(key, flag.variants, flag.default, ruleset.version)


def of_layer(ruleset: Ruleset, key: str, experiment: str | None = None) -> Outcomes:
    """Lay out what a layer serves: its parameters, as each variant of an experiment sets them."""
    layer = ruleset.layers[key]
    plain = Outcomes(key, {}, None, ruleset.version, otherwise=layer.parameters)
    if experiment is None:
        return plain
    arms = ruleset.experiments[experiment].arms
    return replace(plain, variants={arm.variant: {**layer.parameters, **arm.parameters} for arm in arms})
