"""An experiment resolved into the plan that a readout is held to, every default written out; its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from splitrun.errors import Mistake, SpecError
from splitrun.plan.adjustment import adjustment, planned_adjustment
from splitrun.plan.defined import Defined
from splitrun.plan.library import RESERVED, Library, sources_of
from splitrun.plan.looks import looks, moments
from splitrun.plan.matter import Chosen, Matter, chosen, here
from splitrun.plan.method import SPENDING, method, method_of, multiplicity_of
from splitrun.plan.question import CONTROL, question
from splitrun.plan.rows import rows, segments, unit_column
from splitrun.plan.sealing.canonical import canonical
from splitrun.plan.sealing.methods import methods
from splitrun.plan.templates.filling import Filled, filled, stocked
from splitrun.spec.experiment import Experiment
from splitrun.spec.plan import (
    Analysis,
    Delivery,
    Margin,
    Plan,
    PlannedMetric,
    PlannedSegment,
    PlannedSource,
    PlannedVariant,
)
from splitrun.spec.policy import Policy
from splitrun.spec.project import Project
from splitrun.spec.reading import Draft, found
from splitrun.spec.segment import Segment
from splitrun.spec.source import EVENTS, Source
from splitrun.spec.written.document import Document, Path, Site, Written, dotted
from splitrun.spec.written.unbuilt import EXPERIMENT
from splitrun.spec.written.wording import Faults

__all__ = ["digest", "resolved", "sealed"]

ALPHA = 0.05
POWER = 0.8
TIMEZONE = "UTC"

MISLEADING: tuple[tuple[str, Path], ...] = (
    ("analysis", ("duration",)),
    ("analysis", ("exposures", "pre_exposure")),
    ("analysis", ("exposures", "time")),
    ("analysis", ("metrics",)),
    ("analysis", ("segments",)),
    ("exposures", ("variants",)),
    ("hypothesis", ("metrics", "primary")),
    ("metrics", ("analysis", "method")),
    ("metrics", ("analysis", "multiplicity")),
    ("metrics", ("exposures", "time")),
    ("metrics", ("sources",)),
    ("moments", ("variants",)),
    ("segments", ("exposures", "pre_exposure")),
    ("trigger", ("exposures", "time")),
    ("trigger", ("sources",)),
)
"""What is said of the first would be wrong while the second is not mended."""


def sealed(
    draft: Draft,
    library: Library | None = None,
    project: Project | None = None,
    others: Mapping[str, Draft] | None = None,
    *,
    awaited: bool = False,
) -> Plan:
    """Resolve an experiment into a plan.

    Args:
        draft: The experiment as written.
        library: What the project's files define; none: the experiment stands alone.
        project: The project's settings.
        others: The experiments of the project by key, for `extends`.
        awaited: Whether an experiment on a flag may be without exposures, as it is before it has run.

    Raises:
        SpecError: All mistakes, also those of references between files.
    """
    shelf = library or Library()
    made, wrong = completed(draft, others or {}, shelf)
    whole = standing(made.document, wrong)
    if whole is None:
        raise SpecError(listed(wrong))
    matter, loose = matter_of(replace(made, document=whole), shelf, project)
    judged = (
        *question(matter),
        *rows(matter, awaited=awaited),
        *method(matter),
        *looks(matter),
        *adjustment(matter),
    )
    more = [each for each in (*loose, *judged) if not misled(each, wrong)]
    if wrong or more:
        raise SpecError(listed(wrong, more))
    return plan(matter)


def resolved(
    draft: Draft, others: Mapping[str, Draft], library: Library | None = None
) -> Written[Experiment]:
    """Fill what an experiment does not say, without asking what its metrics are made of.

    Args:
        draft: The experiment as written.
        others: The experiments of the project by key, for `extends`.
        library: Where the project's templates stand.

    Raises:
        SpecError: All mistakes that keep it from being an experiment.
    """
    made, wrong = completed(draft, others, library or Library())
    if wrong:
        raise SpecError(listed(wrong))
    return Written(Experiment.model_validate(made.document.value), made.document)


def completed(draft: Draft, others: Mapping[str, Draft], library: Library) -> tuple[Filled, Faults]:
    """Fill what is not said, and find all that keeps it from being an experiment."""
    try:
        made = filled(draft, others, library.templates)
    except SpecError as error:
        broken: Faults = [(("extends",), mistake) for mistake in error.mistakes]
        own, told = found(Experiment, draft.document, EXPERIMENT), {each.path for each in error.mistakes}
        more = [(path, each) for path, each in own if not missing(each) and each.path not in told]
        return Filled(draft.document), broken + more
    return made, found(Experiment, made.document, EXPERIMENT)


def missing(mistake: Mistake) -> bool:
    """Whether a mistake is that nothing was written."""
    return mistake.says.endswith("` is missing")


def digest(plan: Plan) -> str:
    """Give the fingerprint of a plan: SHA-256 of its canonical JSON (RFC 8785).

    Raises:
        SpecError: The plan holds a whole number beyond 2^53, which JSON cannot carry exactly.
    """
    return f"sha256:{sha256(canonical(plan).encode()).hexdigest()}"


def misled(mistake: Mistake, wrong: Faults) -> bool:
    """Whether a mistake is only seen because something else was cut out."""
    top = mistake.path.partition(".")[0].partition("[")[0]
    return any(
        dotted(path).startswith(mistake.path)
        or any(top == late and path[: len(early)] == early for late, early in MISLEADING)
        for path, _ in wrong
    )


def standing(document: Document, wrong: Faults) -> Document | None:
    """Give what is left of a document when its faults are cut out, if an experiment is left."""
    paths = [path for path, _ in wrong]
    for _ in range(4):
        if not paths:
            return document
        if any(len(path) < 2 and unwritten(document, path) for path in paths):
            return None
        document = document.without(around(document, paths))
        paths = [path for path, _ in found(Experiment, document, EXPERIMENT)]
    return None


def unwritten(document: Document, path: Path) -> bool:
    """Whether nothing stands at a path of the top."""
    return not path or document.at(path) is None


def around(document: Document, paths: list[Path]) -> list[Path]:
    """Give what must go with what is wrong: the thing itself, or what holds it where it is missing."""
    return [path if document.at(path) is not None else path[:-1] for path in paths]


def listed(wrong: Faults, more: list[Mistake] | None = None) -> list[Mistake]:
    """List mistakes in the order of the files, each once."""
    first = [mistake for _, mistake in wrong]
    told = {str(mistake): mistake for mistake in [*first, *(more or [])]}
    return sorted(
        told.values(),
        key=lambda each: (each.place.file, each.place.line, each.place.column) if each.place else ("", 0, 0),
    )


def matter_of(made: Filled, shelf: Library, project: Project | None) -> tuple[Matter, list[Mistake]]:
    """Bring together what a plan is made from, and what does not fit together."""
    experiment, top = Experiment.model_validate(made.document.value), Site(made.document, ())
    library = stocked(shelf, made.packs, here(experiment, top))
    metrics, mistakes = chosen(experiment, top, library)
    own = {key: Defined(source, top / "sources" / key) for key, source in experiment.sources.items()}
    for key, source in own.items():
        if key in library.sources:
            says = f"source {key!r} is defined in {library.sources[key].site.document.file} already"
            mistakes.append(source.site.mistake(says, "choose another name"))
        if key in RESERVED:
            says = f"`{key}` is the name of an experiment's own rows"
            mistakes.append(source.site.mistake(says, "choose another name"))
    # the lake's events stand beside its exposures, unless the name is taken; other ids do not fit them
    logged = experiment.exposures is None or experiment.exposures.lake is not None
    lake = {EVENTS: Defined(Source.model_validate({"lake": EVENTS}), top)} if logged else {}
    sources = {**lake, **library.sources, **own}
    return Matter(experiment, top, library, project, sources, metrics, made.planned), mistakes


def plan(matter: Matter) -> Plan:
    """Write the plan, with nothing left to a default."""
    experiment = matter.experiment
    project = matter.project
    planned = Plan(
        key=experiment.key,
        title=experiment.title,
        owner=experiment.owner,
        unit=experiment.unit,
        hypothesis=experiment.hypothesis,
        exposures=experiment.exposures,
        moments=experiment.moments,
        trigger=experiment.trigger,
        variants=planned_variants(experiment),
        weights_known=experiment.weights is None,
        sources=planned_sources(matter),
        metrics=tuple(planned_metric(metric, experiment) for metric in matter.metrics),
        segments=planned_segments(matter),
        analysis=analysis(matter),
        duration=experiment.duration,
        timezone=experiment.timezone or (project.timezone if project else None) or TIMEZONE,
        assumptions=experiment.assumptions,
        delivery=delivery(experiment),
        baselines=experiment.baselines,
        reviewers=experiment.reviewers,
        signoffs=experiment.signoffs,
        waivers=experiment.waivers,
        identity=experiment.identity,
        lateness=experiment.lateness or (project.policy.lateness if project else None),
        templates=matter.templates,
        policy=project.policy if project and project.policy != Policy() else None,
    )
    return planned.model_copy(update={"methods": methods(planned)})


def planned_variants(experiment: Experiment) -> tuple[PlannedVariant, ...]:
    """Put control first."""
    order = sorted(experiment.variants, key=lambda key: key != CONTROL)
    return tuple(PlannedVariant(key=key, weight=experiment.variants[key].weight) for key in order)


def planned_sources(matter: Matter) -> tuple[PlannedSource, ...]:
    """Give the sources that are read, each with the one column that holds the unit."""
    if matter.experiment.moments is not None:
        return ()
    used = dict.fromkeys(name for metric in matter.metrics for name, _ in sources_of(metric.metric))
    if matter.experiment.trigger is not None:
        used[matter.experiment.trigger.source] = None
    return tuple(
        PlannedSource(key=name, source=with_unit(matter, matter.sources[name].value))
        for name in used
        if name in matter.sources
    )


def with_unit(matter: Matter, source: Source) -> Source:
    """Resolve the unit's column."""
    return source.model_copy(update={"unit": unit_column(matter, source)})


def planned_metric(metric: Chosen, experiment: Experiment) -> PlannedMetric:
    """Write a metric in its role."""
    expect, rule = experiment.hypothesis.expect, metric.guardrail
    return PlannedMetric(
        key=metric.key,
        role=metric.role,
        metric=metric.metric,
        weight=metric.weight,
        mei=expect.mei if expect.metric == metric.key else None,
        guardrail=None
        if rule is None
        else Margin(margin=rule.margin, mode=rule.mode, on_breach=rule.on_breach),
    )


def planned_segments(matter: Matter) -> tuple[PlannedSegment, ...]:
    """Give the segments; a table of sums that has a column of levels is cut by it."""
    declared = segments(matter)
    moments = matter.experiment.moments
    if moments is not None and moments.segment is not None and not declared:
        return (PlannedSegment(key="segment", segment=Segment(values=moments.segment)),)
    return tuple(PlannedSegment(key=key, segment=segment.value) for key, segment in declared.items())


def analysis(matter: Matter) -> Analysis:
    """Write out how it will be judged."""
    rules, project = matter.experiment.analysis, matter.project
    limit = project.policy.alpha.max if project and project.policy.alpha else ALPHA
    return Analysis(
        method=method_of(matter),
        alpha=min(ALPHA, limit) if rules.alpha is None else rules.alpha,
        power=POWER if rules.power is None else rules.power,
        multiplicity=multiplicity_of(matter),
        looks=moments(matter),
        spending=rules.spending or SPENDING,
        spending_parameter=rules.spending_parameter,
        futility=rules.futility or False,
        planned_units=rules.planned_units,
        adjust=planned_adjustment(matter),
    )


def delivery(experiment: Experiment) -> Delivery:
    """Carry what says how the change reaches units; no number of a readout rests on it."""
    return Delivery(
        flag=experiment.flag,
        serves={
            key: variant.serve for key, variant in experiment.variants.items() if variant.serve is not None
        },
        audience=experiment.audience,
        coverage=experiment.coverage,
        layer=experiment.layer,
        version=experiment.version,
        salt=experiment.salt,
        follows=experiment.version - 1 or None,
        parameters={key: variant.parameters for key, variant in experiment.variants.items()}
        if experiment.layer
        else {},
        frame=experiment.frame,
        holdback=experiment.holdback,
        ramp=experiment.ramp,
    )
