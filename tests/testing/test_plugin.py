from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.sdk.shop import document

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent
INSTALLED = any(each.name == "splitrun" for each in entry_points(group="pytest11"))


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A product's project with a ruleset, in a folder of its own."""
    (pytester.path / "ruleset.json").write_bytes(document())
    pytester.makeini("[pytest]\nsplitrun_ruleset = ruleset.json\naddopts = -p no:cacheprovider\n")
    return pytester


def passes(run: pytest.Pytester, tests: str, count: int, *, apart: bool) -> None:
    """Run a product's tests, in a process of their own or in this one."""
    run.makepyfile(tests)
    plugin = [] if INSTALLED else ["-p", "splitrun.testing.plugin"]
    runs = run.runpytest_subprocess if apart else run.runpytest_inprocess
    runs("-q", *plugin).assert_outcomes(passed=count)


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert told["project"]["entry-points"]["pytest11"] == {"splitrun": "splitrun.testing.plugin"}


@pytest.mark.parametrize("apart", [True, False])
def test_a_products_tests_get_a_client_and_force_variants(run: pytest.Pytester, apart: bool) -> None:  # noqa: FBT001
    passes(
        run,
        """
        import pytest
        from splitrun.testing import forced

        def page(client):
            return "one page" if client.variant("checkout", "u2") == "one-page" else "three pages"

        def test_as_dealt(splitrun_client):
            assert page(splitrun_client) == "three pages"
            assert [each.variant for each in splitrun_client.exposures] == ["control"]

        @forced("checkout", "one-page")
        def test_decorated(splitrun_client):
            assert page(splitrun_client) == "one page"

        def test_in_a_block(splitrun_client):
            with forced("checkout", "one-page"):
                assert page(splitrun_client) == "one page"
            assert page(splitrun_client) == "three pages"

        def test_by_fixture(splitrun_client, splitrun_force):
            splitrun_force("checkout", "one-page")
            assert page(splitrun_client) == "one page"

        def test_nothing_is_left_of_it(splitrun_client):
            assert page(splitrun_client) == "three pages"
            splitrun_client.track("purchase", "u2", 9.5)
            assert [(each.name, each.value) for each in splitrun_client.events] == [("purchase", 9.5)]
        """,
        5,
        apart=apart,
    )


def test_a_project_gives_its_own_ruleset_by_a_fixture(run: pytest.Pytester) -> None:
    passes(
        run,
        """
        import pytest

        @pytest.fixture
        def splitrun_ruleset():
            return None

        def test_it(splitrun_client):
            assert splitrun_client.variant("checkout", "u1", "code's own") == "code's own"
        """,
        1,
        apart=False,
    )


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    heavy = ("numpy", "msgspec", "pydantic", "splitrun.sdk", "splitrun.assign")
    program = (
        f"import sys, splitrun.testing.plugin; print([name for name in {heavy!r} if name in sys.modules])"
    )

    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"
