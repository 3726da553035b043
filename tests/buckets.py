"""A bucket like Amazon's on this machine, served by moto from an environment of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from tests.oracles.elsewhere import PEERS, interpreter, lacking

__all__ = ["bucket"]


@contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[str]:
    """Serve an empty bucket and say so in the environment; gives its URL."""
    if lacking("bucket"):
        pytest.skip("moto is not installed; `make oracles` does it")
    words = [interpreter("bucket"), PEERS / "bucket.py"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            assert urllib3.request("PUT", f"{endpoint}/{name}").status == 200
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
            yield f"s3://{name}"
        finally:
            server.terminate()
