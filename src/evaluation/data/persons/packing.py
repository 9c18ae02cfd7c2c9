"""Cells as whole numbers: a number holds all columns of a cell, and is counted as one column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["CHANGED", "Packing", "less", "tallied"]

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

    def pack(self, values: Mapping[str, ir.Value]) -> ir.IntegerValue:
        """Return the number; a column without a value counts as 0."""
        total, stride = None, 1
        for column, _, size in reversed(self.columns):
            if column in values:
                # multiplied before they are added: DuckDB does that once for each value of a block
                part = values[column] * stride
                total = part if total is None else total + part
            stride *= size
        return cast("ir.IntegerValue", total)

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


def tallied(batches: Iterable[pa.RecordBatch], name: str, packing: Packing) -> pa.Table:
    """Count numbers in an array of all cells that may be.

    A row then costs a tenth of looking its group up among millions. What is no cell's is counted
    besides, so that the counts are those of grouping.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        One column, of fewer than 2³¹ rows in all; missing numbers are left out.
    name : str
        Of the column.
    packing : Packing
        Of few enough cells for 4 bytes each.

    Returns
    -------
    pyarrow.Table
        The column and ``n``.
    """
    import pyarrow as pa

    cells = np.zeros(packing.cells, np.int32)
    first, one = packing.first, np.int32(1)
    others: Counter[int] = Counter()
    for batch in batches:
        place = batch.column(0).drop_null().to_numpy() - first
        outside = (place < 0) | (place >= len(cells))
        if outside.any():
            others.update(place[outside].tolist())
            place = place[~outside]
        # of the array's own type, or NumPy takes twenty times as long
        np.add.at(cells, place, one)
    found = np.flatnonzero(cells)
    numbers = np.concatenate([found, np.array([*others], np.int64)]) + first
    n = np.concatenate([cells[found], np.array([*others.values()], np.int64)])
    return pa.table({name: numbers, "n": n})


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
