"""The cells of a table as they grow: found by what they are called, more worked out from sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.constraints import Row
from evaluation.errors import InputError

__all__ = ["Cells"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Index:
    """Where the cells stand: their groups, the groups' names, and cells by what they are called."""

    group: _Ints
    names: list[str]
    at: dict[str, _Ints]


def _index(keys: pd.DataFrame, by: Sequence[str]) -> _Index:
    """Group cells by all dimensions but some, and call them by their values of these."""
    rest = [c for c in keys.columns if c not in by]
    if rest:
        group = np.asarray(keys.groupby(rest, sort=False, observed=True).ngroup(), np.int64)
    else:
        group = np.zeros(len(keys), dtype=np.int64)
    first = np.unique(group, return_index=True)[1]
    table = keys[rest].iloc[first]
    names = [
        ", ".join(f"{k}={v}" for k, v in zip(rest, row, strict=True))
        for row in table.itertuples(index=False, name=None)
    ]
    # a life table asks for a few cells of each step: they are sorted by what they are called once
    called = map("\x1f".join, zip(*(keys[c].tolist() for c in by), strict=True))
    place, words = pd.factorize(np.array([*called], dtype=object))
    order = np.argsort(np.asarray(place, np.int64), kind="stable")
    parts: list[_Ints] = np.split(order, np.cumsum(np.bincount(place, minlength=len(words)))[:-1])
    return _Index(group, names, dict(zip(words.tolist(), parts, strict=True)))


class Cells:
    """The growing list of cells, with positions looked up by group and value of a dimension."""

    def __init__(self, keys: pd.DataFrame, values: _Floats, tolerance: float) -> None:
        self.keys, self.values = keys, values
        self.tolerance = tolerance
        self.rows: list[Row] = []
        self.margin: set[int] = set()
        self.known: list[int] = []
        self._indices: dict[tuple[str, ...], _Index] = {}

    def grid(self, by: Sequence[str], wanted: Sequence[str]) -> tuple[_Ints, list[str]]:
        """Return cell positions, shape (groups, wanted), −1 where there is none, and names."""
        index = self._indices.get(tuple(by))
        if index is None:
            index = self._indices[tuple(by)] = _index(self.keys, by)
        grid = np.full((len(index.names), len(wanted)), -1, dtype=np.int64)
        for column, name in enumerate(wanted):
            there = index.at.get(name)
            if there is not None:
                grid[index.group[there], column] = there
        return grid, index.names

    def append(self, template: _Ints, change: dict[str, str], v: _Floats) -> None:
        """Add cells that are not published, like the template's but for what changes."""
        new = self.keys.iloc[template].assign(**change)
        low = np.flatnonzero(v < -self.tolerance)
        if len(low):
            name = ", ".join(f"{k}={x}" for k, x in new.iloc[int(low[0])].items())
            raise InputError(
                f"{name} would be {v[low[0]]:g}: the total must be as large as its parts"
            )
        self.keys = pd.concat([self.keys, new], ignore_index=True)
        self.values = np.concatenate([self.values, np.maximum(v, 0.0)])
        self._indices.clear()
