"""Files and databases: registry, audit chain, spool, lake. Empty until the registry is built."""

from __future__ import annotations
