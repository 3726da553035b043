"""The example shop, as a person meets it: started with uvicorn, asked by a browser's kind of client."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from splitrun.assign.transmission import opened
from splitrun.conduct.rulesets import ruleset_of
from tests.sdk.shop import eventually

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "shop"


@contextmanager
def running(folder: Path, seen: Path) -> Iterator[str]:
    """Serve a shop on a free port, and end it as a person would."""
    command = [sys.executable, "-m", "uvicorn", "shop:app", "--port", "0", "--app-dir", str(folder)]
    environment = {**os.environ, "SHOP_SEEN": str(seen)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        try:
            told = next(line for line in process.stderr if "running on" in line)
            found = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert found is not None
            yield found[0]
        finally:
            process.terminate()
            process.communicate(timeout=10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example, in a folder that may be changed."""
    shutil.copytree(EXAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__", "seen.jsonl"))
    return tmp_path / "shop"


def events(seen: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []


def test_the_rulesets_file_is_what_the_projects_files_say() -> None:
    assert opened((EXAMPLE / "ruleset.json").read_bytes()) == ruleset_of(EXAMPLE)


@pytest.mark.requirement("R73", "R79")
def test_a_visit_to_the_shop(folder: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.jsonl"
    with running(folder, seen) as url:
        with httpx2.Client(base_url=url, follow_redirects=True) as refuses:
            refuses.post("/consent/denied")
            assert "<li>Payment</li>" in refuses.get("/checkout").text
            refuses.post("/buy")
            assert "splitrun_unit" not in refuses.cookies
        with httpx2.Client(base_url=url, follow_redirects=True) as agrees:
            assert "count my visit" in agrees.get("/").text
            assert "splitrun_unit" not in agrees.cookies
            agrees.post("/consent/granted")
            first = agrees.get("/checkout", headers={"Accept-Language": "de"}).text
            assert agrees.get("/checkout", headers={"Accept-Language": "de"}).text == first
            assert "Shipping: free" in first
            agrees.post("/buy")
            unit = agrees.cookies["splitrun_unit"]

    exposure, purchase = events(seen)
    assert (exposure["type"], purchase["type"]) == ("exposure", "event")
    assert exposure["unit"] == purchase["unit"] == {"type": "user", "id": unit}
    assert (exposure["experiment"], exposure["release"]) == ("one-page-checkout", "1.0.0")
    assert (exposure["variant"] == "one-page") is ("<li>Payment</li>" not in first)
    assert exposure["attributes"] == {"language": "de"}
    assert (purchase["name"], purchase["value"]) == ("purchase", 30.0)
    assert purchase["properties"] == {"currency": "EUR"}


def test_a_changed_flag_is_served_without_a_restart(folder: Path, tmp_path: Path) -> None:
    with running(folder, tmp_path / "seen.jsonl") as url, httpx2.Client(base_url=url) as visitor:
        assert "Sale!" not in visitor.get("/").text
        flags = folder / "flags" / "shop.yaml"
        off, on = (f"banner: {{type: boolean, default: {state}}}" for state in ("off", "on"))
        flags.write_text(flags.read_text().replace(off, on))

        command = [sys.executable, "-m", "splitrun", "ruleset", "--out", "ruleset.json"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

        assert eventually(lambda: "Sale!" in visitor.get("/").text)
