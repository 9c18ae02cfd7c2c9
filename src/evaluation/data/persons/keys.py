"""The numbers of cells: of each row, one whole number that holds the columns it is counted by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from evaluation.data.persons.contract import EDUCATION, KINDS, STATUSES
from evaluation.data.persons.engine import number_at
from evaluation.data.persons.faults import first_day, month_number, month_of_day
from evaluation.data.persons.packing import Packing
from evaluation.data.persons.typed import Records
from evaluation.data.places import codes

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["SETS", "cell_keys", "cell_numbers", "packing_of", "unpacked"]

_PLACES, _YEARS, _MONTHS = 512, 1 << 14, 1 << 17
_SEX, _EDUCATION, _KIND, _STATUS = 4, 8, 8, 4
_AT: Final = (("place", _PLACES), ("sex", _SEX))
SETS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "spell": (
        ("code", _PLACES),
        ("year", _YEARS),
        ("sex", _SEX),
        ("entry", _MONTHS),
        ("kind", _KIND),
        ("end", _MONTHS),
    ),
    "leaver": (
        ("place", _PLACES),
        ("left", _YEARS),
        ("sex", _SEX),
        ("education", _EDUCATION),
        *((s, _STATUS) for s in STATUSES),
    ),
    "begins": (*_AT, ("begin", _MONTHS)),
    "ended": (*_AT, ("stop", _MONTHS)),
}
"""Columns of each count, and below how many its numbers stay: all of a count fit in 63 bits."""
_FROM_ONE: Final = dict.fromkeys(("code", "place", "sex", "education", *STATUSES), 1)
"""Words are numbered from 1, places from 0; a missing status is −1 then."""


def cell_keys(
    records: Records, until: int
) -> dict[str, tuple[ir.BooleanValue | None, ir.IntegerValue]]:
    """Return for the counts without amounts which rows are in them, and the rows' numbers.

    Parameters
    ----------
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    dict
        For ``spell``, and ``leaver`` where the file has the columns: a condition, None where all
        rows are in it, and the number. Of a row that does not count it may be another cell's, or
        missing: the same whenever it is worked out.
    """
    found: dict[str, tuple[ir.BooleanValue | None, ir.IntegerValue]] = {
        "spell": (None, _spells(records, until))
    }
    if records.has("residence_code", "programme_end"):
        t = records.table
        there = t["programme_end"].notnull() & (t["residence_code"] > 0)
        found["leaver"] = (there, _leavers(records, until))
    return found


def cell_numbers(records: Records, until: int) -> dict[str, ir.IntegerValue]:
    """Return the number of the cell in which a row is counted, by name of the count.

    Parameters
    ----------
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    dict
        Expressions for ``spell``, and ``leaver`` where the file has the columns; missing for a
        row that is in no cell.
    """
    return {
        name: number if where is None else where.ifelse(number, None)
        for name, (where, number) in cell_keys(records, until).items()
    }


def packing_of(name: str, records: Records | None = None, until: int = 0) -> Packing:
    """Return how a count's columns are packed: in as few cells as the files allow.

    Parameters
    ----------
    name : str
        Of ``SETS``.
    records : Records, optional
        The rows, whose files may say when the first reception was.
    until : int
        The last month that is known, from January of year 0.

    Returns
    -------
    Packing
        Its first column is the coarsest.
    """
    first = None if records is None else _first(records, until)
    if records is None or first is None:
        return Packing(tuple((c, 0, size) for c, size in SETS[name]))
    years = (first // 12, until // 12 - first // 12 + 1)
    places, sexes = (1, len(codes())), (1, 2)
    narrow = {
        "code": places,
        "place": places,
        "year": years,
        "left": years,
        "sex": sexes,
        "entry": (0, 1),
        "kind": (0, len(KINDS) + 1),
        # who came in the last month stays −1 months: there is nothing to see of them
        "end": (-1, until - first + 2),
        "education": (1, len(EDUCATION)),
    }
    narrow |= {c: (0, 1) for c in ("education", *STATUSES) if not records.has(c)}
    return Packing(tuple((c, *narrow.get(c, (0, size))) for c, size in SETS[name]))


def _first(records: Records, until: int) -> int | None:
    """Return the month of the first reception, where the files say it and rows are seen whole."""
    known = records.bound("received").low
    if known is None or records.has("observed_from") or records.has("observed_until"):
        return None
    first = month_of_day(known)
    # the calendar that is counted in begins with year 1
    return first if 12 < first <= until else None


def _at_month(date: ir.TimestampValue, first: int, numbers: list[int]) -> ir.IntegerValue:
    """Return the number that stands at the date's month, counted from ``first``.

    A date is looked at once, however much follows from its month; and the engine knows between
    which numbers the answer lies, which spares it the look whether a sum grows too large.
    """
    import ibis

    place = date.delta(ibis.timestamp(first_day(first - 1)), unit="month")
    return number_at(numbers, place)


def _spells(records: Records, until: int) -> ir.IntegerValue:
    import ibis

    t, packing = records.table, packing_of("spell", records, until)
    columns: dict[str, ir.Value] = {"code": t["received_code"], "sex": t["sex"]}
    first = _first(records, until)
    if first is None:
        return packing.pack(columns | _any_spells(records, until))
    months = range(first, until + 1)
    # the year, less the month of reception, of which the month of leaving makes the stay
    came = [m // 12 * packing.stride("year") - m - (m == until) for m in months]
    last: ir.Value = ibis.literal(until)
    if records.has("moved", "move"):
        columns["kind"] = t["move"]
        # least passes over what is missing: without a move it is the data's last month
        leaves = ibis.least(t["moved"], ibis.timestamp(first_day(until)))
        last = _at_month(leaves, first, list(months))
    return packing.pack(columns) + _at_month(t["received"], first, came) + last


def _any_spells(records: Records, until: int) -> dict[str, ir.Value]:
    """Return year, entry, kind and end where rows may be seen in part only, or from any month."""
    import ibis

    t = records.table
    came = month_number(t["received"])
    censored: ir.IntegerValue = until - came
    columns: dict[str, ir.Value] = {"year": t["received"].year().cast("int64")}
    if records.has("observed_from"):
        # whoever enters after everything has ended is never there; a stray year must fit, though
        entry = ibis.least(month_number(t["observed_from"]) - came, _MONTHS - 1)
        columns["entry"] = (t["observed_from"].isnull()).ifelse(0, entry)
    if records.has("observed_until"):
        own = month_number(t["observed_until"]) - came
        censored = ibis.least(ibis.coalesce(own, censored), censored)
    columns["end"] = censored
    if records.has("moved", "move"):
        stay = month_number(t["moved"]) - came
        # least and greatest pass over what is missing: without a move it is the censored month.
        # Whoever moves in the month of reception was there for a month; see the life table
        columns["end"] = ibis.least(ibis.greatest(ibis.least(stay, censored), 1), censored)
        # without a move the kind is 0 either way
        columns["kind"] = (ibis.greatest(stay, 1) <= censored).ifelse(t["move"], 0)
    return columns


def _leavers(records: Records, until: int) -> ir.IntegerValue:
    t, packing = records.table, packing_of("leaver", records, until)
    columns: dict[str, ir.Value] = {"place": t["residence_code"], "sex": t["sex"]}
    if records.has("education"):
        none = EDUCATION.index("unknown") + 1
        columns["education"] = (t["education"] == 0).ifelse(none, t["education"])
    columns |= {s: t[s] for s in STATUSES if records.has(s)}
    first = _first(records, until)
    if first is None:
        return packing.pack(columns | {"left": t["programme_end"].year().cast("int64")})
    years = [m // 12 * packing.stride("left") for m in range(first, until + 1)]
    return packing.pack(columns) + _at_month(t["programme_end"], first, years)


def unpacked(name: str, numbers: np.ndarray, packing: Packing) -> dict[str, np.ndarray]:
    """Take the columns out of cells' numbers again.

    Parameters
    ----------
    name : str
        Of ``SETS``.
    numbers : numpy.ndarray, shape (n_cells,)
        Of cells.
    packing : Packing
        As they were packed.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns of ``SETS``, int32. Words are numbered from 0, a missing status is −1.
    """
    found = packing.unpack(numbers)
    for column, first in _FROM_ONE.items():
        if column in found:
            found[column] -= np.int32(first)
    if name == "spell":
        # who moves in the month of reception was there for a month, if there is one to see
        kind, end = found["kind"], found["end"]
        at_once = (end == 0) & (kind > 0)
        kind[end < 0] = 0
        np.maximum(end, 0, out=end)
        end[at_once] = 1
    return found
