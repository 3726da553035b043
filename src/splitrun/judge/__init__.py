"""From estimates and findings to verdicts, with the sentences that defend them; the home of the readout."""

from __future__ import annotations
