"""Files of moments from regions whose rows stay at home: signed where they are made, held together here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence
from splitrun.conduct.reading.taking import Taken, Terms
from splitrun.conduct.workspace import shown
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.govern.cells.system import Place
from splitrun.measure.regions.merging import merged, withheld
from splitrun.measure.regions.parcel import FORM, Parcel
from splitrun.measure.segments import OTHER
from splitrun.spec.analysis import Method
from splitrun.spec.metric import Quantile
from splitrun.spec.model import Model
from splitrun.spec.plan import Plan
from splitrun.store.canonical import Json, canonical, digest, value_of
from splitrun.store.chain.ring import Signer, holds, public_keys

__all__ = ["Joined", "joined", "refuse_unmergeable", "signed", "trusted_of"]

LARGEST = 50_000_000
"""Bytes of a file."""


class Envelope(BaseModel):
    """A file: the parcel, its digest, and who signed that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: str
    digest: str
    key: str
    public: str
    signature: str
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class Joined:
    """What regions know together."""

    found: Taken
    begun: Mapping[str, frozenset[Place]]
    """Levels that a region withheld, by metric and under `""` for units."""
    least: int
    """Units that a level must have in every variant to be shown: the most that a region asks for."""
    files: tuple[Json, ...]
    """Region and digest of every file, for the log."""


def signed(parcel: Parcel, signer: Signer) -> str:
    """Write a parcel as a file, signed."""
    content = value_of(parcel.model_dump_json())
    sealed = digest(canonical(content))
    return canonical(
        {
            "form": FORM,
            "digest": sealed,
            "key": signer.name,
            "public": signer.public,
            "signature": signer.signature(message(sealed)),
            "parcel": content,
        }
    )


def message(sealed: str) -> bytes:
    """What is signed."""
    return f"{FORM}\n{sealed}".encode()


def refuse_unmergeable(plan: Plan) -> None:
    """Refuse a plan whose numbers are not the sum of what regions know.

    Raises:
        SpecError: All that keeps its regions from being read by moments alone.
    """
    mistakes = list(unmergeable(plan))
    if mistakes:
        raise SpecError(mistakes)


def unmergeable(plan: Plan) -> Iterator[Mistake]:
    """What needs rows, or what regions do not share."""
    if plan.moments is not None:
        yield Mistake("the plan reads sums that were made elsewhere", "read it where they are", "moments")
    if plan.exposures is not None and plan.exposures.cluster is not None:
        says = f"a {plan.exposures.cluster} may have units in several regions, and moments do not tell which"
        yield Mistake(says, "read regions one by one, or take the cluster out", "exposures.cluster")
    if plan.analysis.adjust is not None and plan.analysis.adjust.strata:
        says = "strata cut levels into cells that are too small to leave a region"
        yield Mistake(says, "adjust by covariates alone", "analysis.adjust.strata")
    if plan.analysis.method in {Method.GROUP_SEQUENTIAL, Method.HYBRID}:
        says = (
            f"looks of {plan.analysis.method.value} count from the first exposure, which regions do not share"
        )
        yield Mistake(says, "judge by sequential or fixed", "analysis.method")
    for planned in plan.metrics:
        match planned.metric:
            case Quantile():
                says = f"the quantile {planned.key!r} cannot be worked out from moments"
                yield Mistake(says, "measure a mean or a share in its place", f"metrics.{planned.key}")
            case _ if drawn(planned.metric):
                says = f"the cap of {planned.key!r} is a quantile, which every region would find otherwise"
                yield Mistake(says, "write the cap as a number: cap: {at: …}", f"metrics.{planned.key}.cap")
            case _:
                continue


def drawn(metric: Model) -> bool:
    """Whether a metric has a cap that the data gives."""
    return '"quantile":' in metric.model_dump_json(exclude_none=True)


def joined(
    paths: Sequence[Path],
    trusted: frozenset[str],
    held_to: tuple[Plan, str],
    terms: Terms,
    at: datetime,
) -> Joined:
    """Read files of moments and add them up.

    Args:
        paths: One for each region.
        trusted: Public keys that may have signed them.
        held_to: The plan that they are read by, and the digest of the sealed one.
        terms: On which terms it is read.
        at: The moment of reading.

    Raises:
        SpecError: The plan needs more than moments.
        DataError: A file is none, was changed, is signed by nobody who is known, or does not fit.
    """
    plan, sealed = held_to
    refuse_unmergeable(plan)
    envelopes = [opened(path, trusted) for path in paths]
    parcels = [one.parcel for one in envelopes]
    for path, parcel in zip(paths, parcels, strict=True):
        fits(path, parcel, plan, sealed)
    alike(parcels, plan)
    apart(envelopes)
    measured = merged(parcels, [one.digest for one in envelopes])
    read = terms(plan, measured)
    found = doubts(Evidence(read, measured))
    begun = {
        kind: frozenset(Place(segment, label) for segment, label in places)
        for kind, places in withheld(parcels).items()
    }
    files: tuple[Json, ...] = tuple(
        {"region": one.parcel.region, "digest": one.digest, "key": one.key} for one in envelopes
    )
    least = max(one.min_cell for one in parcels)
    return Joined(Taken(read, measured, tuple(found), at), begun, least, files)


def opened(path: Path, trusted: frozenset[str]) -> Envelope:
    """Read a file and see who signed it.

    Raises:
        DataError: It is none, was changed, or is signed by nobody who is known.
    """
    name = shown(path)
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{name} is larger than {LARGEST:,} bytes, and no file of moments is; look at it")
        text = path.read_text(encoding="utf-8")
        envelope = Envelope.model_validate_json(text)
    except (OSError, UnicodeError) as error:
        raise DataError(
            f"{name} cannot be read ({error}); name a file that `splitrun measure` wrote"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        says = f"{name} is no file of moments: {place or 'the whole'}: {first['msg']}"
        raise DataError(f"{says}; name a file that `splitrun measure` wrote") from None
    match value_of(text):
        case {"parcel": parcel} if digest(canonical(parcel)) == envelope.digest:
            pass
        case _:
            raise DataError(f"{name} was changed after it was made: its digest does not hold; fetch it again")
    if not holds(envelope.public, envelope.signature, message(envelope.digest)):
        raise DataError(f"{name} was changed after it was made: its signature does not hold; fetch it again")
    if envelope.public not in trusted:
        raise DataError(
            f"{name} is signed by a key that is not known here ({envelope.key}, {envelope.public}); have the "
            "region's `state/keys/public.json` brought by somebody you trust, and name it with `--keys`"
        )
    return envelope


def fits(path: Path, parcel: Parcel, plan: Plan, sealed: str) -> None:
    """Hold a parcel against the plan.

    Raises:
        DataError: It was measured by another one.
    """
    name = shown(path)
    if parcel.plan != sealed:
        raise DataError(
            f"{name} was measured by the plan {parcel.plan[:19]}…, and {sealed[:19]}… is in force here; "
            "register the same plan everywhere, amendments too, and measure again"
        )
    variants, metrics = tuple(one.key for one in plan.variants), {one.key for one in plan.metrics}
    if parcel.variants != variants or set(parcel.metrics) != metrics:
        raise DataError(f"{name} has other variants or metrics than its plan; measure again")


def apart(envelopes: Sequence[Envelope]) -> None:
    """Hold that no project stands for two regions.

    Raises:
        DataError: A region is named twice, or one key signed for two: units would count twice.
    """
    names = [one.parcel.region for one in envelopes]
    if len(set(names)) < len(names):
        raise DataError(
            f"a region is named twice ({', '.join(names)}), and its units would count twice; name one file "
            "of each"
        )
    by_key: dict[str, list[str]] = {}
    for one in envelopes:
        by_key.setdefault(one.public, []).append(one.parcel.region)
    for key, regions in by_key.items():
        if len(regions) > 1:
            raise DataError(
                f"{' and '.join(regions)} are signed by one key ({key}), so one project measured them and "
                "its units would count twice; name one of them, and measure each region in its own project"
            )


def alike(parcels: Sequence[Parcel], plan: Plan) -> None:
    """Hold parcels against one another.

    Raises:
        DataError: They cannot be added up.
    """
    names = [one.region for one in parcels]
    moments = sorted({"none" if one.as_of is None else one.as_of.isoformat() for one in parcels})
    if len(moments) > 1:
        raise DataError(
            f"the regions speak of different moments ({', '.join(moments)}); measure each with one `--as-of`"
        )
    phases = sorted({one.phase or "none" for one in parcels})
    if len(phases) > 1:
        raise DataError(
            f"the regions' units came in different phases of the ramp ({', '.join(phases)}), in which "
            "variants had other shares; read regions one by one"
        )
    for key, first in parcels[0].metrics.items():
        for one in parcels:
            if one.metrics[key].covariates != first.covariates:
                raise DataError(
                    f"{key} is adjusted for {', '.join(first.covariates) or 'nothing'} in {names[0]} and for "
                    f"{', '.join(one.metrics[key].covariates) or 'nothing'} in {one.region}: a covariate is "
                    "missing for units of one region alone; adjust for what is known everywhere"
                )
    for cut in plan.segments:
        pooled = [one.region for one in parcels if OTHER in one.segments.get(cut.key, {})]
        if pooled and cut.segment.values is not None and cut.segment.keep is None:
            raise DataError(
                f"{cut.key} has more levels in {', '.join(pooled)} than are shown by name, and the regions "
                "would pool different ones; name those to be shown with `keep`"
            )


def trusted_of(own: Mapping[str, str], files: Sequence[Path]) -> frozenset[str]:
    """The public keys that are trusted: those of the project, and those of files that were named.

    Raises:
        StoreError: A file is no file of public keys.
    """
    return frozenset({*own.values(), *(one.public for path in files for one in public_keys(path))})
