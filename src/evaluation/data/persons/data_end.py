"""The month in which a file's dates end, and whether the last known month lies far behind it."""

from __future__ import annotations

import datetime
from typing import Final

from evaluation.data.persons.contract import DATES
from evaluation.data.persons.engine import Engine
from evaluation.data.persons.faults import first_day, month_of_day
from evaluation.data.persons.typed import Records
from evaluation.errors import InputError

__all__ = ["ends_early", "last_known", "month_of"]

_MONTHS_AFTER: Final = 3
"""How many months after the latest date the last known month may lie without a word."""


def month_of(text: str) -> int:
    """Return the number of a month that has been, from January of year 0.

    Raises
    ------
    InputError
        If it is no month, or has not been: everybody would seem to stay until then.

    Examples
    --------
    >>> month_of("2016-05") == 12 * 2016 + 4
    True
    """
    try:
        found = datetime.date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InputError(f"{text!r} is not a month such as 2025-12", field="--until") from None
    if found > datetime.date.today():
        raise InputError(
            f"{text} has not been yet; give the last month of which all is known",
            field="--until",
        )
    return month_of_day(found)


def last_known(engine: Engine, records: Records, file: str) -> int:
    """Return the month of the latest date that does not lie in the future.

    Parameters
    ----------
    engine : Engine
        That reads the rows.
    records : Records
        The rows.
    file : str
        Named in errors.

    Raises
    ------
    InputError
        If no date can be read.
    """
    found = _latest(engine, records, month_of_day(datetime.date.today()))
    if found is None:
        raise InputError("has no date that can be read", file=file, field="received")
    return found


def ends_early(engine: Engine, records: Records, until: int, assisted: int | None) -> str | None:
    """Return what is to be said where all dates end long before the last known month.

    Parameters
    ----------
    engine : Engine
        That reads the rows.
    records : Records
        The rows; their columns of dates.
    until : int
        The last month that is said to be known, from January of year 0.
    assisted : int, optional
        The last month in which anybody was assisted.

    Returns
    -------
    str or None
        None where the latest date of any row lies at most three months before.
    """
    enough = until - _MONTHS_AFTER
    if assisted is not None and assisted >= enough:
        return None
    dates = _latest(engine, records, until, enough)
    latest = max((m for m in (assisted, dates) if m is not None), default=until)
    if latest >= enough:
        return None
    said, last = first_day(until)[:7], first_day(latest)[:7]
    return (
        f"all is said to be known until {said}, and the latest date of any row is in {last}: if "
        f"the data ended then, people are counted as staying who had left; give --until {last}"
    )


def _latest(engine: Engine, records: Records, until: int, enough: int | None = None) -> int | None:
    """Return the month of the latest date of any row up to a month and to this day.

    What the footers of Parquet files say of a column is taken from there, unless it lies later;
    where they tell of a month from ``enough`` on, that will do. The rest, and a CSV, takes one
    pass over the rows.
    """
    today = datetime.datetime.combine(datetime.date.today(), datetime.time.max)
    end = min(datetime.datetime.fromisoformat(first_day(until + 1)), today)
    names = [c for c in DATES if records.has(c)]
    told = {c: records.bound(c).high for c in names}
    found = {c: d for c, d in told.items() if d is not None and d < end}
    latest = max((month_of_day(d) for d in found.values()), default=None)
    unread = [c for c in names if c not in found]
    if not unread or (enough is not None and latest is not None and latest >= enough):
        return latest
    import ibis

    t, before = records.table, ibis.timestamp(str(end))
    asked = {c: t[c].max(where=t[c] < before) for c in unread}
    read = engine.arrow(t.aggregate(**asked)).to_pylist()[0]
    found |= {c: d for c, d in read.items() if d is not None}
    return max((month_of_day(d) for d in found.values()), default=None)
