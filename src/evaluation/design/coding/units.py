"""What can be compared: stretches of time of a municipality in which no coding changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.coding.vocabulary import rank

__all__ = ["Unit", "coded_units", "rank_matrix"]


@dataclass(frozen=True)
class Unit:
    """A stretch of time of one municipality, and what each coder says of it.

    Parameters
    ----------
    code, municipality : str
        Who.
    first, last : int
        First and last month, as in a sheet's rows.
    stances : mapping of str to str
        By coder; a coder who says nothing of that time is not in it.
    rows : mapping of str to tuple of mapping
        The coders' rows that say so.
    """

    code: str
    municipality: str
    first: int
    last: int
    stances: dict[str, str]
    rows: dict[str, tuple[dict[str, Any], ...]]


def coded_units(rows: pd.DataFrame, coders: Sequence[str]) -> list[Unit]:
    """Cut every municipality's time where some coder's coding changes.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of a :class:`CodingSheet`.
    coders : sequence of str
        Whose rows count.

    Returns
    -------
    list of Unit
        By code and time. Stretches that follow each other and bear the same stances of the
        same coders are one; where nobody says anything there is none.
    """
    units: list[Unit] = []
    for code, group in rows[rows["coder"].isin(list(coders))].groupby("code", sort=True):
        records = [{str(k): v for k, v in r.items()} for r in group.to_dict("records")]
        cuts = sorted({c for r in records for c in (r["first"], r["last"] + 1)})
        start = len(units)
        for first, after in pairwise(cuts):
            here = {r["coder"]: r for r in records if r["first"] <= first <= r["last"]}
            if not here:
                continue
            stances = {c: str(here[c]["stance"]) for c in coders if c in here}
            said: dict[str, tuple[dict[str, Any], ...]] = {c: (here[c],) for c in stances}
            before = units[-1] if len(units) > start else None
            if before and before.stances == stances and before.last == first - 1:
                first = before.first
                said = {c: _with(before.rows[c], here[c]) for c in stances}
                units.pop()
            name = str(records[0]["municipality"])
            units.append(Unit(str(code), name, first, after - 1, stances, said))
    return units


def _with(rows: tuple[dict[str, Any], ...], row: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the rows with another, unless it is there."""
    return rows if any(r is row for r in rows) else (*rows, row)


def rank_matrix(units: Sequence[Unit], coders: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the stances' places in their order.

    Parameters
    ----------
    units : sequence of Unit
        The rows.
    coders : sequence of str
        The columns.

    Returns
    -------
    numpy.ndarray
        Shape (units, coders), 0 to 4; NaN where a coder says nothing or ``unclear``.
    """
    found = [[rank(u.stances.get(c, "")) for c in coders] for u in units]
    out = np.array([[np.nan if r is None else r for r in row] for row in found], dtype=float)
    return out.reshape(len(units), len(coders))
