from __future__ import annotations

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent / "deploy"


def steps() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, each with what it says."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_runs_without_root_and_pins_what_it_begins_from() -> None:
    found = steps()
    words = [word for word, _ in found]

    assert [rest for word, rest in found if word == "USER"] == ["10001:10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert not [word for word in words[words.index("USER") :] if word in {"RUN", "COPY", "ADD"}]
    assert "ADD" not in words
    for base in (rest for word, rest in found if word == "FROM"):
        name, _, tag = base.split(" ")[0].partition(":")
        assert name == "python"
        assert tag.startswith("3.11-")
    for rest in (rest for word, rest in found if word in {"ENTRYPOINT", "CMD"}):
        assert rest.startswith("[")  # no shell in between: the process itself gets SIGTERM
    assert all("--no-cache-dir" in rest for _, rest in found if "pip install" in rest)
    assert not [rest for _, rest in found if "sudo" in rest or "apt-get" in rest or "curl" in rest]


def test_the_image_writes_to_the_project_alone() -> None:
    said = dict(steps())

    assert said["VOLUME"] == said["WORKDIR"] == "/project"
    assert "PYTHONDONTWRITEBYTECODE=1" in " ".join(rest for word, rest in steps() if word == "ENV")
    assert "--read-only" in (DEPLOY / "Dockerfile").read_text()


def unit() -> ConfigParser:
    """Read the systemd unit."""
    found = ConfigParser(interpolation=None, strict=True)
    found.optionxform = str  # type: ignore[assignment,method-assign] # as Python's documentation has it
    found.read(DEPLOY / "splitrun.service")
    return found


def test_the_unit_gives_the_server_nothing_but_its_folder_and_time_to_drain() -> None:
    service = unit()["Service"]

    assert service["User"] == "splitrun"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["StateDirectoryMode"] == "0700"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) >= 30


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "splitrun.service").read_text()
    program, verify = shutil.which("true"), f"{shutil.which('systemd-analyze')}"
    here = tmp_path / "splitrun.service"
    here.write_text(text.replace("/opt/splitrun/bin/splitrun", f"{program}"))

    told = subprocess.run([verify, "verify", str(here)], capture_output=True, text=True, check=False)

    assert "splitrun.service" not in told.stderr
