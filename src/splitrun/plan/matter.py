"""What a plan is made from: an experiment, the library and project it lives in, the metrics it chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from splitrun.errors import Mistake
from splitrun.plan.defined import Defined
from splitrun.plan.library import Library
from splitrun.spec.experiment import Experiment, GuardrailRule, Weighted
from splitrun.spec.metric import Here, Metric, MetricHere
from splitrun.spec.model import Role
from splitrun.spec.plan import PlannedTemplate
from splitrun.spec.project import Project
from splitrun.spec.source import Source
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested

__all__ = ["Chosen", "Matter", "chosen", "here"]

METRIC: TypeAdapter[Metric] = TypeAdapter(Metric)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A metric in a role, as the experiment chose it."""

    key: str
    role: Role
    metric: Metric
    site: Site
    """Where the experiment chose it."""
    home: Site
    """Where it is defined."""
    weight: int = 1
    guardrail: GuardrailRule | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """Everything a plan is made from."""

    experiment: Experiment
    top: Site
    library: Library
    project: Project | None
    sources: Mapping[str, Defined[Source]]
    """Of the library and of the experiment's own file."""
    metrics: tuple[Chosen, ...]
    templates: tuple[PlannedTemplate, ...] = ()
    """Which filled what the experiment does not say."""


def chosen(experiment: Experiment, top: Site, library: Library) -> tuple[tuple[Chosen, ...], list[Mistake]]:
    """Resolve the metrics in their roles; groups become their members.

    Returns:
        The metrics by role in the order of the scorecard, and what could not be resolved.
    """
    search = Search(library, here(experiment, top), [])
    metrics: list[Chosen] = []
    at = top / "metrics"
    for index, primary in enumerate(experiment.metrics.primary):
        site = at / "primary" / index
        match primary:
            case Weighted(metric=metric, weight=weight):
                metrics += search.found(metric, Role.PRIMARY, site / "metric", weight=weight)
            case metric:
                metrics += search.found(metric, Role.PRIMARY, site)
    for index, rule in enumerate(experiment.metrics.guardrails):
        site = at / "guardrails" / index / "metric"
        metrics += search.found(rule.metric, Role.GUARDRAIL, site, guardrail=rule)
    for role, more in (
        (Role.SECONDARY, experiment.metrics.secondary),
        (Role.DIAGNOSTIC, experiment.metrics.diagnostic),
    ):
        for index, metric in enumerate(more):
            metrics += search.found(metric, role, at / role.value / index)
    return tuple(metrics), search.mistakes + twice(metrics)


def here(experiment: Experiment, top: Site) -> dict[str, Defined[Metric]]:
    """Give the metrics that are defined where they are used."""
    own: dict[str, Defined[Metric]] = {}
    roles = experiment.metrics
    lists = (
        ("primary", roles.primary),
        ("guardrails", roles.guardrails),
        ("secondary", roles.secondary),
        ("diagnostic", roles.diagnostic),
    )
    for role, references in lists:
        for index, reference in enumerate(references):
            site = top / "metrics" / role / index
            match reference:
                case Weighted(metric=metric) | GuardrailRule(metric=metric):
                    site = site / "metric"
                case metric:
                    pass
            match metric:
                case Here():
                    own.setdefault(metric.key, Defined(keyless(metric), site))
                case _:
                    pass
    return own


def keyless(metric: MetricHere) -> Metric:
    """Give the definition without its key."""
    return METRIC.validate_python(metric.model_dump(exclude={"key"}))


@dataclass(frozen=True, slots=True)
class Search:
    """Looks metrics up, and notes what is not there."""

    library: Library
    own: Mapping[str, Defined[Metric]]
    mistakes: list[Mistake]

    def found(
        self,
        reference: str | MetricHere,
        role: Role,
        site: Site,
        *,
        weight: int = 1,
        guardrail: GuardrailRule | None = None,
    ) -> Iterator[Chosen]:
        """Give the metrics that a reference stands for."""
        match reference:
            case Here():
                if reference.key in self.library.metrics:
                    first = self.library.metrics[reference.key].site.document.file
                    says = f"metric {reference.key!r} is defined in {first} already"
                    self.mistakes.append(site.mistake(says, "use it by name, or choose another key", "key"))
                yield Chosen(reference.key, role, keyless(reference), site, site, weight, guardrail)
            case name:
                for key in self.members(name, site):
                    defined = self.own.get(key) or self.library.metrics[key]
                    yield Chosen(key, role, defined.value, site, defined.site, weight, guardrail)

    def members(self, name: str, site: Site) -> tuple[str, ...]:
        """Give the metrics that a name stands for: one, a group's, or none with a note."""
        if name in self.own or name in self.library.metrics:
            return (name,)
        if name in self.library.groups:
            return self.library.groups[name].value
        known = (*self.own, *self.library.metrics, *self.library.groups)
        self.mistakes.append(site.mistake(f"there is no metric {name!r}", suggested(name, known)))
        return ()


def twice(metrics: list[Chosen]) -> list[Mistake]:
    """Refuse a metric that stands in two places."""
    seen: dict[str, Role] = {}
    mistakes = []
    for metric in metrics:
        if metric.key in seen:
            says = f"metric {metric.key!r} stands here again; it is a {seen[metric.key]} metric already"
            mistakes.append(metric.site.mistake(says, "keep it in one role"))
        seen.setdefault(metric.key, metric.role)
    return mistakes
