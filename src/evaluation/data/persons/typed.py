"""From a file's columns to the contract's: names, types, text that is no date."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from evaluation.data.persons.contract import (
    CODES,
    COLUMNS,
    DATES,
    EDUCATION,
    EDUCATION_WORDS,
    KINDS,
    MEN,
    NEEDED,
    NUMBERS,
    STATUS_VALUES,
    STATUSES,
    TEXTS,
    WOMEN,
    check_mapping,
)
from evaluation.data.persons.engine import word_number
from evaluation.data.persons.footers import Bounds
from evaluation.data.places import codes
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Records", "any_of", "typed_column", "typed_records"]

_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?$"
_NUMBER = r"^-?[0-9]+([.][0-9]+)?$"


_WORDS: Final[dict[str, dict[str, int]]] = {
    **{key: {c: i for i, c in enumerate(sorted(codes()), 1)} for key in CODES},
    **{key: {v: i for i, v in enumerate(STATUS_VALUES, 1)} for key in STATUSES},
    "sex": dict.fromkeys(WOMEN, 1) | dict.fromkeys(MEN, 2),
    "education": {w: i % len(EDUCATION) + 1 for i, w in enumerate(EDUCATION_WORDS)},
    "move": {w: i for i, k in enumerate(KINDS, 1) for w in (k, k.replace("_", " "))},
}
"""What each word of a column with a list of values counts as, from 1."""


@dataclass(frozen=True)
class Records:
    """The contract's columns of a file, and which values could not be read.

    Parameters
    ----------
    table : ibis.expr.types.Table
        Columns of the contract that the file has; dates are timestamps. Columns with a list of
        values hold the word's number from 1: municipalities in their sorted order, statuses and
        moves in the contract's, 1 for women and 2 for men. There, **0 is a missing word and a
        missing number a word outside the list**. The engines look a word up once for each word
        that a block of rows has, where ``IN`` would join.
    unreadable : ibis.expr.types.BooleanValue or None
        Whether a text of the row is no date or number; None where none can be.
    bounds : mapping of str to Bounds
        What the files say of columns, by the contract's name.
    """

    table: ir.Table = field(repr=False)
    unreadable: ir.BooleanValue | None = field(repr=False)
    bounds: Mapping[str, Bounds] = field(repr=False, default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether the file has all of these columns."""
        return all(n in self.table.columns for n in names)

    def bound(self, name: str) -> Bounds:
        """Return what is known of a column; of a text that is to become a date, nothing."""
        return self.bounds.get(name, Bounds())


def any_of(conditions: list[ir.BooleanValue]) -> ir.BooleanValue:
    """Join conditions with or; missing only where none is true and one is missing."""
    return functools.reduce(operator.or_, conditions)


def typed_records(
    raw: ir.Table,
    mapping: Mapping[str, str] | None = None,
    *,
    bounds: Mapping[str, Bounds] | None = None,
    file: str | None = None,
) -> Records:
    """Name and type the columns.

    Parameters
    ----------
    raw : ibis.expr.types.Table
        The file.
    mapping : mapping, optional
        Column of the contract to column of the file, for those named otherwise.
    bounds : mapping of str to Bounds, optional
        By the file's names of columns.
    file : str, optional
        Named in errors.

    Returns
    -------
    Records
        Lazy.

    Raises
    ------
    InputError
        If a needed column is missing, or has a type that it cannot have.
    """
    names = check_mapping(mapping or {}, file=file)
    for key, name in names.items():
        if name not in raw.columns:
            raise InputError(f"the column is missing that should be {key}", file=file, field=name)
    chosen = {c: names.get(c, c) for c in COLUMNS if names.get(c, c) in raw.columns}
    for name in NEEDED:
        if name not in chosen:
            raise InputError("the column is missing", file=file, field=name)
    columns: dict[str, ir.Value] = {}
    faults: list[ir.BooleanValue] = []
    for name, source in chosen.items():
        columns[name] = typed_column(raw[source], name, faults, file, source)
    kinds = raw.schema()
    known = {
        name: (bounds or {})[source]
        for name, source in chosen.items()
        # words and texts become something else, of which their bounds say nothing
        if source in (bounds or {}) and (name in TEXTS or not kinds[source].is_string())
    }
    if not faults:
        return Records(raw.select(**columns), None, known)
    table = raw.select(**columns, unreadable=any_of(faults).fill_null(False))
    return Records(table, table["unreadable"], known)


def typed_column(
    value: ir.Value, name: str, faults: list[ir.BooleanValue], file: str | None, source: str
) -> ir.Value:
    """Type one column as the contract's ``name``; a condition on unreadable text joins ``faults``.

    Raises
    ------
    InputError
        If it has a type that the column cannot have.
    """
    kind = value.type()
    if name in TEXTS:
        if not kind.is_string():
            raise InputError(
                f"must be text such as '0114' or 'K', not {kind}", file=file, field=source
            )
        words = _WORDS[name]
        return word_number([*words], [*words.values(), 0], value)
    if name in DATES:
        if kind.is_timestamp() or kind.is_date():
            return value.cast("timestamp") if kind.is_date() else value
        if kind.is_string():
            day = value.re_search(_DAY).ifelse(value.left(10), None).try_cast("date")
            faults.append(value.notnull() & day.isnull())
            return day.cast("timestamp")
        raise InputError(f"must hold dates, not {kind}", file=file, field=source)
    if name in NUMBERS:
        if kind.is_string():
            number = value.re_search(_NUMBER).ifelse(value, None).try_cast("float64")
            faults.append(value.notnull() & number.isnull())
            return number
        if kind.is_floating():
            return value.isnan().ifelse(None, value)
        if not kind.is_numeric():
            raise InputError(f"must hold numbers, not {kind}", file=file, field=source)
        return value
    if not (kind.is_string() or kind.is_integer()):
        raise InputError(f"must be text or whole numbers, not {kind}", file=file, field=source)
    return value
