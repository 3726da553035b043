"""`splitrun demo`: the whole loop once, on this machine."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width
from splitrun.cli.registry.chain import TAMPERED
from splitrun.cli.registry.words import Json
from splitrun.cli.serving import serve

if TYPE_CHECKING:
    from splitrun.conduct.demo.loop import Shopped

__all__ = ["demo"]

PAGE = "readout.html"


def demo(
    *,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="FOLDER", help="Where the project is made; else a new folder."),
    ] = None,
    visitors: Annotated[
        int, typer.Option("--visitors", metavar="COUNT", min=1000, max=100_000, help="How many come.")
    ] = 4000,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Of what they do.")] = 20260302,
    keep: Annotated[bool, typer.Option("--keep", help="Serve the project afterwards, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Make a shop, serve it, let made-up visitors come, and read its experiment from the lake."""
    place = (Path(mkdtemp(prefix="splitrun-demo-")) if folder is None else folder).resolve()
    desk = verbs.Desk(progress=lambda says: typer.echo(says, err=True))
    done = verbs.demo(place, visitors, seed, desk)
    kept = [verbs.keep(one, done.readout) for one in verbs.reports(place / PAGE, None)]
    tell(done, place, kept[0], keep=keep, json=json)
    if not done.chain.fine:
        raise typer.Exit(TAMPERED)
    if keep:
        serve.serve(port=0, folder=place, json=json)


def tell(done: Shopped, place: Path, page: str, *, keep: bool, json: bool) -> None:
    """Print what came of it, the truth beside it, where to look next, and what the server is called with."""
    if json:
        say_json(
            {
                "form": "splitrun.demo/1",
                "folder": str(place),
                "page": page,
                "sent": done.sent,
                "truth": dict(done.truth),
                "chain": {"fine": done.chain.fine, "entries": done.chain.entries},
                "readout": done.readout.to_dict(),
                **({"key": done.key} if keep else {}),
            }
        )
    else:
        truth = ", ".join(f"{variant} {share:.0%}" for variant, share in done.truth.items())
        chain = "nothing was tampered with" if done.chain.fine else f"{done.chain.found:,} faults"
        say(verbs.text(done.readout, width=width()))
        say(
            f"\nthe truth, which the readout did not know: of each variant's visitors buy {truth}\n"
            f"{done.sent:,} exposures and events went over HTTP into the lake; "
            f"{done.chain.entries:,} entries of the audit chain verified, {chain}\n\n"
            f"the page:     {page}\n"
            f"the project:  {place}\n"
            f"next:         splitrun status --folder {place}\n"
            f"              splitrun audit log --folder {place}\n"
            + (f"the API key:  {done.key}" if keep else f"              splitrun serve --folder {place}")
        )
