"""The first wall: which SQL may reach an engine. The second is the engine's own lock-down.

Exactly one statement that reads; the whole tree is walked; tables and functions come from closed lists. A
function that opens files, asks the clock, throws dice or tells about the system is not on the list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from itertools import accumulate

import sqlglot
from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from splitrun.errors import EngineError
from splitrun.measure.engines.functions import FUNCTIONS

__all__ = ["checked"]

LONGEST = 100_000
"""Characters; nobody writes a longer query by hand."""

DEEPEST = 200
"""Brackets open at once. sqlglot's compiled parser recurses on the machine's stack, which ends the process
where it runs out: from about 5,000 subqueries within each other, or as many FROM after each other."""
MOST_FROM = 1000
"""FROM in one query: DuckDB lets one begin with it, and what follows may begin with it again."""

OPENERS = {TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.VALUES, TokenType.L_PAREN}

OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}

REFUSED = (
    exp.DDL, exp.DML, exp.Command, exp.Copy, exp.Attach, exp.Detach, exp.Pragma, exp.Set, exp.SetItem,
    exp.Into, exp.Install, exp.LoadData, exp.Describe, exp.Summarize, exp.Show, exp.Use,
    exp.Transaction, exp.Commit, exp.Rollback, exp.Kill, exp.Cache, exp.Uncache, exp.Refresh,
    exp.Analyze, exp.Export, exp.Grant, exp.Revoke, exp.Drop, exp.Alter, exp.TruncateTable, exp.Merge,
    exp.Comment, exp.Execute, exp.Lock, exp.Hint, exp.TableSample, exp.HistoricalData, exp.Pivot,
    exp.Parameter, exp.SessionParameter, exp.Placeholder, exp.Returning,
)  # fmt: skip

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FILE = re.compile(r"[/\\:*?]|\.(csv|tsv|json|jsonl|ndjson|parquet|txt|db|duckdb|gz|zst)$", re.IGNORECASE)


def checked(sql: str, *, dialect: str, tables: Collection[str] | None) -> exp.Query:
    """Read one statement and make sure that it only reads what it may.

    Args:
        sql: What was written.
        dialect: The sqlglot dialect it is written in.
        tables: Names that may be selected from, in lower case, qualified names with dots; None: they are not
            known yet, and only names that look like a file's are refused.

    Returns:
        Its tree.

    Raises:
        EngineError: It is refused; the message names the part and what to do instead.
    """
    root = _parsed(sql, dialect)
    for node in root.walk():
        _check(node, tables)
    return root


def _parsed(sql: str, dialect: str) -> exp.Query:
    if len(sql) > LONGEST:
        raise EngineError(f"the query has {len(sql):,} characters; write it in at most {LONGEST:,}")
    try:
        tokens = sqlglot.tokenize(sql, dialect=dialect)
        # what does not open like a query would be taken for an opaque command
        if not tokens or tokens[0].token_type not in OPENERS:
            raise _refused(tokens[0].text if tokens else "nothing", "begin with SELECT or WITH")
        _refuse_depth([token.token_type for token in tokens])
        roots = Dialect.get_or_raise(dialect).parser().parse(tokens, sql)
    except (SqlglotError, RecursionError, TypeError) as error:  # the last for `x -> x -> y`, compiled
        says = str(error).splitlines()[0] if str(error) else "too deeply nested"
        raise EngineError(f"the query cannot be read: {says}; write one SELECT") from None
    if len(roots) != 1:
        raise _refused(f"{len(roots)} statements", "write exactly one")
    match roots[0]:
        case exp.Query() as query:
            return query
        case _:
            raise _refused(type(roots[0]).__name__, "write a SELECT")


def _refuse_depth(kinds: Sequence[TokenType]) -> None:
    steps = ((kind in OPENING) - (kind in CLOSING) for kind in kinds)
    if max(accumulate(steps), default=0) > DEEPEST:
        raise _refused(f"more than {DEEPEST} brackets within each other", "nest it less")
    if kinds.count(TokenType.FROM) > MOST_FROM:
        raise _refused(f"more than {MOST_FROM:,} times FROM", "split it into several sources")


def _check(node: exp.Expr, tables: Collection[str] | None) -> None:
    match node:
        case _ if isinstance(node, REFUSED):
            raise _refused(type(node).__name__, "write a SELECT that reads the sources")
        case exp.Table():
            _check_table(node, tables)
        case exp.Anonymous() | exp.AnonymousAggFunc():
            _check_function({str(node.name).lower()})
        case exp.Func():
            _check_function({name.lower() for name in node.sql_names()})
        case _:
            return


def _check_table(table: exp.Table, tables: Collection[str] | None) -> None:
    match table.this:
        case exp.Identifier():
            pass
        case exp.GenerateSeries() | exp.Unnest():
            return
        case exp.Func() as function:
            name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
            raise _refused(
                f"the table function {name}", "declare the rows as a source and select from it by name"
            )
        case other:
            raise _refused(f"{other.sql()!r} as a table", "select from a source by its name")
    name = ".".join(part.name for part in table.parts)
    if tables is None and not FILE.search(name):
        return
    if name.lower() in (tables or ()) or name.lower() in _common(table):
        return
    if tables is None:
        raise _refused(f"the file {name!r} as a table", "declare the file as a source of its own")
    near = get_close_matches(name.lower(), list(tables), n=1)
    listed = ", ".join(sorted(tables)[:12]) or "none"
    raise _refused(
        f"the table {name!r}",
        f"did you mean {near[0]!r}?" if near else f"the tables to select from are: {listed}",
    )


def _common(table: exp.Table) -> set[str]:
    """Names of the common table expressions in sight of a table; only plain names, so that none is a file."""
    if table.args.get("db"):
        return set()
    seen = set()
    above: exp.Expr | None = table
    while above is not None:
        for cte in getattr(above, "ctes", ()):
            if PLAIN.fullmatch(cte.alias):
                seen.add(cte.alias.lower())
        above = above.parent
    return seen


def _check_function(names: set[str]) -> None:
    if not names & FUNCTIONS:
        raise _refused(
            f"the function {min(names)}", "use functions of the rows alone: no files, clock, dice or system"
        )


def _refused(what: str, remedy: str) -> EngineError:
    return EngineError(f"the query is refused: it holds {what[:80]}; {remedy}")
