"""Random numbers by name: adding a part to the twin never changes another."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, part: str) -> np.random.Generator:
    """Return the generator of one part of the twin.

    Parameters
    ----------
    seed : int
        The twin's one seed.
    part : str
        Name of the part; its checksum is the key by which its seed is spawned, so that a
        part's numbers depend on the seed and its own name only.

    Returns
    -------
    numpy.random.Generator
        The same for the same seed and name.

    Examples
    --------
    >>> stream(1, "sex").random() == stream(1, "sex").random()
    True
    >>> stream(1, "sex").random() == stream(1, "age").random()
    False
    """
    key = zlib.crc32(part.encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))
