"""What the middlewares share: who makes a request, by the product's id or by a cookie, as consent allows.

The rules: unknown is not granted; nothing is read from or stored on a device without consent; `Sec-GPC: 1` is
a refusal, whatever else is said; what a product's callable raises never reaches the request.
"""

from __future__ import annotations
