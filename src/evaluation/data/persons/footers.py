"""What Parquet files say of their columns at their end: bounds, and how much is missing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["Bounds", "column_bounds"]


@dataclass(frozen=True)
class Bounds:
    """What holds of every value of a column; None where the files do not say it.

    A bound need not be reached: a text may be cut. It only says what cannot be, and so may leave
    out a condition but never decide one.

    Parameters
    ----------
    low, high : int, float, str or datetime.datetime, optional
        No value is below or above.
    missing : int, optional
        How many values are missing.
    """

    low: Any = None
    high: Any = None
    missing: int | None = None

    def below(self, value: Any) -> bool:
        """Whether a value may be less than this one.

        Examples
        --------
        >>> Bounds(low=0).below(0), Bounds(low=-1).below(0), Bounds().below(0)
        (False, True, True)
        """
        return self.low is None or bool(self.low < value)

    def above(self, value: Any) -> bool:
        """Whether a value may be greater than this one."""
        return self.high is None or bool(self.high > value)

    @property
    def gaps(self) -> bool:
        """Whether a value may be missing."""
        return self.missing != 0


def column_bounds(files: list[Path], kind: str) -> Mapping[str, Bounds]:
    """Return the bounds of every column that all files have and say something of.

    Parameters
    ----------
    files : list of pathlib.Path
        Of one kind.
    kind : str
        ``parquet``, or ``csv`` of which nothing is known.

    Returns
    -------
    mapping of str to Bounds
        By name of the column.
    """
    if kind != "parquet":
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[str, Bounds] | None = None
    for file in files:
        try:
            own = _of_file(pq.read_metadata(file))
        except (OSError, pa.ArrowException):
            return {}  # the engine reads the file, and says what is wrong with it
        found = own if found is None else {c: _both(found[c], own[c]) for c in found if c in own}
    return found or {}


def _of_file(file: pq.FileMetaData) -> dict[str, Bounds]:
    found: dict[str, Bounds] = {}
    for i in range(file.num_row_groups):
        group = file.row_group(i)
        for j in range(group.num_columns):
            column = group.column(j)
            name, own = column.path_in_schema, _of_piece(column)
            found[name] = own if i == 0 else _both(found[name], own)
    return found


def _of_piece(column: pq.ColumnChunkMetaData) -> Bounds:
    said = column.statistics
    if said is None:
        return Bounds()
    missing = said.null_count if said.has_null_count else None
    if not said.has_min_max:
        # a piece in which everything is missing bounds nothing
        return Bounds(missing=missing)
    try:
        return Bounds(_value(said.min), _value(said.max), missing)
    except (OverflowError, ValueError):
        return Bounds(missing=missing)  # a date that Python does not have


def _value(bound: Any) -> Any:
    """Return a bound that can be compared, or None."""
    if isinstance(bound, datetime.datetime):
        return bound if bound.tzinfo is None else None
    if isinstance(bound, datetime.date):
        return datetime.datetime(bound.year, bound.month, bound.day)
    if isinstance(bound, float) and bound != bound:
        return None
    return bound if isinstance(bound, int | float | str) else None


def _both(one: Bounds, two: Bounds) -> Bounds:
    missing = None if one.missing is None or two.missing is None else one.missing + two.missing
    low = None if one.low is None or two.low is None else min(one.low, two.low)
    high = None if one.high is None or two.high is None else max(one.high, two.high)
    return Bounds(low, high, missing)
