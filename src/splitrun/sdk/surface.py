"""What a product calls, the same for `Client` and `AsyncClient`: nothing here blocks or raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, overload

from splitrun.assign.evaluation import Evaluation
from splitrun.assign.evaluator import Explanation
from splitrun.assign.ruleset import Type
from splitrun.sdk.engine import Engine, kind
from splitrun.sdk.outbox.queue import SMALL_TEXT
from splitrun.sdk.outbox.records import Did
from splitrun.sdk.status import Change, Consent, Statistics, Status

__all__ = ["Surface"]

Object = TypeVar("Object")
