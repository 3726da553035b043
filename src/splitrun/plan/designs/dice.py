"""Draws that can be made again: a written seed, and a stream for every purpose.

A draw is an order of 64-bit numbers from PCG64 seeded through SeedSequence: numpy promises that the
streams of bit generators never change, and promises nothing for `Generator.permutation` (NEP 19).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dice", "Whole", "seed_of"]

Whole: TypeAlias = NDArray[np.int64]


def seed_of(key: str, design: str) -> int:
    """The seed of an experiment that writes none: 48 bits of the SHA-256 of its key and design."""
    return int.from_bytes(hashlib.sha256(f"design:{key}:{design}".encode()).digest()[:6])


@dataclass(frozen=True, slots=True)
class Dice:
    """A seed, from which every purpose has a stream of its own: one more stratum changes no other."""

    seed: int

    def numbers(self, purpose: str, size: int) -> NDArray[np.uint64]:
        """So many 64-bit numbers, shape (size,)."""
        taken = hashlib.sha256(f"{self.seed}:{purpose}".encode()).digest()
        raw: NDArray[np.uint64] = np.random.PCG64(int.from_bytes(taken)).random_raw(size)
        return raw

    def order(self, purpose: str, size: int) -> Whole:
        """A random order of the places 0 to size - 1, each as likely as any other, shape (size,)."""
        return np.argsort(self.numbers(purpose, size), kind="stable").astype(np.int64)
