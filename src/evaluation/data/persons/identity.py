"""Personal identity numbers: found in every column, and never shown."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from evaluation.data.persons.engine import Engine
from evaluation.data.persons.footers import Bounds
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["is_identity_number", "refuse_identity_numbers"]

SAMPLE: Final = 2_000
_SMALLEST: Final = 10**9
"""Whole numbers of fewer digits are none; those with a lost zero in front are not looked for."""
_DATE: Final = "[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])"
_PATTERN: Final = f"^(1[89]|20)?{_DATE}[-+ ]?[0-9]{{4}}$"
_WHOLE: Final = re.compile(_PATTERN)
_NAMES: Final = re.compile(
    r"person_?n(r|ummer|umber|o)|p(ers)?_?nr|samordnings|^ssn$|personal_?id|f[oö]delsenummer",
    re.IGNORECASE,
)
_ADVICE: Final = (
    "pseudonymise it, or say --pseudonymised if the numbers are keys that only look like this"
)


def is_identity_number(text: str) -> bool:
    """Whether a text is a personnummer or samordningsnummer by its date and check digit.

    Ten or twelve digits; before the last four there may be a hyphen, a plus or a space. A
    samordningsnummer has 60 added to the day. The check digit is Luhn's of the other nine
    (Skatteverket, SKV 704).

    Examples
    --------
    >>> is_identity_number("19121212-1212"), is_identity_number("1212121212")
    (True, True)
    >>> is_identity_number("121212-1213"), is_identity_number("701063-2391")
    (False, True)
    """
    if not _WHOLE.match(text):
        return False
    digits = [int(c) for c in text if c.isdigit()][-10:]
    doubled = [d * (2 - i % 2) for i, d in enumerate(digits)]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _dated(column: ir.Value) -> ir.BooleanValue:
    """Whether a value has the digits of one and a date, whatever its check digit."""
    if not column.type().is_integer():
        return column.re_search(_PATTERN)
    number = column.cast("int64")
    century, month, day = number // 10**10, number // 10**6 % 100, number // 10**4 % 100
    whole = (number >= _SMALLEST) & ((century == 0) | century.isin([18, 19, 20]))
    day = (day > 60).ifelse(day - 60, day)
    return whole & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)


def _checked(column: ir.Value) -> ir.BooleanValue:
    """Whether the check digit of a value that is dated is right."""
    import ibis

    if not column.type().is_integer():
        column = column.re_replace("[-+ ]", "").cast("int64")
    digits = [column.cast("int64") // 10 ** (9 - i) % 10 for i in range(10)]
    doubled = [d * (2 - i % 2) for i, d in enumerate(digits)]
    total = functools.reduce(operator.add, (ibis.ifelse(d > 9, d - 9, d) for d in doubled))
    return total % 10 == 0


def refuse_identity_numbers(
    engine: Engine,
    raw: ir.Table,
    *,
    skip: Collection[str] = (),
    bounds: Mapping[str, Bounds] | None = None,
    file: str | None = None,
) -> None:
    """Refuse a file one of whose columns looks like personal identity numbers.

    Names first, then the first rows of every column of text or whole numbers, then every value
    of them in the engine: one that is a number by date and check digit is enough. No value is
    ever in a message.

    Parameters
    ----------
    engine : Engine
        That reads the file.
    raw : ibis.expr.types.Table
        The file as it is.
    skip : collection of str
        Columns whose every value is compared with a list anyway: only the first rows are seen.
    bounds : mapping of str to Bounds, optional
        What the files say of their columns: a column whose whole numbers are all too small, or
        whose texts all begin with something above or below the digits, is not read.
    file : str, optional
        Named in errors.

    Raises
    ------
    InputError
        If a column looks like it.
    """
    for name in raw.columns:
        if _NAMES.search(name):
            raise InputError(
                f"is named like a personal identity number; {_ADVICE}", file=file, field=name
            )
    kinds = dict(raw.schema().items())
    names = [c for c, k in kinds.items() if k.is_string() or k.is_integer()]
    sample = engine.arrow(raw.select(*names).limit(SAMPLE))
    for name in names:
        if any(is_identity_number(str(v)) for v in sample[name].to_pylist() if v is not None):
            _refuse(name, file)
    rest = [c for c in names if c not in skip and _may_hold((bounds or {}).get(c, Bounds()))]
    # most whole numbers are too small to be one, which their largest says at once
    unknown = [c for c in rest if (bounds or {}).get(c, Bounds()).high is None]
    largest = {c: raw[c].max() for c in unknown if kinds[c].is_integer()}
    if largest:
        most = engine.arrow(raw.aggregate(**largest)).to_pylist()[0]
        rest = [c for c in rest if c not in most or (most[c] or 0) >= _SMALLEST]
    dated = _counts(engine, raw, {c: _dated(raw[c]) for c in rest})
    for name in (c for c in rest if dated[c]):
        # the check digit is worked out of the few that have a date only
        few = raw.select(name).filter(_dated(raw[name]))
        if _counts(engine, few, {name: _checked(few[name])})[name]:
            _refuse(name, file)


def _may_hold(known: Bounds) -> bool:
    """Whether a value of a column with these bounds may be one: by its size, or first letter."""
    if isinstance(known.high, int):
        return known.high >= _SMALLEST
    if isinstance(known.low, str) and isinstance(known.high, str):
        # «:» follows the digits
        return known.low < ":" and known.high >= "0"
    return True


def _counts(
    engine: Engine, table: ir.Table, conditions: dict[str, ir.BooleanValue]
) -> dict[str, int]:
    """Return of how many rows each condition holds, in one pass."""
    if not conditions:
        return {}
    sums = {f"c{i}": c.sum().fill_null(0) for i, c in enumerate(conditions.values())}
    found = engine.arrow(table.aggregate(**sums)).to_pylist()[0]
    return {name: int(found[f"c{i}"]) for i, name in enumerate(conditions)}


def _refuse(name: str, file: str | None) -> None:
    raise InputError(
        f"holds what looks like personal identity numbers; {_ADVICE}", file=file, field=name
    )
