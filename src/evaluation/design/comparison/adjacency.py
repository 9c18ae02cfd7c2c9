"""Which municipalities lie beside each other, from the map that is shipped as pairs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.design.comparison.distances import neighbour_distances
from evaluation.errors import InputError

__all__ = ["MAX_WATER_KM", "municipality_distances", "neighbour_lists", "neighbours"]

MAX_WATER_KM = 10.0
"""The widest water that the shipped pairs record."""


@cache
def _pairs() -> pd.DataFrame:
    return embedded.load("neighbours").astype({"border_km": float, "gap_km": float})


def neighbour_lists(*, corners: bool = True, water_km: float = 0.0) -> dict[str, list[str]]:
    """Return every municipality with those beside it.

    Parameters
    ----------
    corners : bool
        Whether areas that meet in a point of the simplified map only are neighbours.
    water_km : float
        Two that face each other over water, with no third between, are neighbours if it is no
        wider than this many kilometres, at most 10; 0 for none. The map ends at the shore:
        Ekerö, Lidingö, Öckerö and Tjörn have neighbours over water only, Gotland has none.

    Returns
    -------
    dict of str to list of str
        All 290 codes, each with its neighbours in the order of their codes; what
        :func:`neighbour_distances` takes.

    Raises
    ------
    InputError
        If the width is not between 0 and 10.

    Examples
    --------
    >>> neighbour_lists()["2321"]
    ['2309', '2326']
    >>> neighbour_lists()["1407"], neighbour_lists(water_km=2)["1407"]
    ([], ['1480'])
    """
    if not 0 <= water_km <= MAX_WATER_KM:
        raise InputError(
            f"the width of water must be 0 to {MAX_WATER_KM:g} km, not {water_km:g}",
            field="water_km",
        )
    p = _pairs()
    kinds = {"border", "corner"} if corners else {"border"}
    water = (p["contact"] == "water") & (p["gap_km"] <= water_km)
    kept = p[p["contact"].isin(kinds) | water]
    out: dict[str, list[str]] = {str(c): [] for c in embedded.municipalities().index}
    for a, b in zip(kept["code"], kept["neighbour"], strict=True):
        out[str(a)].append(str(b))
        out[str(b)].append(str(a))
    return {code: sorted(beside) for code, beside in out.items()}


@cache
def _distances(corners: bool, water_km: float) -> pd.DataFrame:
    return neighbour_distances(neighbour_lists(corners=corners, water_km=water_km))


def municipality_distances(*, corners: bool = True, water_km: float = 0.0) -> pd.DataFrame:
    """Count the borders between any two municipalities, for the spillover rings.

    Parameters
    ----------
    corners, water_km : bool, float
        As in :func:`neighbour_lists`.

    Returns
    -------
    pandas.DataFrame
        Shape (290, 290), whole steps, infinite where no way leads (to an island).

    Raises
    ------
    InputError
        As :func:`neighbour_lists`.

    Examples
    --------
    >>> d = municipality_distances()
    >>> [float(d.loc["2321", c]) for c in ("2326", "2361", "0980")]
    [1.0, 2.0, inf]
    """
    return _distances(corners, float(water_km)).copy()


def neighbours(
    code: str, order: int = 1, *, corners: bool = True, water_km: float = 0.0
) -> list[str]:
    """Return the municipalities at most ``order`` borders away.

    Parameters
    ----------
    code : str
        Four digits.
    order : int
        1 for those beside it, 2 for their neighbours too.
    corners, water_km : bool, float
        As in :func:`neighbour_lists`.

    Returns
    -------
    list of str
        Codes in ascending order, without ``code`` itself; empty for an island.

    Raises
    ------
    InputError
        If there is no such municipality, or the order is below 1.

    Examples
    --------
    >>> neighbours("1287")
    ['1233', '1263', '1264', '1281']
    >>> len(neighbours("1287", 2))
    11
    """
    if order < 1:
        raise InputError(f"must be 1 or more, not {order}", field="order")
    steps = _distances(corners, float(water_km))
    if code not in steps.index:
        raise InputError(f"{code!r} is not the code of one of the 290 municipalities")
    row = steps.loc[code].to_numpy(dtype=float)
    near = np.flatnonzero((row > 0) & (row <= order))
    return sorted(str(steps.columns[int(j)]) for j in near)
