"""The HTTP application. Routes, each with the scope that it asks for."""

from __future__ import annotations
