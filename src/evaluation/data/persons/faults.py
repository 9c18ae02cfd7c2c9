"""Why a row is not counted: one number per row, the first reason that holds."""

from __future__ import annotations

import datetime
import functools
import math
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evaluation.data.persons.contract import (
    CODES,
    DATES,
    KINDS,
    NEEDED,
    REASONS,
    STATUSES,
    TEXTS,
)
from evaluation.data.persons.typed import Records, any_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["faulty_rows", "first_day", "month_number", "month_of_day"]

_AGES: Final = (0, 110)
_MADE_BY_MOVES: Final = (
    "after_data_end",
    "move_before_reception",
    "move_contradicts_itself",
    "two_kommuner",
)


def month_number(date: ir.TimestampValue) -> ir.IntegerValue:
    """Return months counted from January of year 0."""
    import ibis

    # whole months since a first of January: one function where year and month would be two
    return date.delta(ibis.timestamp("0001-01-01"), unit="month") + 12


def first_day(month: int) -> str:
    """Return the first day of a month counted from January of year 0.

    Examples
    --------
    >>> first_day(12 * 2016 + 4)
    '2016-05-01'
    """
    return f"{month // 12:04d}-{month % 12 + 1:02d}-01"


def month_of_day(day: datetime.date) -> int:
    """Return a day's month, counted from January of year 0.

    Examples
    --------
    >>> first_day(month_of_day(datetime.date(2016, 5, 17)))
    '2016-05-01'
    """
    return 12 * day.year + day.month - 1


def faulty_rows(
    records: Records,
    until: int,
    several: ir.BooleanValue | None = None,
    at_once: ir.BooleanValue | None = None,
    beside: Mapping[str, ir.Value] | None = None,
) -> ir.Table:
    """Return the rows that do not count.

    Conditions that the files' bounds rule out are left out of the expression: the rows are the
    same.

    Parameters
    ----------
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.
    several, at_once : ibis.expr.types.BooleanValue, optional
        Whether the person has several rows, and in different municipalities at one time.
    beside : mapping of str to ibis.expr.types.Value, optional
        Further columns of the records' table, worked out of these rows only.

    Returns
    -------
    ibis.expr.types.Table
        ``person`` and ``reason``: the place of its first reason in ``REASONS``, plus 1; and
        ``beside``.
    """
    import ibis

    found: dict[str, list[ir.BooleanValue]] = {r.key: [] for r in REASONS}
    if records.unreadable is not None:
        found["unreadable"].append(records.unreadable)
    _values(records, found)
    _dates(records, found, until)
    _moves(records, found)
    if records.has("moves_wrong"):
        found["moves"].append(records.table["moves_wrong"])
    if several is not None:
        found["duplicate"].append(several)
    if at_once is not None:
        found["two_kommuner"].append(at_once)
    # nearly every row is sound: which it is comes first, and why of the few others only. Not
    # filled with false: in a filter what is missing is no hit, and DuckDB then looks at each
    # condition of the rows that are left
    faulty = records.table.filter(any_of([c for r in REASONS for c in found[r.key]]))
    reasons = [(any_of(found[r.key]), i) for i, r in enumerate(REASONS, 1) if found[r.key]]
    reason = ibis.cases(*reasons, else_=0)
    if records.has("moves_wrong"):
        # what a wrong move makes of the row is the move's fault
        place = {r.key: i for i, r in enumerate(REASONS, 1)}
        follows = reason.isin([place[k] for k in _MADE_BY_MOVES])
        reason = (follows & records.table["moves_wrong"]).ifelse(place["moves"], reason)
    return faulty.select("person", reason=reason.cast("int8"), **(beside or {}))


def _values(records: Records, found: dict[str, list[ir.BooleanValue]]) -> None:
    t = records.table
    for name in NEEDED:
        if records.bound(name).gaps:
            # a missing word is the number 0, one outside the list a missing number
            found["missing"].append(t[name] == 0 if name in TEXTS else t[name].isnull())
    found["unknown_code"] = [t[c].isnull() for c in CODES if records.has(c)]
    found["unknown_sex"].append(t["sex"].isnull())
    found["unknown_value"] = [t[c].isnull() for c in (*STATUSES, "move") if records.has(c)]
    if records.has("education"):
        found["unknown_education"].append(t["education"].isnull())
    if records.has("age"):
        found["age"] = _outside(records, "age", *_AGES)
    parts = ("assisted_from", "assisted_months", "assisted_kronor")
    if records.has(*parts):
        start, months, kronor = (t[c] for c in parts)
        # zero months need no date: nobody was assisted. Two that must agree are compared, which
        # is less work than to look for each way not to
        assisted = (months > 0).fill_null(False)
        found["assistance"] = [
            *_outside(records, "assisted_months", 0),
            *_outside(records, "assisted_kronor", 0),
            assisted != start.notnull(),
            start.notnull() & kronor.isnull(),
        ]
        if months.type().is_floating():
            found["assistance"].append(months != months.floor())


def _outside(
    records: Records, name: str, low: Any = None, high: Any = None
) -> list[ir.BooleanValue]:
    """Return that a value lies below or above, as far as that may be."""
    column, known = records.table[name], records.bound(name)
    wrong: list[ir.BooleanValue] = []
    if low is not None and known.below(low):
        wrong.append(column < low)
    if high is not None and known.above(high):
        wrong.append(column > high)
    return wrong


def _from(records: Records, name: str, month: int) -> list[ir.BooleanValue]:
    """Return that a date lies in a month or later, as far as that may be."""
    import ibis

    first = datetime.datetime(month // 12, month % 12 + 1, 1)
    known = records.bound(name)
    if known.high is not None and known.high < first:
        return []
    return [records.table[name] >= ibis.timestamp(first_day(month))]


def _paid_late(records: Records, until: int) -> list[ir.BooleanValue]:
    """Return that assistance goes on after the last known month.

    What the files say of the most months rules most rows out by their date, which is less to ask
    than the months between two dates.
    """
    start, months = (records.table[c] for c in ("assisted_from", "assisted_months"))
    late = months > until + 1 - month_number(start)
    most = records.bound("assisted_months").high
    if most is None or most >= until - 12:
        return [late]
    soonest = until + 2 - math.ceil(most)
    return [begins & late for begins in _from(records, "assisted_from", soonest)]


def _dates(records: Records, found: dict[str, list[ir.BooleanValue]], until: int) -> None:
    t = records.table
    first, end = datetime.datetime(1, 1, 1), "programme_end"
    for name in ("received", end, "assisted_from"):
        if records.has(name):
            # before the calendar that is counted in; other dates lie after one of these
            found["unreadable"] += _outside(records, name, first)
    for name in DATES:
        if records.has(name) and not name.startswith("observed"):
            found["after_data_end"] += _from(records, name, until + 1)
    if records.has("assisted_from", "assisted_months"):
        found["after_data_end"] += _paid_late(records, until)
    early = found["status_too_early"]
    given = {k: t[name] for k, name in enumerate(STATUSES) if records.has(name)}
    if given and records.has(end):
        # one sum; it is missing where a word is outside its list, which has been said before
        early.append(t[end].isnull() & (functools.reduce(operator.add, given.values()) > 0))
        for k, status in given.items():
            early += [(status > 0) & late for late in _from(records, end, until + 1 - 12 * k)]
    else:
        early += [status > 0 for status in given.values()]
    if records.has("moved"):
        found["move_before_reception"].append(t["moved"] < t["received"])
    if records.has("programme_start"):
        found["programme_dates"].append(t["programme_start"] < t["received"])
    if records.has("programme_end"):
        begins = t["programme_start"] if records.has("programme_start") else t["received"]
        found["programme_dates"].append(t["programme_end"] < begins)
    if records.has("observed_from"):
        found["observation_dates"].append(t["observed_from"] < t["received"])
    if records.has("observed_until"):
        begins = t["observed_from"] if records.has("observed_from") else t["received"]
        found["observation_dates"] += [
            t["observed_until"] < begins,
            t["observed_until"] < t["received"],
        ]


def _moves(records: Records, found: dict[str, list[ir.BooleanValue]]) -> None:
    t = records.table
    if records.has("moved", "move"):
        wrong = found["move_contradicts_itself"]
        kind = t["move"]
        # of a word outside its list nothing follows here: that has been said before
        wrong.append(t["moved"].isnull() != (kind == 0))
        if records.has("destination_code"):
            goal, abroad = t["destination_code"], KINDS.index("abroad") + 1
            within = (kind > 0) & (kind < abroad)
            wrong += [(goal > 0) != within, goal == t["received_code"]]
    if records.has("moved", "residence_code", "programme_end"):
        # lives elsewhere in December of the year of leaving without having moved by then
        moved, end = t["moved"], t["programme_end"]
        stays = moved.isnull() | end.isnull() | (moved.year() > end.year())
        away = (t["residence_code"] != t["received_code"]) & (t["residence_code"] > 0)
        found["two_kommuner"].append(away & stays)
