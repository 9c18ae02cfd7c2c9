"""Random weights for the multiplier bootstrap, and sums of influence functions under them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from evaluation.errors import InputError

__all__ = ["Multiplier", "multiplied_sums", "multipliers"]

Multiplier = Literal["rademacher", "mammen"]
# weights held at once: few enough to stay in the processor's cache
CHUNK = 1 << 18
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
        n = size[0] * size[1]
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-n // 8)), dtype=np.uint8), count=n)
        return bits.reshape(size) * 2.0 - 1.0
    if kind == "mammen":
        # 1 − φ with probability φ/√5, else φ
        return np.where(rng.random(size) < GOLDEN / 5**0.5, 1 - GOLDEN, GOLDEN)
    raise InputError(f"{kind!r} is none of rademacher, mammen", field="multiplier")


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
    return np.concatenate([multipliers(rng, (n, len(psi)), kind) @ psi for n in sizes])
