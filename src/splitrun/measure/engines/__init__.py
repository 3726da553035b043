"""The engines that ship with Splitrun, one file each."""

from __future__ import annotations
