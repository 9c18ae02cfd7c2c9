"""Random weights for the multiplier bootstrap, and sums of influence functions under them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from evaluation.errors import InputError

__all__ = ["Multiplier", "multiplied_sums", "multipliers"]

Multiplier = Literal["rademacher", "mammen"]
# weights held at once: few enough to stay in the processor's cache
CHUNK = 1 << 18
# chunks and clusters that are multiplied at once
TOGETHER, BLOCK = 14, 1024
GOLDEN = (1 + 5**0.5) / 2


def multipliers(
    rng: np.random.Generator, size: tuple[int, int], kind: Multiplier = "rademacher"
) -> np.ndarray:
    """Draw weights with mean zero and variance one.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where they come from.
    size : tuple of int
        Shape.
    kind : {"rademacher", "mammen"}
        Signs, or Mammen's two points, whose third moment is one as well.

    Returns
    -------
    numpy.ndarray
        The draws.

    Raises
    ------
    InputError
        If the kind is neither.
    """
    if kind == "rademacher":
        # a sign is one random bit; a whole integer for each would cost ten times as much
        return _coins(rng, size) * 2.0 - 1.0
    if kind == "mammen":
        # 1 − φ with probability φ/√5, else φ
        return np.where(rng.random(size) < GOLDEN / 5**0.5, 1 - GOLDEN, GOLDEN)
    raise InputError(f"{kind!r} is none of rademacher, mammen", field="multiplier")


def _coins(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw zeros and ones, a bit each."""
    n = size[0] * size[1]
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-n // 8)), dtype=np.uint8), count=n)
    return bits.reshape(size)


def _sum_heads(coins: list[np.ndarray], psi: np.ndarray) -> np.ndarray:
    """Sum the rows of psi whose coin shows one, a block of rows at a time."""
    heads = np.concatenate(coins)
    total = np.zeros((len(heads), *psi.shape[1:]))
    for lo in range(0, len(psi), BLOCK):
        total += heads[:, lo : lo + BLOCK].astype(float) @ psi[lo : lo + BLOCK]
    return total


def multiplied_sums(
    psi: np.ndarray, draws: int, seed: int, kind: Multiplier = "rademacher"
) -> np.ndarray:
    r"""Sum influence functions under random weights, :math:`\sum_i \xi_{bi} \psi_i`.

    Parameters
    ----------
    psi : numpy.ndarray
        Shape (clusters,) or (clusters, columns).
    draws : int
        How many.
    seed : int
        Their seed.
    kind : {"rademacher", "mammen"}
        Distribution of ξ.

    Returns
    -------
    numpy.ndarray
        Shape (draws,) or (draws, columns).
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rows = max(1, CHUNK // len(psi))
    sizes = [min(rows, draws - start) for start in range(0, draws, rows)]
    if kind == "rademacher":
        # twice the sum over the heads less the sum over all; whole blocks of psi stay in cache
        parts = [
            2 * _sum_heads([_coins(rng, (n, len(psi))) for n in sizes[k : k + TOGETHER]], psi)
            for k in range(0, len(sizes), TOGETHER)
        ]
        total: np.ndarray = np.concatenate(parts) - psi.sum(axis=0)
        return total
    return np.concatenate([multipliers(rng, (n, len(psi)), kind) @ psi for n in sizes])
