"""Why a row is not counted: one number per row, the first reason that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.data.persons.contract import (
    CODES,
    DATES,
    KINDS,
    REASONS,
    STATUSES,
)
from evaluation.data.persons.typed import Records, any_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["first_day", "month_number", "reason_number"]

_AGES: Final = (0, 110)


def month_number(date: ir.TimestampValue) -> ir.IntegerValue:
    """Return months counted from January of year 0."""
    import ibis

    # whole months since a first of January: one function where year and month would be two
    since = date.delta(ibis.timestamp("0001-01-01"), unit="month")
    return since.cast("int32") + 12


def first_day(month: int) -> str:
    """Return the first day of a month counted from January of year 0.

    Examples
    --------
    >>> first_day(12 * 2016 + 4)
    '2016-05-01'
    """
    return f"{month // 12:04d}-{month % 12 + 1:02d}-01"


def reason_number(
    records: Records,
    until: int,
    several: ir.BooleanValue | None = None,
    at_once: ir.BooleanValue | None = None,
) -> ir.IntegerValue:
    """Return 0 for a row that counts, else the place of its first reason in ``REASONS`` plus 1.

    Parameters
    ----------
    records : Records
        The rows.
    until : int
        The last month that is known, from January of year 0.
    several, at_once : ibis.expr.types.BooleanValue, optional
        Whether the person has several rows, and in different municipalities at one time.

    Returns
    -------
    ibis.expr.types.IntegerValue
        One per row.
    """
    import ibis

    found: dict[str, list[ir.BooleanValue]] = {r.key: [] for r in REASONS}
    if records.unreadable is not None:
        found["unreadable"].append(records.unreadable)
    _values(records, found)
    _dates(records, found, until)
    _moves(records, found)
    if several is not None:
        found["duplicate"].append(several)
    if at_once is not None:
        found["two_kommuner"].append(at_once)
    branches = [(any_of(found[r.key]), i) for i, r in enumerate(REASONS, 1) if found[r.key]]
    # nearly every row is sound: one test for all reasons comes first
    sound = ~any_of([c for r in REASONS for c in found[r.key]])
    return ibis.cases((sound, 0), *branches, else_=0)


def _values(records: Records, found: dict[str, list[ir.BooleanValue]]) -> None:
    t = records.table
    found["missing"] = [t[c].isnull() for c in ("person", "received_code", "received", "sex")]
    found["unknown_code"] = [t[c] < 0 for c in CODES if records.has(c)]
    found["unknown_sex"].append(t["sex"] < 0)
    found["unknown_value"] = [t[c] < 0 for c in (*STATUSES, "move") if records.has(c)]
    if records.has("education"):
        found["unknown_education"].append(t["education"] < 0)
    if records.has("age"):
        found["age"].append((t["age"] < _AGES[0]) | (t["age"] > _AGES[1]))
    parts = ("assisted_from", "assisted_months", "assisted_kronor")
    if records.has(*parts):
        start, months, kronor = (t[c] for c in parts)
        # zero months need no date: nobody was assisted
        some = (months > 0).fill_null(False)
        found["assistance"] = [
            months < 0,
            kronor < 0,
            some & (start.isnull() | kronor.isnull()),
            start.notnull() & ~some,
        ]
        if months.type().is_floating():
            found["assistance"].append(months != months.floor())


def _dates(records: Records, found: dict[str, list[ir.BooleanValue]], until: int) -> None:
    import ibis

    t = records.table

    def day(month: int) -> ir.TimestampScalar:
        return ibis.timestamp(first_day(month))

    for name in DATES:
        if records.has(name) and name not in ("observed_from", "observed_until"):
            found["after_data_end"].append(t[name] >= day(until + 1))
    if records.has("assisted_from", "assisted_months"):
        last = month_number(t["assisted_from"]) + t["assisted_months"] - 1
        found["after_data_end"].append(last > until)
    for k, name in enumerate(STATUSES):
        if records.has(name):
            early = t[name].notnull()
            if records.has("programme_end"):
                end = t["programme_end"]
                early = early & (end.isnull() | (end >= day(until + 1 - 12 * k)))
            found["status_too_early"].append(early)
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
        wrong.append(t["moved"].isnull() != t["move"].isnull())
        if records.has("destination_code"):
            gone = t["move"] % len(KINDS) >= KINDS.index("abroad")
            there = t["destination_code"].notnull()
            wrong += [
                t["move"].notnull() & (gone == there),
                t["move"].isnull() & there,
                t["destination_code"] == t["received_code"],
            ]
    if records.has("moved", "residence_code", "programme_end"):
        # lives elsewhere in December of the year of leaving without having moved by then
        away = t["residence_code"] != t["received_code"]
        by_then = t["moved"].year() <= t["programme_end"].year()
        found["two_kommuner"].append(away & ~by_then.fill_null(False))
