"""The door of the room: a ruleset compiled once, asked as often as there are requests."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.explanation import Asked, Explanation, explained
from splitrun.assign.faults import told
from splitrun.assign.parametrised import Parametrised
from splitrun.assign.programs import Attributes, IdError, Program, Programs
from splitrun.assign.ruleset import Ruleset
from splitrun.assign.slots import id_bytes
from splitrun.assign.sound import sound, zone
from splitrun.assign.sticky import Sticky, Unkept

__all__ = ["Evaluator", "Parameters"]


class Parameters(Struct, frozen=True):
    """A layer's parameters for a unit, and the evaluation that set them.

    Where an experiment on a flag set them the evaluation is the flag's; else it names the layer as its flag.
    """

    values: Mapping[str, object]
    """Must not be changed by who receives it."""
    evaluation: Evaluation


class Evaluator:
    """Answers what a unit gets, from one ruleset. Immutable and safe to share between threads.

    Args:
        ruleset: What was published.

    Raises:
        RulesetError: It does not hold together, or is too large.
    """

    __slots__ = ("_flags", "_keeping", "_layers", "_opted", "_programs", "_zone", "doors", "ruleset")

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = sound(ruleset)
        self._zone = zone(ruleset.timezone)
        programs = Programs(ruleset, self._zone)
        self._flags = _flags(programs)
        self.doors = {key: programs.door(key) for key in ruleset.flags}
        """By flag what `answer` calls; see `splitrun.assign.halves`."""
        self._programs = programs
        self._opted: dict[str, Program] = {}
        self._layers = {key: Parametrised(programs, key) for key in ruleset.layers}
        self._keeping: tuple[dict[str, Program], dict[str, Parametrised]] | None = None

    def evaluate(
        self,
        flag: str,
        unit: str,
        attributes: Attributes,
        *,
        opted_out: bool = False,
        sticky: Sticky | None = None,
    ) -> Evaluation:
        """Answer what a unit gets of a flag. Never raises: what goes wrong is in the answer.

        Args:
            flag: Its key.
            unit: Id of the unit, of the flag's unit type.
            attributes: What is known of the unit; missing ones are null.
            opted_out: The unit takes no part in experiments.
            sticky: Where variants are kept.

        Returns:
            One of the evaluations that were made with the evaluator, or one with an error and the default.
        """
        if not opted_out and sticky is None:
            return self.answer(flag, unit, attributes)
        try:
            data = id_bytes(unit)
            program = self._out(flag) if opted_out else self._kept()[0][flag]
            return program(data, attributes, sticky)
        except Exception as fault:  # noqa: BLE001  # mappings and stores are the caller's and may raise anything
            return self._wrong(flag, unit, attributes, fault)

    def answer(self, flag: str, unit: str, attributes: Attributes) -> Evaluation:
        """Answer as `evaluate` does where nothing but these matters; keywords would cost a tenth of it."""
        try:
            return self.doors[flag](unit, attributes)
        except Exception as fault:  # noqa: BLE001  # as in `evaluate`
            return self._wrong(flag, unit, attributes, fault)

    def explain(
        self,
        flag: str,
        unit: str,
        attributes: Attributes,
        *,
        opted_out: bool = False,
        sticky: Sticky | None = None,
    ) -> Explanation:
        """Answer as `evaluate` does, with the path that led there. Never raises; nothing is kept."""
        # a reader: what a store would be given is thrown away
        kept = None if sticky is None else Unkept(sticky)
        evaluation = self.evaluate(flag, unit, attributes, opted_out=opted_out, sticky=kept)
        known = evaluation.error is not ErrorCode.FLAG_NOT_FOUND
        given = self.ruleset.flags[evaluation.flag].unit if known else ""
        asked = Asked(given, _text(unit) or unit, attributes, opted_out, kept)
        return explained(self.ruleset, self._zone, evaluation.flag, asked, evaluation)

    def parameters(
        self,
        layer: str,
        unit: str,
        attributes: Attributes,
        *,
        opted_out: bool = False,
        sticky: Sticky | None = None,
    ) -> Parameters:
        """Answer which parameters of a layer a unit gets. Never raises.

        Args:
            layer: Its key.
            unit: Id of the unit, of the layer's unit type.
            attributes: What is known of the unit; missing ones are null.
            opted_out: The unit takes no part in experiments.
            sticky: Where variants are kept.
        """
        try:
            layers = self._layers if sticky is None else self._kept()[1]
            found = layers[layer].out if opted_out else layers[layer].program
            values, evaluation = found(id_bytes(unit), attributes, sticky)
            return Parameters(values, evaluation)
        except Exception as fault:  # noqa: BLE001  # as in `evaluate`
            return self._wrong_layer(layer, unit, attributes, fault)

    def failed(self, flag: str, unit: str, says: str) -> Evaluation:
        """Answer as `evaluate` does for attributes that cannot be read.

        Args:
            flag: Its key.
            unit: Id of the unit.
            says: What is wrong with the attributes, and what to do next.
        """
        return self._wrong(flag, unit, {}, IdError(ErrorCode.INVALID_CONTEXT, says))

    def failed_layer(self, layer: str, unit: str, says: str) -> Parameters:
        """Answer as `parameters` does for attributes that cannot be read; see `failed`."""
        return self._wrong_layer(layer, unit, {}, IdError(ErrorCode.INVALID_CONTEXT, says))

    def _out(self, flag: str) -> Program:
        """Compile what of a flag is asked before an opt-out, when one is first met."""
        known = self._opted.get(flag)
        if known is None:
            known = self._opted[flag] = self._programs.opted(flag, self.ruleset.flags[flag].unit)
        return known

    def _kept(self) -> tuple[dict[str, Program], dict[str, Parametrised]]:
        """Compile once more, with looks into the sticky store, when a caller first has one."""
        if self._keeping is None:
            programs = Programs(self.ruleset, self._zone, keeps=True)
            layers = {key: Parametrised(programs, key) for key in self.ruleset.layers}
            self._keeping = (_flags(programs), layers)
        return self._keeping

    def _wrong(self, flag: object, unit: object, attributes: object, fault: Exception | None) -> Evaluation:
        """Answer with the default and what went wrong; a flag that is off says so whatever the unit."""
        version = self.ruleset.version
        key = _text(flag)
        if key is None or key not in self._flags:
            return _unknown("flag", flag, version)
        found = self.ruleset.flags[key]
        if not found.on or found.archived:
            return self._flags[key](b"", {}, None)
        code, says = told(unit, attributes, fault)
        return Evaluation(
            key, found.variants[found.default], found.default, Reason.ERROR, Detail.ERROR,
            ruleset=version, error=code, says=says, serve=found.default,
        )  # fmt: skip

    def _wrong_layer(self, layer: object, unit: object, attributes: object, fault: Exception) -> Parameters:
        version = self.ruleset.version
        key = _text(layer)
        if key is None or key not in self._layers:
            return Parameters({}, _unknown("layer", layer, version))
        code, says = told(unit, attributes, fault)
        values = self.ruleset.layers[key].parameters
        return Parameters(
            values,
            Evaluation(key, values, None, Reason.ERROR, Detail.ERROR, ruleset=version, error=code, says=says),
        )


def _flags(programs: Programs) -> dict[str, Program]:
    return {key: programs.flag(key, flag.unit) for key, flag in programs.ruleset.flags.items()}


def _text(key: object) -> str | None:
    """Take a text as plain one: a kind of its own may raise when it is looked up."""
    return str.__str__(key) if issubclass(type(key), str) else None


def _unknown(what: str, key: object, version: int) -> Evaluation:
    text = _text(key)
    shown = type(key).__name__ if text is None else text[:128]
    return Evaluation(
        shown,
        None,
        None,
        Reason.ERROR,
        Detail.ERROR,
        ruleset=version,
        error=ErrorCode.FLAG_NOT_FOUND,
        says=f"the ruleset has no {what} {shown!r}; publish it, or mend the name in the code",
    )
