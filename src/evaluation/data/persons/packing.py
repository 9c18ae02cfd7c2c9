"""Columns of a cell in one whole number, and rows taken off their cells."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["CHANGED", "Packing", "less"]

CHANGED = "a file of person records has changed while it was counted"


@dataclass(frozen=True)
class Packing:
    r"""How the columns of a cell make one number.

    With lows l and sizes s, the value v of column j counts as

    .. math:: \sum_j v_j \prod_{i > j} s_i

    and numbers of cells lie from ``first`` to below ``first + cells``.

    Parameters
    ----------
    columns : tuple of (str, int, int)
        Name, least value and number of values. A value outside makes a number that is another
        cell's, or none's: only rows that do not count may have one.
    """

    columns: tuple[tuple[str, int, int], ...]

    @property
    def cells(self) -> int:
        """How many cells there may be."""
        return math.prod(size for _, _, size in self.columns)

    @property
    def first(self) -> int:
        """The number of the cell with the least value of every column.

        Examples
        --------
        >>> Packing((("year", 2008, 3), ("sex", 1, 2))).first
        4017
        """
        total = 0
        for _, low, size in self.columns:
            total = total * size + low
        return total

    def stride(self, column: str) -> int:
        """Return by how much the number grows with the column's value.

        Examples
        --------
        >>> Packing((("year", 2008, 3), ("sex", 1, 2))).stride("year")
        2
        """
        at = [name for name, _, _ in self.columns].index(column)
        return math.prod(size for _, _, size in self.columns[at + 1 :])

    def pack(self, values: Mapping[str, ir.Value]) -> ir.IntegerValue:
        """Return the number; a column without a value counts as 0."""
        # multiplied before they are added: of words DuckDB does that once for each in a block
        parts = [values[c] * self.stride(c) for c, _, _ in self.columns if c in values]
        return cast("ir.IntegerValue", functools.reduce(operator.add, parts))

    def unpack(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Take the columns out of numbers again, int32.

        Examples
        --------
        >>> Packing((("year", 2008, 3), ("sex", 1, 2))).unpack(np.array([2 * 2009 + 2]))
        {'year': array([2009], dtype=int32), 'sex': array([2], dtype=int32)}
        """
        rest = numbers - self.first
        found: dict[str, np.ndarray] = {}
        for column, low, size in reversed(self.columns):
            found[column] = (rest % size + low).astype(np.int32)
            rest = rest // size
        return {c: found[c] for c, _, _ in self.columns}


def less(every: pa.Table, some: pa.Table, name: str) -> pa.Table:
    """Take rows off their cells.

    Parameters
    ----------
    every, some : pyarrow.Table
        ``n`` by number, of all rows and of those that do not count.
    name : str
        Column of the numbers.

    Returns
    -------
    pyarrow.Table
        Cells that are left.

    Raises
    ------
    InputError
        If there are not that many, for then the file is another.
    """
    import pyarrow as pa

    every, some = (t.filter(t[name].is_valid()) for t in (every, some))
    key, n = every[name].to_numpy(), every["n"].to_numpy().copy()
    off, lost = some[name].to_numpy(), some["n"].to_numpy()
    order = np.argsort(key, kind="stable")
    at = np.searchsorted(key, off, sorter=order)
    if (at == len(key)).any() or (key[order[at]] != off).any() or (n[order[at]] < lost).any():
        raise InputError(CHANGED)
    n[order[at]] -= lost
    left = n > 0
    return pa.table({name: key[left], "n": n[left]})
