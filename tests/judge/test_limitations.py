"""What a reader must not conclude."""

from __future__ import annotations

import pytest

from splitrun.check.doubts import CHECKS
from splitrun.check.evidence import Finding, Severity
from splitrun.judge.limitations import OF_FINDINGS, limitations
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Mode, Multiplicity
from splitrun.spec.source import MeanSums, MomentsTable
from tests.check.worlds import guardrail, plan, primary, secondary
from tests.judge.registrations import registration
from tests.plan.representation.frames import ALL, NO_TABLETS, framed


def test_a_fixed_plan_that_was_not_registered_says_so() -> None:
    assert limitations(plan(), [], registration=None) == (
        "the plan was not registered before the data was seen; it was sealed when the data was read",
        "intervals hold for one look at a moment chosen beforehand; looking again makes them too narrow",
    )
    assert len(limitations(plan(), [], registration=registration())) == 1


def test_what_the_plan_gives_up_is_listed() -> None:
    watched = guardrail("load", Size(value=1.0, relative=False), mode=Mode.WATCH)
    of = plan([primary(), watched, secondary("age")], segments=["near"], multiplicity=Multiplicity.NONE)
    sums = MomentsTable(csv="sums.csv", variant="v", n="n", metrics={"age": MeanSums(sum="s", sumsq="q")})
    of = of.model_copy(update={"moments": sums, "assumptions": ("no price campaign",)})

    found = limitations(of, [], registration=registration())[1:]

    assert found == (
        "the sums were made elsewhere, so the rows behind them could not be checked",
        "primaries are not corrected for their number: some will look clear by chance",
        "secondary and diagnostic metrics are not corrected for their number: they explain, not decide",
        "segment intervals are corrected for the levels of their segment, not for several segments",
        "only harm was looked for in load; that they are safe was not put to proof",
        "assumed by the plan: no price campaign",
    )


def test_what_does_not_allow_for_clusters_is_listed() -> None:
    of = plan(segments=["near"])
    assert of.exposures is not None
    of = of.model_copy(update={"exposures": of.exposures.model_copy(update={"cluster": "village"})})

    found = limitations(of, [], registration=registration())

    assert found[1:] == (
        "segment intervals are corrected for the levels of their segment, not for several segments",
        "whether effects differ between levels is tested as if no village had units in several levels",
    )


def test_findings_that_change_what_an_effect_means_are_limitations() -> None:
    finding = Finding(code="weights_unknown", severity=Severity.NOTE, says="", next="")

    found = limitations(plan(), [finding], registration=registration())

    assert found[-1] == "the weights are unknown, so lost units would not have been noticed"


def test_every_limitation_belongs_to_a_check() -> None:
    assert set(OF_FINDINGS) <= {check.__name__ for check in CHECKS}


@pytest.mark.requirement("R10")
def test_a_readout_says_for_whom_its_effects_hold() -> None:
    known, unknown, whole = (
        limitations(each, [], registration=registration())
        for each in (framed(NO_TABLETS), framed(None), framed(ALL, "device", audience=None))
    )

    assert (
        "effects hold for device <> 'tablet'; the frame leaves out 31 % of the population users "
        "(31 of 100 units): no unit with device = tablet"
    ) in known
    assert "how far the units stand for the population users was not measured" in unknown
    assert not [says for says in whole if "population" in says]
