"""What a product imports: client, wire event, exposure queue. Empty until the client is built.

Nothing here ever raises into a request.
"""

from __future__ import annotations
