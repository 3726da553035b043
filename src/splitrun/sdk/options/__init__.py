"""What may be given to clients, middlewares and the provider, and what is said of what may not."""

from __future__ import annotations
