"""Flags forced to a variant, in every client of the process, for as long as a test takes.

The ruleset is changed, not the client: the evaluator, the exposures and the types are the real ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ContextDecorator
from functools import wraps
from inspect import getattr_static, isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from types import FunctionType, TracebackType
from typing import Self, TypeVar

from msgspec.structs import replace

from splitrun.assign.ruleset import WHOLE, Flag, Ruleset, Run, Serve
from splitrun.errors import RulesetError, SettingError
from splitrun.sdk.inner.answers import KINDS
from splitrun.sdk.process.forks import HOUSEHOLD
from splitrun.sdk.rulesets.keeper import ALTERATIONS
from splitrun.sdk.settings import nearest

__all__ = ["forced"]

Decorated = TypeVar("Decorated", bound=Callable[..., object])


class forced(ContextDecorator):  # noqa: N801 - reads as a verb: `with forced("checkout", "one-page")`
    """`with forced("checkout-flow", "one-page"):`, or `@forced(...)` over a test, a fixture or a class.

    Everybody gets the variant, whatever lists, holdouts, layers, audiences and coverage say; consent and
    opt-out still count. A variant of an experiment on the flag is exposed as such.

    Args:
        flag: Its key.
        variant: Of an experiment on it, else of the flag.
        value: What the variant serves; with it the flag need not be in the ruleset, nor a ruleset be there.

    Raises:
        SettingError: A key is no text.
        RulesetError: Clients have flags and none has this one, or it has no such variant; told when the
            block is entered.
    """

    def __init__(self, flag: str, variant: str, *, value: object = None) -> None:
        for what, key in (("flag", flag), ("variant", variant)):
            if type(key) is not str or not key:
                raise SettingError(f"forced: the {what} is {key!r:.60}; give its key, a text")
        self.flag, self.variant, self.value = flag, variant, value
        # one object for each: what is taken away again is this one
        self.alteration = self.altered
        self.taken = False
        self.missed: tuple[str, ...] = ()
        """Variants of a flag that has not this one."""
        self.others: set[str] = set()
        """Flags of rulesets that have not this one."""

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
        if self.taken:
            return
        if self.missed:
            raise RulesetError(
                f"flag {self.flag!r} has no variant {self.variant!r}; {nearest(self.variant, self.missed)}"
            )
        if self.others:
            listed = tuple(sorted(self.others))
            raise RulesetError(
                f"no client's ruleset has the flag {self.flag!r}; {nearest(self.flag, listed)}"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ALTERATIONS.remove(self.alteration)
        rehearsed()

    def __call__(self, function: Decorated) -> Decorated:
        """Force the variant whenever the function runs, or until it ends; in each test of a class."""
        if isclass(function):
            for name in [name for name in dir(function) if name.startswith("test")]:
                found = getattr_static(function, name)
                if type(found) in {staticmethod, classmethod}:
                    setattr(function, name, type(found)(self.around(found.__func__)))
                elif type(found) is FunctionType:
                    setattr(function, name, self.around(found))
            return function
        # what it answers is what the function answers
        return self.around(function)  # type: ignore[return-value]

    def again(self) -> forced:
        """Give another of its kind; one is entered once at a time."""
        return forced(self.flag, self.variant, value=self.value)

    def around(self, function: Callable[..., object]) -> Callable[..., object]:
        """Wrap a function as what it is: pytest looks whether a test waits, and whether a fixture yields."""
        if iscoroutinefunction(function):

            @wraps(function)
            async def later(*args: object, **named: object) -> object:
                with self.again():
                    return await function(*args, **named)

            return later
        if isgeneratorfunction(function):

            @wraps(function)
            def during(*args: object, **named: object) -> Iterator[object]:
                with self.again():
                    yield from function(*args, **named)

            return during
        if isasyncgenfunction(function):

            @wraps(function)
            async def later_during(*args: object, **named: object) -> AsyncIterator[object]:
                with self.again():
                    async for each in function(*args, **named):
                        yield each

            return later_during

        @wraps(function)
        def now(*args: object, **named: object) -> object:
            with self.again():
                return function(*args, **named)

        return now

    def altered(self, ruleset: Ruleset) -> Ruleset:
        """Serve the variant to everybody."""
        known = ruleset.flags.get(self.flag)
        if self.value is not None:
            flag = self.serving(ruleset, known)
            self.taken = True
            return replace(ruleset, flags={**ruleset.flags, self.flag: flag})
        if known is None:
            # another client's, if any
            self.others |= ruleset.flags.keys()
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
