"""What every registry promises. A registry of your own is handed, empty, to each of `PROMISES` in turn.

@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_my_registry_keeps_its_promises(promise):
promise(MyRegistry())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from splitrun.errors import ConflictError, SplitrunError, StoreError
from splitrun.store.canonical import canonical, digest
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Move, Publication, Seal, Writing
from splitrun.store.registry.documents import Document, Kind, Life, State
from splitrun.store.registry.registry import Registry

__all__ = ["PROMISES"]

NOON = datetime(2026, 1, 2, 12, 0, 0, 1, tzinfo=UTC)
SHARE = canonical({"kind": "share", "source": "events"})
MEAN = canonical({"kind": "mean", "note": "Größe 😀 \u0000", "value": 0.1})


def same(found: object, expected: object) -> None:
    """Compare.

    Raises:
        AssertionError: They differ.
    """
    if found != expected:
        raise AssertionError(f"found {found!r}, promised {expected!r}")


def mentions(says: str, word: str) -> None:
    """Look for a word in a message.

    Raises:
        AssertionError: It is not there.
    """
    if word not in says:
        raise AssertionError(f"the message {says!r} does not speak of {word!r}")


def refused(kind: type[SplitrunError], registry: Registry, change: Change) -> str:
    """Ask for a change that is to be refused; give the message.

    Raises:
        AssertionError: It was taken, or something was kept of it.
    """
    before = (registry.last(), registry.witness.read())
    try:
        registry.commit(change)
    except kind as error:
        same((registry.last(), registry.witness.read()), before)
        return str(error)
    raise AssertionError("a change was taken that is to be refused")


def saying(verb: str, subject: str = "metric/conversion", **more: str | None) -> Remark:
    """A remark on the project `shop`."""
    return Remark(verb, subject, "because", "shop", more.get("environment"), more.get("content") or "{}")


def writing(
    body: str | None, replaces: str | None, *, key: str = "conversion", project: str = "shop"
) -> Change:
    """A change of one metric."""
    metric = Writing(project, Kind.METRIC, key, body, replaces)
    return Change(NOON, "ann", (saying("apply"),), writings=(metric,))


def moving(before: Life | None, state: State, **more: str) -> Change:
    """A change of one life."""
    move = Move("shop", more.get("environment", "production"), "banner", before, state, started=NOON)
    return Change(NOON, "bob", (saying(state.value, "experiment/banner"),), moves=(move,))


def an_empty_registry_holds_nothing(registry: Registry) -> None:
    """Nothing is found, and nothing fails."""
    same(registry.projects(), ())
    same(registry.find("shop", Kind.METRIC, "conversion"), None)
    same(registry.documents("shop"), ())
    same(registry.state("shop", "production", "banner"), None)
    same(registry.lives("shop", "production"), ())
    same(registry.plans("shop", "banner"), ())
    same(registry.ruleset("shop", "production"), None)
    same(registry.keys(), ())
    same(registry.last(), None)
    same(list(registry.entries()), [])
    same(list(registry.records(9)), [])
    same(registry.integrity(), ())


def a_document_is_found_as_it_was_written(registry: Registry) -> None:
    """Every field, to the microsecond and beyond the basic plane."""
    receipt = registry.commit(writing(MEAN, None))

    expected = Document("shop", Kind.METRIC, "conversion", 1, digest(MEAN), MEAN, NOON, "ann")
    same(receipt.documents, (expected,))
    same(registry.find("shop", Kind.METRIC, "conversion"), expected)
    same(registry.documents("shop"), (expected,))
    same(registry.documents("shop", Kind.FLAG), ())
    same(registry.projects(), ("shop",))


def a_revision_replaces_the_one_that_was_read(registry: Registry) -> None:
    """The newest is found; all are remembered."""
    registry.commit(writing(SHARE, None))
    registry.commit(writing(MEAN, digest(SHARE)))

    found = registry.find("shop", Kind.METRIC, "conversion")
    same(found and (found.revision, found.body), (2, MEAN))
    history = registry.history("shop", Kind.METRIC, "conversion")
    same([(one.revision, one.body) for one in history], [(1, SHARE), (2, MEAN)])


def a_writer_who_read_something_else_is_refused(registry: Registry) -> None:
    """It is said what was changed, by whom, and what to do."""
    registry.commit(writing(SHARE, None))

    for replaces in (None, digest(MEAN)):
        says = refused(ConflictError, registry, writing(MEAN, replaces))
        for word in ("metric 'conversion' of 'shop'", "revision 1", "ann", "then repeat"):
            mentions(says, word)
    refused(ConflictError, registry, writing(MEAN, digest(SHARE), key="other"))
    refused(ConflictError, registry, writing(None, None, key="other"))


def what_is_removed_is_found_no_more_and_may_come_back(registry: Registry) -> None:
    """Its history stays."""
    registry.commit(writing(SHARE, None))
    registry.commit(writing(None, digest(SHARE)))
    same(registry.find("shop", Kind.METRIC, "conversion"), None)
    same(registry.documents("shop"), ())
    mentions(refused(ConflictError, registry, writing(MEAN, digest(SHARE))), "removed")

    registry.commit(writing(MEAN, None))

    history = registry.history("shop", Kind.METRIC, "conversion")
    same([(one.revision, one.removed) for one in history], [(1, False), (2, True), (3, False)])


def a_change_is_kept_whole_or_not_at_all(registry: Registry) -> None:
    """One part that is overtaken takes all others with it."""
    registry.commit(writing(SHARE, None))
    good = Writing("shop", Kind.FLAG, "checkout", "{}", None)

    refused(
        ConflictError, registry, replace(writing(MEAN, None), writings=(good, *writing(MEAN, None).writings))
    )

    same(registry.find("shop", Kind.FLAG, "checkout"), None)
    twice = replace(writing(MEAN, None), writings=(good, good))
    mentions(refused(StoreError, registry, twice), "twice")


def a_life_moves_on_from_what_was_read(registry: Registry) -> None:
    """Two who read the same step cannot both go on from it."""
    registry.commit(moving(None, State.REGISTERED))
    first = registry.state("shop", "production", "banner")
    registry.commit(moving(first, State.RUNNING))

    says = refused(ConflictError, registry, moving(first, State.INVALID))

    mentions(says, "bob moved it to running")
    second = registry.state("shop", "production", "banner")
    same(second and (second.revision, second.state, second.started), (2, State.RUNNING, NOON))
    same(
        [one.state for one in registry.moves("shop", "production", "banner")],
        [State.REGISTERED, State.RUNNING],
    )
    same(registry.lives("shop", "production"), (second,))
    mentions(refused(ConflictError, registry, moving(None, State.DRAFT)), "had no life")


def environments_and_projects_do_not_touch(registry: Registry) -> None:
    """The same key lives its own life in each."""
    registry.commit(moving(None, State.REGISTERED))
    registry.commit(moving(None, State.REGISTERED, environment="staging"))
    registry.commit(writing(SHARE, None))
    registry.commit(writing(MEAN, None, project="bank"))

    found = registry.find("bank", Kind.METRIC, "conversion")
    same(found and found.body, MEAN)
    same(len(registry.documents("shop")), 1)
    same(registry.projects(), ("bank", "shop"))
    same(len(registry.lives("shop", "staging")), 1)
    same(registry.lives("bank", "staging"), ())


def plans_are_sealed_and_amended_in_turn(registry: Registry) -> None:
    """By version and amendment; an amendment names the plan that was read."""
    sealing = Seal("shop", "banner", 1, SHARE)
    change = Change(NOON, "ann", (saying("register", "experiment/banner"),), seals=(sealing,))
    plan = registry.commit(change).plans[0]
    amended = replace(change, seals=(replace(sealing, body=MEAN, follows=plan),))
    registry.commit(amended)
    registry.commit(replace(change, seals=(replace(sealing, version=2),)))

    mentions(refused(ConflictError, registry, amended), "amendment 1")
    again = replace(change, seals=(replace(sealing, version=3, follows=plan),))
    mentions(refused(ConflictError, registry, again), "there is none")
    found = registry.plans("shop", "banner")
    same(
        [(one.version, one.amendment, one.body) for one in found],
        [(1, 0, SHARE), (1, 1, MEAN), (2, 0, SHARE)],
    )
    same((plan.digest, plan.at), (digest(SHARE), NOON))


def rulesets_are_served_to_the_byte(registry: Registry) -> None:
    """The newest, or one of those before; versions grow."""
    bytes_ = bytes(range(256))
    first = Publication("shop", "production", 4, "sha256:aa", bytes_, 0)
    change = Change(NOON, "ann", (saying("publish", "ruleset/4"),), publications=(first,))
    registry.commit(change)
    registry.commit(replace(change, publications=(replace(first, version=6, document=b"six", follows=4),)))

    newest, older = registry.ruleset("shop", "production"), registry.ruleset("shop", "production", 4)
    same(newest and (newest.version, newest.document), (6, b"six"))
    same(older and (older.document, older.digest), (bytes_, "sha256:aa"))
    same(registry.ruleset("shop", "production", 5), None)
    same([one.version for one in registry.rulesets("shop", "production")], [4, 6])
    refused(ConflictError, registry, change)
    refused(StoreError, registry, replace(change, publications=(replace(first, version=6, follows=6),)))


def every_change_is_said_in_the_chain(registry: Registry) -> None:
    """In order, without gaps, each with the hash of the one before; the head is that of the last."""
    registry.commit(writing(SHARE, None))
    content = canonical({"units": 12})
    remarks = (saying("look", content=content), Remark("export", "audit", None, "bank"))
    registry.commit(Change(NOON + timedelta(days=1), "bob", remarks))

    chain = list(registry.entries())
    same([one.number for one in chain], [1, 2, 3, 4])
    same([one.verb for one in chain], ["announce-key", "apply", "look", "export"])
    same([one.previous for one in chain[1:]], [one.hash for one in chain[:-1]])
    same((chain[2].actor, chain[2].at, chain[2].content), ("bob", "2026-01-03T12:00:00.000001Z", content))
    same([one.number for one in registry.entries(project="shop")], [2, 3])
    same([one.number for one in registry.entries(since=1, until=3)], [2, 3])
    same(registry.last(), chain[-1])
    head = registry.witness.read()
    same(head and (head.number, head.hash, head.registry), (4, chain[-1].hash, chain[0].previous))
    same([(one.entry, one.table) for one in registry.records(4)], [(1, "keys"), (2, "documents")])


def a_change_under_a_token_is_written_once(registry: Registry) -> None:
    """Sent again, it answers as it did; the token is good for nothing else."""
    change = replace(writing(SHARE, None), token="a1")  # noqa: S106 - names a change, opens nothing

    first = registry.commit(change)
    second = registry.commit(replace(change, at=NOON + timedelta(hours=1)))

    same((second.entries, first.repeated, second.repeated), (first.entries, False, True))
    same(len(list(registry.entries())), 2)
    mentions(refused(ConflictError, registry, replace(change, actor="bob")), "token")


def nobody_writes_without_name_reason_and_order(registry: Registry) -> None:
    """What cannot be kept, or has nobody to answer for it, is refused with what to do."""
    registry.commit(writing(SHARE, None))
    change, move = writing(MEAN, digest(SHARE)), moving(None, State.REGISTERED)
    for wrong, word in (
        (replace(change, actor=" "), "actor"),
        (replace(change, remarks=()), "remark"),
        (replace(move, remarks=(Remark("start", "experiment/banner"),)), "reason"),
        (replace(change, remarks=(Remark("a\x00b", "x"),)), "zero"),
        (replace(change, remarks=(Remark("a\ud800b", "x"),)), "Unicode"),
        (replace(change, remarks=(saying("look", content='{"unit_id":"u7"}'),)), "unit"),
        (replace(change, remarks=(saying("look", content='{"a":[{"user_ids":[]}]}'),)), "user_ids"),
        (replace(change, remarks=(saying("look", content='{"wrote":[]}'),)), "wrote"),
        (replace(change, remarks=(saying("look", content='{"a": 1}'),)), "canonical"),
        (replace(change, remarks=(saying("look", content="[]"),)), "object"),
        (replace(change, remarks=(saying("look", content=canonical({"a": "b" * 70_000})),)), "65,536"),
        (replace(change, writings=(replace(change.writings[0], body='{"b":1,"a":2}'),)), "canonical"),
        (replace(change, at=datetime(2026, 1, 2)), "zone"),  # noqa: DTZ001 - that it has no zone is the point
    ):
        mentions(refused(StoreError, registry, wrong), word)


PROMISES: tuple[Callable[[Registry], None], ...] = (
    an_empty_registry_holds_nothing,
    a_document_is_found_as_it_was_written,
    a_revision_replaces_the_one_that_was_read,
    a_writer_who_read_something_else_is_refused,
    what_is_removed_is_found_no_more_and_may_come_back,
    a_change_is_kept_whole_or_not_at_all,
    a_life_moves_on_from_what_was_read,
    environments_and_projects_do_not_touch,
    plans_are_sealed_and_amended_in_turn,
    rulesets_are_served_to_the_byte,
    every_change_is_said_in_the_chain,
    a_change_under_a_token_is_written_once,
    nobody_writes_without_name_reason_and_order,
)
"""Each takes an empty registry and raises AssertionError where the promise is not kept."""
