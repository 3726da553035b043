"""Which tests prove which requirement; run as a program it writes `docs/requirements.md`."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["KNOWN", "markers", "page"]

TESTS = Path(__file__).parent
KNOWN = frozenset(f"R{number:02}" for number in range(1, 85))


def named(decorator: ast.expr) -> list[str]:
    """The ids in one `@pytest.mark.requirement("R01", ...)`, none for any other decorator."""
    match decorator:
        case ast.Call(func=ast.Attribute(attr="requirement"), args=args):
            return [arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        case _:
            return []


def markers() -> dict[str, list[str]]:
    """The requirements that each test proves, by `file::test`."""
    found = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                ids = [name for decorator in node.decorator_list for name in named(decorator)]
                if ids:
                    found[f"{file.relative_to(TESTS.parent).as_posix()}::{node.name}"] = ids
    return found


def page() -> str:
    """The page of requirements and the tests that prove them."""
    proofs: dict[str, list[str]] = {}
    for test, ids in markers().items():
        for name in ids:
            proofs.setdefault(name, []).append(test)
    rows = "\n".join(
        f"| {name} | " + "<br>".join(f"`{test}`" for test in sorted(proofs[name])) + " |"
        for name in sorted(proofs)
    )
    return (
        "# Requirements and what proves them\n\n"
        "Written from the markers of the tests by `make docs`. A requirement that is proved in part is listed\n"
        "with the tests that prove that part; one without a row is not built yet.\n\n"
        f"| requirement | proved by |\n|---|---|\n{rows}\n"
    )


if __name__ == "__main__":
    (TESTS.parent / "docs" / "requirements.md").write_text(page(), encoding="utf-8")
