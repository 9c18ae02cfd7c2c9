"""Horizons: stretches of years since adoption, the same for estimates and for a twin's truth."""

from __future__ import annotations

from typing import Final

__all__ = ["HORIZONS"]

HORIZONS: Final[dict[str, tuple[int, int | None]]] = {
    "short": (0, 1),
    "middle": (2, 3),
    "long": (4, None),
}
"""First and last year since adoption; 0 is the first treated year, None is open."""
