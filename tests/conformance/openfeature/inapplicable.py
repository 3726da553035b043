"""Scenarios of OpenFeature's that cannot apply to Splitrun, and why."""

from __future__ import annotations

__all__ = ["INAPPLICABLE"]

FREE = "a Splitrun flag has no metadata of its own: what is told is which ruleset and experiment answered"
ALWAYS = "Splitrun's metadata is never empty: every answer tells which ruleset gave it"

INAPPLICABLE = {
    ("evaluation_v2.feature", "CACHED reason"): (
        "nothing is cached: every evaluation is made anew from the ruleset held; CACHED would not be true"
    ),
    ("evaluation_v2.feature", "DISABLED reason"): (
        "a flag that is off serves its own default variant with the reason DISABLED, so that a kill switch "
        "serves the same in every product; the caller's default stands only where nothing can be served"
    ),
    ("evaluation_v2.feature", "Flag metadata in evaluation details"): FREE,
    ("metadata.feature", "Returns metadata"): FREE,
    ("metadata.feature", "Returns no metadata"): ALWAYS,
}
"""By file and scenario."""
