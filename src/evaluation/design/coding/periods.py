"""From when to when a stance stood, in months, as far as the stated dates tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evaluation.design.exposure import parse_end, parse_start
from evaluation.errors import InputError

__all__ = ["ALWAYS", "STILL", "Period", "month_text", "read_period"]

ALWAYS: Final = 0
"""First month of a period whose start is not known."""
STILL: Final = 12 * 10_000
"""Last month of a period that has not ended."""
_DAY = re.compile(r"((?:19|20)\d\d-\d\d)-\d\d(?: 00:00:00)?")
_DATES = "a date such as 2017, 2017-03, 2017-H2 or 2017-spring"


@dataclass(frozen=True)
class Period:
    """A period between two dates that may be known to the year only.

    Months are counted from the year 0: 12 × year + month − 1.

    Parameters
    ----------
    first, first_latest : int
        Earliest and latest month in which it can have begun; ``ALWAYS`` twice where the
        start is not known.
    last_earliest, last : int
        Earliest and latest month in which it can have ended; ``STILL`` twice where it has
        not.
    """

    first: int
    first_latest: int
    last_earliest: int
    last: int

    def overlaps(self, other: Period) -> bool:
        """Tell whether the two overlap whatever the exact dates were.

        One that ended in 2016 and one that began in 2016 need not.

        Examples
        --------
        >>> old, new = read_period("2012", "2016"), read_period("2016", "")
        >>> old.overlaps(new), old.overlaps(read_period("2015", ""))
        (False, True)
        """
        if self.first == other.first:
            return True
        return self.last_earliest > other.first_latest and other.last_earliest > self.first_latest


def _months(text: str) -> tuple[int, int] | None:
    start, end = parse_start(text), parse_end(text)
    if start is None or end is None:
        return None
    return 12 * start[0] + start[1] - 1, 12 * end[0] + end[1] - 1


def read_period(began: str, ended: str) -> Period:
    """Read the two dates of a row.

    Parameters
    ----------
    began, ended : str
        As :func:`evaluation.design.exposure.parse_start` reads them, or empty. A whole day,
        which spreadsheets make of a month, is its month.

    Returns
    -------
    Period
        In months.

    Raises
    ------
    InputError
        If a text is no date, or the end lies before the start whatever the exact dates were.

    Examples
    --------
    >>> p = read_period("2011-H2", "2012")
    >>> month_text(p.first), month_text(p.last)
    ('2011-07', '2012-12')
    """
    spans = []
    for field, text, missing in (("began", began, ALWAYS), ("ended", ended, STILL)):
        day = _DAY.fullmatch(text)
        span = (missing, missing) if text == "" else _months(day[1] if day else text)
        if span is None:
            raise InputError(f"{text!r} is not {_DATES}, nor empty", field=field)
        spans.append(span)
    (first, first_latest), (last_earliest, last) = spans
    if last < first:
        raise InputError(f"ends ({ended}) before it began ({began})", field="ended")
    return Period(first, first_latest, last_earliest, last)


def month_text(month: int) -> str:
    """Write a month as ``2011-07``; an open end is empty.

    Examples
    --------
    >>> month_text(12 * 2011 + 6), month_text(STILL)
    ('2011-07', '')
    """
    return "" if month in (ALWAYS, STILL) else f"{month // 12}-{month % 12 + 1:02d}"
