"""The ruleset of an environment, made from the sealed plans of what stands there, and signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from splitrun.assign.ruleset import Ruleset, Signature
from splitrun.assign.transmission import enveloped, opened, sealed
from splitrun.conduct.lifecycle.footing import Footing
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.table import OPEN, STANDING
from splitrun.plan.compile import Publication as Wanted
from splitrun.plan.compile import Standing, compiled
from splitrun.plan.succession import succeeding
from splitrun.plan.switches.board import Board
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan
from splitrun.spec.reading import Draft, read_experiment_mapping
from splitrun.store.registry.change import Publication
from splitrun.store.registry.documents import Life
from splitrun.store.registry.writing import announced

__all__ = ["Dealt", "Made", "delivered", "others", "publication", "standing", "unserved"]


@dataclass(frozen=True, slots=True)
class Dealt:
    """How an experiment is to be dealt from now on."""

    plan: Plan
    """The sealed one."""
    phase: int
    enrolling: bool

    @property
    def version(self) -> int:
        """Which deal of the units."""
        return self.plan.delivery.version


@dataclass(frozen=True, slots=True)
class Made:
    """A ruleset after a step."""

    ruleset: Ruleset
    publication: Publication | None
    """None where clients have the same already."""

    def phase(self, key: str, otherwise: int) -> int:
        """The phase of an experiment; of one that the ruleset does not hold, as it is counted outside."""
        held = self.ruleset.experiments.get(key)
        return otherwise if held is None else held.phase


def standing(footing: Footing, without: str) -> dict[str, Dealt]:
    """Give the experiments that are dealt in the environment, but one.

    Raises:
        StoreError: A sealed plan cannot be read.
    """
    return {
        life.experiment: Dealt(footing.in_force(life)[1], life.phase, life.state in OPEN)
        for life in footing.registry.lives(footing.project, footing.environment)
        if life.state in STANDING and life.experiment != without
    }


def publication(footing: Footing, key: str, dealt: Dealt | None) -> Made:
    """Make the ruleset of the environment as it is after a step.

    What runs is dealt by its sealed plan, whatever its definition says by now. Flags, layers, holdouts, named
    audiences and lists are those of the registry.

    Args:
        footing: The registry.
        key: The experiment that takes the step.
        dealt: How it is dealt from now on; None: no more.

    Raises:
        SpecError: The definitions do not fit together, or units would be moved; all mistakes.
        StoreError: No key may sign.
    """
    numbered, before = succession(footing, key, dealt)
    if numbered is before:
        return Made(numbered, None)
    return Made(numbered, signed(footing, numbered, 0 if before is None else before.version))


def unserved(footing: Footing) -> Mistake | None:
    """Hold the ruleset that is served in an environment against what the registry gives now.

    Returns:
        How they differ, and what to do; None where they do not, and where none was published yet.
    """
    kept = footing.registry.ruleset(footing.project, footing.environment)
    if kept is None:
        return None
    says = f"ruleset {kept.version:,}, served in {footing.environment}, is not what the registry gives"
    try:
        numbered, before = succession(footing, "", None)
    except SpecError as error:
        first = error.mistakes[0]
        return Mistake(f"{says}: {first.says}", first.next, first.path)
    return (
        None if numbered is before else Mistake(says, "publish what it gives: splitrun apply --reason TEXT")
    )


def succession(footing: Footing, key: str, dealt: Dealt | None) -> tuple[Ruleset, Ruleset | None]:
    """Give the ruleset after a step, and the one that is published; both are one where nothing differs.

    Raises:
        SpecError: The definitions do not fit together, or units would be moved; all mistakes.
    """
    all_dealt = standing(footing, key) | ({} if dealt is None else {key: dealt})
    drafts: Mapping[str, Draft] = {
        **footing.says.experiments,
        **{name: delivered(one.plan) for name, one in all_dealt.items()},
    }
    wanted = Wanted(
        environment=footing.environment,
        standing={
            name: Standing(one.version, one.phase, enrolling=one.enrolling) for name, one in all_dealt.items()
        },
    )
    says = footing.says
    made = compiled(footing.settings, drafts, says.board or Board(), says.library, wanted)
    kept = footing.registry.ruleset(footing.project, footing.environment)
    before = None if kept is None else opened(kept.document)
    return (made if before is None else succeeding(made, before)), before


def signed(footing: Footing, made: Ruleset, follows: int) -> Publication:
    """Sign a ruleset with the newest key that the chain announced.

    Raises:
        StoreError: No key may sign.
    """
    signer = footing.home.keys.signer(announced(footing.registry.keys()))
    bare = enveloped(sealed(made))
    signature = Signature(key=signer.name, value=signer.signature(bytes(bare.body)))
    document = sealed(made, (signature,))
    return Publication(footing.project, footing.environment, made.version, bare.digest, document, follows)


def delivered(plan: Plan) -> Draft:
    """Write what a ruleset needs of a sealed plan as an experiment.

    Raises:
        SpecError: The plan holds what no experiment may.
    """
    whole, delivery = plan.model_dump(mode="json"), plan.delivery
    variants = {
        variant.key: {
            **({"serve": delivery.serves[variant.key]} if variant.key in delivery.serves else {}),
            **({"weight": variant.weight} if plan.weights_known else {}),
            "parameters": delivery.parameters.get(variant.key, {}),
        }
        for variant in plan.variants
    }
    said: dict[str, object] = {
        "key": plan.key,
        "version": delivery.version,
        "unit": plan.unit,
        "hypothesis": whole["hypothesis"],
        "variants": variants,
        "metrics": {"primary": [one.key for one in plan.metrics if one.role is Role.PRIMARY]},
        "segments": {one["key"]: one["segment"] for one in whole["segments"]},
        **{
            name: value
            for name in ("flag", "audience", "coverage", "layer", "salt", "ramp")
            if (value := whole["delivery"][name])
        },
    }
    if not plan.weights_known:
        said["weights"] = "unknown"
    return read_experiment_mapping(said, f"the sealed plan of {plan.key}")


def others(footing: Footing, key: str, made: Made) -> tuple[tuple[Life, int], ...]:
    """Give the other experiments whose phase a step opened, with the phase: by a shared audience, say."""
    lives = footing.registry.lives(footing.project, footing.environment)
    return tuple(
        (life, phase)
        for life in lives
        if life.experiment != key
        and life.state in STANDING
        and (phase := made.phase(life.experiment, life.phase)) != life.phase
    )
