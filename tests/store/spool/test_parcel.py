"""What is known of a parcel beside its body."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.store.canonical import Flat, flat
from splitrun.store.spool.parcel import Origin, Parcel

PARCELS = st.builds(
    Parcel,
    st.builds(Origin, st.text(), st.text(), st.text(), st.integers(0, 2**63)),
    events=st.integers(0, 5000),
    body=st.just(b""),
    packed=st.booleans(),
    rejected=st.lists(st.integers(0, 5000)).map(tuple),
    form=st.text(),
)


@given(PARCELS)
@settings(max_examples=60, deadline=None)
def test_the_label_of_a_parcel_is_canonical_json_whatever_it_is_called(parcel: Parcel) -> None:
    # a spool that an earlier version wrote is opened with the same bytes
    members: dict[str, Flat] = {
        "project": parcel.origin.project,
        "environment": parcel.origin.environment,
        "key": parcel.origin.key,
        "at": str(parcel.origin.at),
        "events": parcel.events,
        "packed": parcel.packed,
        "rejected": ",".join(map(str, parcel.rejected)),
        "form": parcel.form,
    }

    found = parcel.label()

    assert found == flat(members).encode()
