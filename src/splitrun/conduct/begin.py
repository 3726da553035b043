"""Write the files of a new project, of a new experiment, and the schemas that editors check them with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from splitrun.conduct.definitions.paper import paper
from splitrun.conduct.workspace import root_of, shown, workspace
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.templates.filling import Filled, composed
from splitrun.spec.schema import SCHEMAS, schema
from splitrun.spec.templates.pack import TEMPLATES, Pack
from splitrun.spec.templates.starting import new_experiment, new_flag, new_project
from splitrun.spec.written.document import Scalar, Value

__all__ = [
    "Told",
    "begin_experiment",
    "begin_flag",
    "begin_project",
    "show_template",
    "told_templates",
    "write_schemas",
]

SCHEMA_FOLDER = ".splitrun"


def begin_project(folder: Path) -> tuple[str, ...]:
    """Write a small project that works, on synthetic data.

    Returns:
        The names of the files written.

    Raises:
        SpecError: One of them is there already, or the folder cannot be written; nothing was written.
    """
    return (*written(folder, new_project()), *write_schemas(folder))


def begin_experiment(key: str, template: str, into: Path | None = None) -> str:
    """Write a new experiment from a template, into the project around the current folder.

    Args:
        key: Its key, and the name of its file.
        template: The template's name.
        into: The folder to write to; none: `experiments/` of the project, else the current folder.

    Raises:
        SpecError: The key or template cannot be taken, or the file cannot be written or is there already.
    """
    root = root_of(into or Path.cwd())
    folder = into or (root / "experiments" if root else Path.cwd())
    home = (root or folder) / SCHEMA_FOLDER / "experiment.schema.json"
    made = composed(template, packs_around(into or Path.cwd()))
    text = new_experiment(
        key,
        made.packs[0].label,
        made.document,
        made.packs[0].header.mei,
        schema=Path(relpath(home, folder)).as_posix(),
    )
    name = written(folder, {f"{key}.yaml": text})[0]
    write_schemas(root or folder)
    return name


def begin_flag(key: str, into: Path | None = None) -> str:
    """Write a new flag in a file of its own, into the project around the current folder.

    Args:
        key: Its key, and the name of its file.
        into: The folder to write to; none: `flags/` of the project, else the current folder.

    Raises:
        SpecError: The key cannot be taken or names a flag already, or the file cannot be written.
    """
    root = root_of(into or Path.cwd())
    folder = into or (root / "flags" if root else Path.cwd())
    home = (root or folder) / SCHEMA_FOLDER / "flags.schema.json"
    text = new_flag(key, schema=Path(relpath(home, folder)).as_posix())
    board = workspace(root).says.board if root else None
    if board is not None and key in board.flags:
        says = f"flag {key!r} stands in {board.flags[key].site.document.file} already; nothing was written"
        raise SpecError([Mistake(says, "choose another key", "key")])
    name = written(folder, {f"{key}.yaml": text})[0]
    write_schemas(root or folder)
    return name


@dataclass(frozen=True, slots=True)
class Told:
    """A template, told."""

    name: str
    version: int
    describe: str
    extends: tuple[str, ...]
    """What it extends and which guardrails it takes over, nearest first, with their versions."""
    fills: Value
    """What it fills, with what it extends."""
    definitions: Value
    """The metrics, segments and groups that it brings, with what it extends."""

    @property
    def text(self) -> str:
        """As YAML, under comments that say what it is."""
        above = f", over {', '.join(self.extends)}" if self.extends else ""
        brings: dict[Scalar, Value] = {"definitions": self.definitions} if self.definitions else {}
        whole = "".join(paper(part) for part in (brings, self.fills) if part)
        return f"# template {self.name}@{self.version}{above}\n# {self.describe}\n{whole}"


def told_templates(place: Path | None = None) -> tuple[Told, ...]:
    """Give the templates that ship, then those of the project around a place.

    Raises:
        SpecError: One of the project's cannot be resolved.
    """
    packs = packs_around(place or Path.cwd())
    return tuple(told(composed(name, packs)) for name in (*TEMPLATES, *packs))


def show_template(name: str, place: Path | None = None) -> Told:
    """Give a template with all that it fills.

    Args:
        name: Its name, with or without version.
        place: A folder of the project; none: the current one.

    Raises:
        SpecError: There is no such template, or it cannot be resolved.
    """
    return told(composed(name, packs_around(place or Path.cwd())))


def packs_around(place: Path) -> Mapping[str, Pack]:
    """Read the templates of the project around a place.

    Raises:
        SpecError: They hold mistakes.
    """
    says = workspace(place, ("templates/*.yaml",)).says
    if says.mistakes:
        raise SpecError(says.mistakes)
    return says.library.templates


def told(made: Filled) -> Told:
    """Tell a template."""
    first, *others = made.packs
    brought: dict[Scalar, dict[Scalar, Value]] = {}
    for pack in made.packs:
        match pack.document.at(("definitions",)):
            case dict(kinds):
                for kind, definitions in kinds.items():
                    if type(definitions) is dict:
                        brought[kind] = {**definitions, **brought.get(kind, {})}
            case _:
                pass
    return Told(
        name=first.header.pack,
        version=first.header.version,
        describe=" ".join(first.header.describe.split()),
        extends=tuple(pack.label for pack in others),
        fills=made.document.value,
        definitions={**brought},
    )


def write_schemas(folder: Path) -> tuple[str, ...]:
    """Write every schema below a folder, over those that stand there.

    Raises:
        SpecError: The folder cannot be written.
    """
    texts = {
        f"{SCHEMA_FOLDER}/{name}.schema.json": json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"
        for name in SCHEMAS
    }
    return written(folder, texts, over=True)


def written(folder: Path, texts: Mapping[str, str], *, over: bool = False) -> tuple[str, ...]:
    """Write files below a folder, all or none.

    Raises:
        SpecError: One is there already, or the folder cannot be written.
    """
    paths = {folder / name: text for name, text in texts.items()}
    there = [path for path in paths if path.exists() and not over]
    if there:
        says = "this file is there already; nothing was written"
        remedy = "move it away, or choose another folder or key"
        raise SpecError([Mistake(says, remedy, place=Place(shown(path), 1, 1)) for path in there])
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        says = f"nothing can be written here ({error.strerror})"
        raise SpecError(
            [Mistake(says, "choose a folder that can be written", place=Place(shown(folder), 1, 1))]
        ) from None
    return tuple(shown(path) for path in paths)
