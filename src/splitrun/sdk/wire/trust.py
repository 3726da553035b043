"""Whose word is taken for a server's name; loads `ssl`, so only where a connection is made."""

from __future__ import annotations

import ssl
from os import PathLike

from splitrun.errors import SettingError

__all__ = ["trusted"]


def trusted(certificates: str | PathLike[str] | None) -> ssl.SSLContext:
    """Trust the system's authorities, and those of a file beside them.

    Raises:
        SettingError: The file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context()
    if certificates is not None:
        try:
            context.load_verify_locations(certificates)
        except (OSError, ValueError) as error:
            says = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise SettingError(
                f"certificates is {str(certificates)!r}, which cannot be used ({says}); "
                "give a file of certificates in PEM"
            ) from error
    return context
