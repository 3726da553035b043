"""Files and databases: the registry, the audit chain, keys, backups.

Rules of the room: times are handed in; rows are added and never changed; what is written is written by
`Registry.commit`, its entries of the audit chain in the same transaction; no message names a password.
"""

from __future__ import annotations
