"""Secrets and ids that would be known anywhere, through what works and what fails: none of them comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
import urllib3
from pyarrow import parquet

from splitrun.conduct.collecting.assembled import keyring_of, quarters_of, spool_of
from splitrun.sdk.client import Client
from splitrun.store.access.keys import AccessKeys, Scope
from splitrun.store.lake.pseudonyms import KEYS, epochs
from tests.conduct.lifecycle.shop import KEY
from tests.faults.process import Process
from tests.serve.live import begun

UNIT = "canary-7c1e5a90d4@example.org"
OTHER = "canary-b20f66e1c8"
PASSWORD = "canary-pa55-91aa27ee"  # noqa: S105 - a canary
BUCKET_SECRET = "canary-aws-5530bb01c2"  # noqa: S105 - likewise
PSEUDONYM, SPOOL = b"canary-pseudonym-key-0123456789a", b"canary-spool-key-0123456789abcde"
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def around() -> dict[str, str]:
    return {
        **os.environ,
        KEYS: f"1:{b64encode(PSEUDONYM).decode()}",
        "AWS_SECRET_ACCESS_KEY": BUCKET_SECRET,
    }


def secrets_of(root: Path, key: str) -> dict[str, list[bytes]]:
    """Every secret in all ways that it may be written."""
    found = {"password": [PASSWORD.encode()], "bucket": [BUCKET_SECRET.encode()], "api": [key.encode()]}
    found["api"].append(key.rpartition("_")[2].encode())
    files = {
        one.name: one.read_bytes() for one in (root / "state" / "keys").rglob("*") if one.suffix == ".key"
    }
    raw = {"pseudonym": PSEUDONYM, "spool": SPOOL, **{name: body[:32] for name, body in files.items()}}
    for name, body in raw.items():
        hexed = body.hex().encode()
        found[name] = [
            body,
            hexed,
            hexed.upper(),
            b64encode(body).rstrip(b"="),
            urlsafe_b64encode(body).rstrip(b"="),
        ]
    for pem in (root / "state" / "keys").rglob("*.pem"):
        found[pem.name] = [pem.read_bytes().splitlines()[1]]
    return found


def units() -> dict[str, list[bytes]]:
    return {
        name: [name.encode(), name.replace("@", "%40").encode(), name.encode().hex().encode()]
        for name in (UNIT, OTHER)
    }


def hits(said: Mapping[str, bytes], canaries: Mapping[str, list[bytes]]) -> list[tuple[str, str]]:
    return [
        (where, name)
        for where, text in said.items()
        for name, forms in canaries.items()
        if any(form in text for form in forms)
    ]


def verb(root: Path, *words: str, env: Mapping[str, str] | None = None) -> bytes:
    """Run a verb of the command line: all that it says."""
    command = [sys.executable, "-m", "splitrun", *words, "--folder", str(root)]
    done = subprocess.run(
        command, capture_output=True, check=False, env={**around(), **(env or {})}, timeout=120
    )
    return done.stdout + done.stderr


def met(unit: str, now: datetime, **more: object) -> dict[str, object]:
    stamp = now.strftime(FORM)
    return {
        "id": f"x-{stamp}-{len(more)}",
        "type": "event",
        "time": stamp,
        "unit": {"type": "user", "id": unit},
        "name": "buy",
        **more,
    }


def record(unit: str, now: datetime, **more: object) -> dict[str, object]:
    """An evaluation, as OpenTelemetry tells it."""
    told = {
        "feature_flag.key": "checkout",
        "feature_flag.result.variant": "one-page",
        "feature_flag.result.reason": "split",
        "feature_flag.context.id": unit,
        "splitrun.experiment": KEY,
        "splitrun.experiment_version": 1,
        **more,
    }
    pairs = [
        {"key": name, "value": {"intValue": str(value)} if type(value) is int else {"stringValue": value}}
        for name, value in told.items()
    ]
    at = str(round(now.timestamp() * 1e9))
    return {"eventName": "feature_flag.evaluation", "timeUnixNano": at, "attributes": pairs}


def export(*records: object) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def asked(url: str, key: str) -> Iterator[tuple[str, bytes]]:
    """Ask a server what it knows and what it refuses, always with canaries; give what it answers."""
    now = datetime.now(UTC)

    def post(path: str, body: bytes, said: str = key, **more: str) -> bytes:
        headers = {"Authorization": f"Bearer {said}", "Content-Type": "application/json", **more}
        answer = urllib3.request("POST", url + path, body=body, headers=headers, retries=False)
        return str(answer.status).encode() + repr(answer.headers).encode() + answer.data

    def get(path: str, said: str = key) -> bytes:
        headers = {"Authorization": f"Bearer {said}"}
        answer = urllib3.request("GET", url + path, headers=headers, retries=False)
        return str(answer.status).encode() + repr(answer.headers).encode() + answer.data

    def batch(*events: object) -> bytes:
        return json.dumps({"sent_at": now.strftime(FORM), "sdk": "canary/1", "events": events}).encode()

    good, late = met(UNIT, now), met(OTHER, now - timedelta(days=90))
    bad = met(UNIT, now, name="", value=UNIT)
    yield "taken", post("/v1/events", batch(good, late, met(OTHER, now, properties={"coupon": 5})))
    yield "rejected", post("/v1/events", batch(bad, {**good, "id": UNIT * 9}, {UNIT: UNIT}))
    yield "torn", post("/v1/events", batch(good)[:-30])
    yield "wrong key", post("/v1/events", batch(good), f"{key}x")
    yield "denied", post("/v1/events", batch(met(UNIT, now, consent="denied")))
    yield "objects", post("/v1/events", batch(good), **{"Sec-GPC": "1"})
    proto = {"Content-Type": "application/x-protobuf"}
    fine, later = record(UNIT, now), record(OTHER, now - timedelta(days=90))
    odd = [
        record(UNIT, now, **{"feature_flag.result.variant": {UNIT: OTHER}, "feature_flag.version": UNIT}),
        record(UNIT, now, **{"splitrun.attribute.country": [OTHER], "error.type": UNIT}),
        record(UNIT * 300, now),
        {**fine, "timeUnixNano": UNIT}, {**fine, "traceId": [UNIT]}, {UNIT: {}}, UNIT,
    ]  # fmt: skip
    yield "otlp taken", post("/v1/logs", export(fine, later, record(OTHER, now)))
    yield "otlp turned away", post("/v1/logs", export({**fine, "eventName": ""}, *odd))
    yield "otlp torn", post("/v1/logs", export(fine)[:-30])
    yield "otlp of another kind", post("/v1/logs", export(fine), **proto)
    yield "otlp with a wrong key", post("/v1/logs", export(fine), f"{key}x", **proto)
    yield "otlp denied", post("/v1/logs", export(record(UNIT, now, **{"splitrun.consent": "denied"})))
    yield (
        "otlp of spans",
        post("/v1/traces", export(fine).replace(b"Logs", b"Spans").replace(b"logR", b"spanR")),
    )
    yield (
        "evaluated",
        post("/ofrep/v1/evaluate/flags/checkout", json.dumps({"context": {"targetingKey": UNIT}}).encode()),
    )
    yield (
        "all flags",
        post("/ofrep/v1/evaluate/flags", json.dumps({"context": {"targetingKey": UNIT}}).encode()),
    )
    yield (
        "no flag",
        post("/ofrep/v1/evaluate/flags/nowhere", json.dumps({"context": {"targetingKey": UNIT}}).encode()),
    )
    yield "no context", post("/ofrep/v1/evaluate/flags/checkout", json.dumps({"context": UNIT}).encode())
    yield "no path", get(f"/v1/{UNIT}?unit={UNIT}&key={key}")
    for path in ("/livez", "/readyz", "/metrics", "/v1/ruleset", "/openapi.json", f"/v1/experiments/{KEY}"):
        yield path, get(path)
    yield "metrics refused", get("/metrics", f"{key}x")


def processes() -> bytes:
    """The command lines of every process there is."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(one.read_bytes())
        except OSError:  # it is gone
            continue
    return b"\n".join(found)


def disk(root: Path) -> dict[str, bytes]:
    """Every file of the state but the keys, as it is, and rows as they are read."""
    found = {}
    for one in (root / "state").rglob("*"):
        if one.is_file() and "keys" not in one.relative_to(root).parts:
            found[str(one.relative_to(root))] = one.read_bytes()
            if one.suffix == ".parquet" and "date=" in str(one):
                found[f"rows of {one.name}"] = str(
                    parquet.read_table(one, partitioning=None).to_pylist()
                ).encode()
    return found


VERBS = (
    ("doctor", "--json"), ("keys", "list"), ("keys", "pseudonyms"), ("api-keys", "list"), ("audit", "export"),
    ("replay", "--look"), ("readout", KEY), ("keys", "rotate-pseudonyms", "--reason", "a year is over"),
    ("keys", "destroy-pseudonyms", "1", "--reason", "no longer"),
)  # fmt: skip


@pytest.mark.requirement("R75")
def test_no_canary_comes_out_of_a_live_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = begun(tmp_path / "shop")
    (root / "state" / "keys").mkdir(exist_ok=True)
    (root / "state" / "keys" / "spool.key").write_bytes(SPOOL)
    scopes = (Scope.ADMIN,)
    key = (
        AccessKeys(root / "state" / "access.json")
        .new("canary", scopes, "shop", "production", "2026-11-23")
        .secret
    )
    logs = tmp_path / "server.log"
    said: dict[str, bytes] = {}

    with logs.open("wb") as log:
        server = Process(root, "web,ingest,worker", around=around(), under=(), log=log)
        with server:
            url = f"http://127.0.0.1:{server.port}"
            said |= dict(asked(url, key))
            said["processes"] = processes()
            while spool_of(root).waiting():
                sleep(0.1)
            said |= {" ".join(words): verb(root, *words) for words in VERBS}
            said["metrics at the end"] = dict(asked(url, key))["/metrics"]
            assert server.end()
    said["log of the server"] = logs.read_bytes()
    away = {"SPLITRUN_REGISTRY": f"postgresql+psycopg://shop:{PASSWORD}@127.0.0.1:9/shop?connect_timeout=2"}
    for words in (("status",), ("migrate",)):
        said[f"{words[0]} without its database"] = verb(root, *words, env=away)
    monkeypatch.setenv(KEYS, around()[KEYS])
    shown = [
        keyring_of(root),
        quarters_of(root),
        epochs(root / "state" / "keys" / "pseudonym"),
        spool_of(root),
    ]
    with Client(url, key=key, push=False, wait=0.0) as client:
        client.track("buy", UNIT)
        shown += [client, client.statistics, client.status]
        said["repr"] = repr(shown).encode()

    secret = secrets_of(root, key)
    assert said["taken"].startswith(b"202")
    assert b"accepted" in said["rejected"]
    assert said["otlp taken"].endswith(b"{}")
    assert b"rejectedLogRecords" in said["otlp turned away"]
    assert b"buy" in b"".join(text for where, text in disk(root).items() if where.startswith("rows of"))
    assert len(secret) >= 6
    assert hits(said, {**secret, **units()}) == []
    # of secrets the access file keeps digests, and nothing on disk names a unit
    assert hits(disk(root), {**secret, **units()}) == []
