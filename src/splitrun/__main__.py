"""`python -m splitrun` and the `splitrun` command."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line; without the platform's packages, say how to get them."""
