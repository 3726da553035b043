"""`splitrun diff`, `apply` and `export`: definitions as files and in the registry."""

from __future__ import annotations
