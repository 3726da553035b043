"""A readout as its documented JSON form, text or HTML. Text out, nothing else."""

from __future__ import annotations
