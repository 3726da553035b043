"""What a product imports: a client that never blocks, never raises and never changes an assignment.

Loads the standard library and msgspec; HTTP in the sender's thread, frameworks and OpenFeature in one named
module each, when that module is imported.
"""

from __future__ import annotations
