"""Layers that carry parameters: code reads values, whichever experiment sets them for the unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from splitrun.assign.evaluation import Detail, Evaluation
from splitrun.assign.outcomes import of_layer
from splitrun.assign.programs import Attributes, Programs
from splitrun.assign.slots import edge, sha256
from splitrun.assign.sticky import Sticky

__all__ = ["Parametrised"]

Values = Mapping[str, object]
Reading = Callable[[bytes, Attributes, Sticky | None], tuple[Values, Evaluation]]


class Parametrised:
    """The programs of one layer.

    The unit's slot names the one experiment that may answer. An experiment on a flag answers as the flag
    does, so that code that reads the flag and code that reads the layer agree.
    """

    def __init__(self, programs: Programs, key: str) -> None:
        ruleset = programs.ruleset
        layer = ruleset.layers[key]
        plain = of_layer(ruleset, key)
        nobody = (layer.parameters, plain.declined(Detail.LAYER))
        prefix = f"{layer.salt}:".encode()
        ranges = [
            (edge(start), edge(end), _asked(programs, key, name))
            for name in layer.experiments
            for start, end in ruleset.experiments[name].slots
        ]

        def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> tuple[Values, Evaluation]:
            digest = sha256(prefix + data).digest()
            for start, end, asked in ranges:
                if start <= digest < end:
                    return asked(data, attributes, sticky)
            return nobody

        out = (layer.parameters, plain.declined(Detail.OPTED_OUT))
        self.program: Reading = program
        self.out: Reading = lambda _data, _attributes, _sticky: out


def _asked(programs: Programs, key: str, name: str) -> Reading:
    """Ask one experiment of the layer, by its flag where it has one."""
    ruleset = programs.ruleset
    layer, experiment = ruleset.layers[key], ruleset.experiments[name]
    if experiment.flag is None:
        program = programs.experiment(name, of_layer(ruleset, key, name), layer.unit)
    else:
        program = programs.flag(experiment.flag, layer.unit)
    sets = {arm.variant: {**layer.parameters, **arm.parameters} for arm in experiment.arms}

    def asked(data: bytes, attributes: Attributes, sticky: Sticky | None) -> tuple[Values, Evaluation]:
        found = program(data, attributes, sticky)
        if found.experiment != name or found.variant is None:
            return layer.parameters, found
        return sets[found.variant], found

    return asked
