"""Flags forced to a variant, in every client of the process, for as long as a test takes.

The ruleset is changed, not the client: the evaluator, the exposures and the types are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from msgspec.structs import replace

from splitrun.assign.ruleset import WHOLE, Flag, Ruleset, Run, Serve
from splitrun.errors import RulesetError
from splitrun.sdk.inner.answers import KINDS
from splitrun.sdk.process.forks import HOUSEHOLD
from splitrun.sdk.rulesets.keeper import ALTERATIONS
from splitrun.sdk.settings import nearest

if TYPE_CHECKING:
    pass

__all__ = ["forced"]

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Object = TypeVar("Object")


class forced(ContextDecorator):  # noqa: N801 - reads as a verb: `with forced("checkout", "one-page")`
    """`with forced("checkout-flow", "one-page"):`, or `@forced(...)` over a test, async too.

    Everybody gets the variant, whatever lists, holdouts, layers, audiences and coverage say; consent and
    opt-out still count. A variant of an experiment on the flag is exposed as such.

    Args:
        flag: Its key.
        variant: Of an experiment on it, else of the flag.
        value: What the variant serves; with it the flag need not be in the ruleset, nor a ruleset be there.

    Raises:
        RulesetError: The flag has no such variant; told when the block is entered.
    """

    def __init__(self, flag: str, variant: str, *, value: object = None) -> None:
        self.flag, self.variant, self.value = flag, variant, value
        # one object for each: what is taken away again is this one
        self.alteration = self.altered
        self.taken = False
        self.missed: tuple[str, ...] = ()
        """Variants of a flag that has not this one."""

    def __enter__(self) -> Self:
        ALTERATIONS.append(self.alteration)
        try:
            rehearsed()
            self.check()
        except RulesetError:
            self.__exit__(None, None, None)
            raise
        return self

    def check(self) -> None:
        """See that a client took the variant, where one has the flag.

        Raises:
            RulesetError: None did.
        """
        if self.missed and not self.taken:
            raise RulesetError(
                f"flag {self.flag!r} has no variant {self.variant!r}; {nearest(self.variant, self.missed)}"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ALTERATIONS.remove(self.alteration)
        rehearsed()

    def __call__(self, function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:  # type: ignore[override] # as there, with its types
        """Force the variant whenever the function runs."""
        flag, variant, value = self.flag, self.variant, self.value
        if iscoroutinefunction(function):

            @wraps(function)
            async def later(*args: Parameters.args, **named: Parameters.kwargs) -> object:
                with forced(flag, variant, value=value):
                    return await function(*args, **named)

            # what it answers is what the function answers
            return later  # type: ignore[return-value]

        @wraps(function)
        def now(*args: Parameters.args, **named: Parameters.kwargs) -> Answer:
            with forced(flag, variant, value=value):
                return function(*args, **named)

        return now

    def altered(self, ruleset: Ruleset) -> Ruleset:
        """Serve the variant to everybody."""
        known = ruleset.flags.get(self.flag)
        if self.value is not None:
            flag = self.serving(ruleset, known)
            return replace(ruleset, flags={**ruleset.flags, self.flag: flag})
        if known is None:
            # another client's
            return ruleset
        for rule in known.rules:
            if isinstance(rule, Run) and self.dealt(ruleset, rule.experiment):
                self.taken = True
                return self.running(ruleset, known, rule)
        if self.variant in known.variants:
            self.taken = True
            return replace(ruleset, flags={**ruleset.flags, self.flag: plain(known, Serve(self.variant))})
        self.missed = (*self.variants(ruleset, known), *known.variants)
        return ruleset

    def dealt(self, ruleset: Ruleset, experiment: str) -> bool:
        """Whether an experiment has the variant."""
        return any(arm.variant == self.variant for arm in ruleset.experiments[experiment].arms)

    def variants(self, ruleset: Ruleset, flag: Flag) -> list[str]:
        """Variants of the flag's experiments."""
        runs = [ruleset.experiments[rule.experiment] for rule in flag.rules if isinstance(rule, Run)]
        return [arm.variant for experiment in runs for arm in experiment.arms]

    def running(self, ruleset: Ruleset, flag: Flag, rule: Run) -> Ruleset:
        """Have an experiment deal its one variant to everybody."""
        known = ruleset.experiments[rule.experiment]
        arm = next(arm for arm in known.arms if arm.variant == self.variant)
        runs = dict(ruleset.experiments)
        if known.layer is not None:
            # the others make room, so that the layer's parameters are this variant's, too
            runs |= {key: replace(run, slots=()) for key, run in runs.items() if run.layer == known.layer}
        runs[rule.experiment] = replace(
            known,
            arms=(replace(arm, below=WHOLE),),
            coverage=WHOLE,
            audience=None,
            slots=((0, WHOLE),) if known.layer is not None else (),
            holdouts=(),
        )
        flags = {**ruleset.flags, self.flag: plain(flag, rule)}
        return replace(ruleset, flags=flags, experiments=runs)

    def serving(self, ruleset: Ruleset, known: Flag | None) -> Flag:
        """Make a flag that serves the value.

        Raises:
            RulesetError: No flag can serve such a value.
        """
        kind = KINDS.get(type(self.value))
        if kind is None:
            raise RulesetError(
                f"a flag cannot serve {self.value!r:.60}; give a boolean, text, number, list or mapping"
            )
        if known is not None:
            variants = {**known.variants, self.variant: self.value}
            return replace(plain(known, Serve(self.variant)), variants=variants)
        unit = next(iter(ruleset.units))
        return Flag(kind, unit, {self.variant: self.value}, self.variant, rules=(Serve(self.variant),))


def plain(flag: Flag, rule: Run | Serve) -> Flag:
    """Leave one rule, and nothing before it."""
    return replace(flag, on=True, archived=False, overrides=(), requires=(), rules=(rule,))


def rehearsed() -> None:
    """Have every client of the process look at its ruleset again."""
    for client in tuple(HOUSEHOLD.clients):
        client._rehearse()  # noqa: SLF001 - the clients' side of it is there for this
