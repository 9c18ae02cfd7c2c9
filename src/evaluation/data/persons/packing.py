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

__all__ = ["CHANGED", "Packing", "in_order", "less"]

CHANGED = "a file of person records has changed while it was counted"
_BLOCK = 1 << 14


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
        found = {c: np.empty(len(numbers), np.int32) for c, _, _ in self.columns}
        # what is worked out on the way stays near the processor
        for at in range(0, len(numbers), _BLOCK):
            rest = numbers[at : at + _BLOCK] - self.first
            for column, low, size in reversed(self.columns):
                whole = rest // size
                found[column][at : at + _BLOCK] = rest - whole * size + low
                rest = whole
        return found


def in_order(table: pa.Table, name: str, *values: str) -> dict[str, np.ndarray]:
    """Return columns of a count as arrays, by the cells' number; what is in no cell has none.

    Parameters
    ----------
    table : pyarrow.Table
        A row per number.
    name : str
        Column of the numbers, which may be missing.
    values : str
        Columns to take along.

    Returns
    -------
    dict of str to numpy.ndarray
        ``name`` and ``values``.
    """
    # by batches, for a missing number is in one of them, and the others need not be copied twice
    batches = table.to_batches()
    batches = [b.filter(b[name].is_valid()) if b[name].null_count else b for b in batches]
    none = np.zeros(0, np.int64)
    found = {
        c: np.concatenate([none, *(b[c].to_numpy(zero_copy_only=False) for b in batches)])
        for c in (name, *values)
    }
    key = found[name]
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key)
        found = {c: column[order] for c, column in found.items()}
    return found


def less(
    every: Mapping[str, np.ndarray], some: Mapping[str, np.ndarray], name: str
) -> dict[str, np.ndarray]:
    """Take rows off their cells.

    Parameters
    ----------
    every, some : mapping of str to numpy.ndarray
        Numbers in order, and ``n`` of each, of all rows and of those that do not count.
    name : str
        What the numbers are called.

    Returns
    -------
    dict of str to numpy.ndarray
        Cells that are left.

    Raises
    ------
    InputError
        If there are not that many, for then the file is another.

    Examples
    --------
    >>> cells = {"x": np.array([5, 7]), "n": np.array([3, 2])}
    >>> less(cells, {"x": np.array([7]), "n": np.array([2])}, "x")
    {'x': array([5]), 'n': array([3])}
    """
    key, n = every[name], every["n"].copy()
    at = np.searchsorted(key, some[name])
    if (at == len(key)).any() or (key[at] != some[name]).any() or (n[at] < some["n"]).any():
        raise InputError(CHANGED)
    n[at] -= some["n"]
    left = slice(None) if n[at].all() else n > 0
    return {name: key[left], "n": n[left]}
