r"""Which cohorts met the active way of working: by month of reception and by year of leaving.

Conventions. A start in a month is on its first day, an end in a month on its last day: both
months are in force whole. Whoever is received in month r spends the months r, …, r + P − 1 in
the programme (P = 24) and leaves it in month r + P. The indicators of work and studies 90
days after the programme carry the year of *leaving*, though who leaves in October to December
is measured in the next year.

Exposed from day one is who was received in a month in force. With w_r the receptions of month
r, the share of those who leave in year y is

.. math:: S_y = \frac{\sum_r w_r\, 1[a \le r \le b]}{\sum_r w_r},
    \qquad \lfloor (r + P)/12 \rfloor = y,

and the mean dose replaces the indicator by the share of r, …, r + P − 1 that lies in [a, b].
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.design.exposure.dates import Span, read_span
from evaluation.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "MONTHS",
    "ExposureCalendar",
    "Receptions",
    "as_span",
    "check_order",
    "exposure_calendar",
    "possible_periods",
    "received_before",
    "reception_cohorts",
    "reception_weights",
]

MONTHS = 24
"""Months of the establishment programme."""
LONGEST = 120
FULL = 1 - 1e-12
FOREVER = 12 * 10_000
Receptions = Sequence[float] | Mapping[tuple[int, int], float]
_ORDER = ("none", "partial", "full")


@dataclass(frozen=True, repr=False)
class ExposureCalendar:
    """Exposure by year, each number as the lowest and the highest that the dates allow.

    Parameters
    ----------
    start : Span
        When it began.
    end : Span or None
        When it ended, None where it has not.
    months : int
        Length of the programme.
    horizon_days : int
        Days from leaving to the measurement.
    uniform : bool
        Whether receptions were taken to be the same in every month.
    table : pandas.DataFrame
        One row per year, with ``…_low`` and ``…_high`` (equal where start and end are known to
        the month) of: ``day_one``, the share of those who leave in the year that was received
        while it was in force; ``any``, the share that met it at all during the programme;
        ``dose``, the mean share of the programme's months in force; ``in_force``, the share of
        the year's own months, for outcomes without a lag. ``exposure`` and
        ``exposure_in_force`` say ``full``, ``partial`` or ``none``, or which of them it may
        be. ``measured_from`` and ``measured_to`` are the first and last day of measurement.
    """

    start: Span
    end: Span | None
    months: int
    horizon_days: int
    uniform: bool
    table: pd.DataFrame = field(repr=False)

    @property
    def years(self) -> tuple[int, ...]:
        """The years of the table."""
        return tuple(int(y) for y in self.table["year"])

    def share(self, year: int) -> tuple[float, float]:
        """Return the lowest and highest share exposed from day one among a year's leavers.

        Parameters
        ----------
        year : int
            Year of leaving.

        Raises
        ------
        InputError
            If the table does not have the year.
        """
        row = self.table[self.table["year"] == year]
        if row.empty:
            first, last = self.years[0], self.years[-1]
            raise InputError(f"must lie in {first}–{last}, found {year}", field="year")
        return float(row["day_one_low"].iloc[0]), float(row["day_one_high"].iloc[0])

    def tidy(self) -> pd.DataFrame:
        """Return one row per year."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "start": str(self.start),
            "end": None if self.end is None else str(self.end),
            "programme_months": self.months,
            "horizon_days": self.horizon_days,
            "receptions": "uniform" if self.uniform else "given",
            "rows": self.table.to_dict("records"),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share exposed from day one by year of leaving, the uncertain part pale.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
        t = self.table
        ax.bar(t["year"], t["day_one_high"], color="#bcd4e6", label="at most")
        ax.bar(t["year"], t["day_one_low"], color="#1b4965", label="exposed from day one")
        ax.plot(t["year"], t["dose_high"], "o", color="#c1666b", ms=4, label="mean dose, at most")
        ax.set_ylim(0, 1.05)
        ax.set_xticks(t["year"])
        ax.set_xlabel("year of leaving the programme")
        ax.set_ylabel("share")
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        return f"<ExposureCalendar, {self.start} – {self.end or 'still in force'}>"

    def _repr_html_(self) -> str:
        return self.table.round(4).to_html(index=False, border=0)


def as_span(date: str | tuple[int, int] | Span, field: str) -> Span:
    """Return the months that a date may mean.

    Parameters
    ----------
    date : str, tuple of int or Span
        A text such as ``2017``, ``2017-03``, ``2017-H2`` or ``2017-spring``; or year and month.
    field : str
        What it is, for the error.

    Raises
    ------
    InputError
        If it is no single date.

    Examples
    --------
    >>> as_span((2014, 4), "start") == as_span("2014-04", "start")
    True
    """
    if isinstance(date, Span):
        return date
    if not isinstance(date, str):
        if not (1 <= date[1] <= 12 and 1900 <= date[0] <= 2100):
            raise InputError(
                f"must be a year from 1900 to 2100 and a month from 1 to 12, found {date}",
                field=field,
            )
        return Span(12 * date[0] + date[1] - 1, 12 * date[0] + date[1] - 1)
    found = read_span(date)
    if found is None:
        raise InputError(
            f"{date!r} is no single date such as 2017, 2017-03, 2017-H2 or 2017-spring",
            field=field,
        )
    return found


def check_order(start: Span, end: Span | None) -> None:
    """Refuse an end before the start.

    Raises
    ------
    InputError
        If the end lies before the start whatever the exact months were.
    """
    if end is not None and end.last < start.first:
        raise InputError(f"ends ({end}) before it starts ({start})", field="end")


def possible_periods(start: Span, end: Span | None) -> list[tuple[int, int]]:
    """List every first and last month in force that the dates allow.

    Examples
    --------
    >>> possible_periods(Span(5, 6), Span(6, 6))
    [(5, 6), (6, 6)]
    """
    ends = range(FOREVER, FOREVER + 1) if end is None else range(end.first, end.last + 1)
    return [(a, b) for a in range(start.first, start.last + 1) for b in ends if a <= b]


def received_before(year: int, months: int) -> np.ndarray:
    """Return the months of reception of those who leave in a year, shape (12,).

    Examples
    --------
    >>> first = received_before(2016, 24)[0]
    >>> divmod(int(first), 12)
    (2014, 0)
    """
    return np.arange(12) + 12 * year - months


def reception_weights(receptions: Receptions | None) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from months to how many were received.

    Parameters
    ----------
    receptions : sequence of float or mapping, optional
        Twelve numbers, January to December, the same in every year; or by (year, month).
        Without it every month counts the same.

    Returns
    -------
    callable
        From months counted from the year 0, shape (12,), to persons, not all zero.

    Raises
    ------
    InputError
        If there are not twelve, one is negative or no number, a month that is needed is
        missing, or the twelve months of a cohort have nobody.
    """
    if receptions is None:
        return lambda months: np.ones(len(months))
    if isinstance(receptions, Mapping):
        by_month = dict(receptions)

        def value(month: int) -> float:
            key = (month // 12, month % 12 + 1)
            if key not in by_month:
                raise InputError(f"{key[0]}-{key[1]:02d} is missing", field="receptions")
            return float(by_month[key])

        given = list(by_month.values())
    else:
        given = list(receptions)
        if len(given) != 12:
            raise InputError(
                f"twelve numbers are needed, January to December, found {len(given)}",
                field="receptions",
            )

        def value(month: int) -> float:
            return float(given[month % 12])

    bad = [v for v in given if not math.isfinite(v) or v < 0]
    if bad:
        raise InputError(f"must be zero or more, found {bad[0]:g}", field="receptions")

    def weights(months: np.ndarray) -> np.ndarray:
        w = np.array([value(int(m)) for m in months])
        if w.sum() == 0:
            month = int(months[0])
            raise InputError(
                f"nobody is received in the twelve months from {month // 12}-{month % 12 + 1:02d}",
                field="receptions",
            )
        return w

    return weights


def _status(shares: np.ndarray) -> str:
    """Name what the exposure is, or may be, over the possible periods."""
    kinds = {"none" if s == 0 else "full" if s >= FULL else "partial" for s in shares}
    return " or ".join(k for k in _ORDER if k in kinds)


def _check_months(months: int) -> None:
    if not 1 <= months <= LONGEST:
        raise InputError(f"must be 1 to {LONGEST}, found {months}", field="months")


def _years(start: Span, end: Span | None, months: int) -> tuple[int, int]:
    """Return the years from the first touched to the first that nothing changes after."""
    last = start.last if end is None else end.last
    return start.first // 12, (last + months) // 12 + 1


def exposure_calendar(
    start: str | tuple[int, int] | Span,
    end: str | tuple[int, int] | Span | None = None,
    *,
    months: int = MONTHS,
    years: tuple[int, int] | None = None,
    receptions: Receptions | None = None,
    horizon_days: int = 90,
) -> ExposureCalendar:
    """Compute exposure by year of leaving and by calendar year.

    Parameters
    ----------
    start : str, tuple of int or Span
        ``"2014-04"``, ``(2014, 4)``, or a year or part of a year as a document states it; then
        every number is an interval over the months that it may have been.
    end : str, tuple of int or Span, optional
        The last month in force, likewise.
    months : int
        Length of the programme.
    years : tuple of int, optional
        First and last year of the table; by default from the start to the year that nothing
        changes after.
    receptions : sequence of float or mapping, optional
        Persons received: twelve numbers, January to December, or by (year, month); the same
        in every month without it.
    horizon_days : int
        Days from leaving to the measurement.

    Returns
    -------
    ExposureCalendar
        The shares.

    Raises
    ------
    InputError
        If a date is none, the end lies before the start, the start after the last year, or a
        number is out of range.

    Examples
    --------
    Started in April 2014: of those who leave in 2016 whoever was received from April to December
    2014 is exposed from day one.

    >>> found = exposure_calendar("2014-04")
    >>> found.share(2016), found.share(2017)
    ((0.75, 0.75), (1.0, 1.0))
    >>> boss = exposure_calendar("2016-10", "2018-09")
    >>> [boss.share(y)[0] for y in (2018, 2019, 2020, 2021)]
    [0.25, 1.0, 0.75, 0.0]
    >>> exposure_calendar("2011").share(2013)
    (0.08333333333333333, 1.0)
    """
    start = as_span(start, "start")
    end = None if end is None else as_span(end, "end")
    check_order(start, end)
    _check_months(months)
    if not 0 <= horizon_days <= 3650:
        raise InputError(f"must be 0 to 3650, found {horizon_days}", field="horizon_days")
    first, last = years or _years(start, end, months)
    if not 1900 <= first <= last <= 2200:
        raise InputError(f"must be first and last year, found {first} and {last}", field="years")
    if start.first // 12 > last:
        raise InputError(f"the start ({start}) lies after the last year, {last}", field="start")
    weights = reception_weights(receptions)
    bounds = np.array(possible_periods(start, end))
    a, b = bounds[:, 0, None], bounds[:, 1, None]
    rows = []
    for year in range(first, last + 1):
        r = received_before(year, months)
        w = weights(r)
        met = np.minimum(b, r + months - 1) - np.maximum(a, r) + 1
        own = np.arange(12) + 12 * year
        shares = {
            "day_one": ((r >= a) & (r <= b)) @ w / w.sum(),
            "any": (met > 0) @ w / w.sum(),
            "dose": np.clip(met, 0, None) @ w / (months * w.sum()),
            "in_force": ((own >= a) & (own <= b)).mean(axis=1),
        }
        # rounding must not lift a share above one
        shares = {k: np.clip(s, 0, 1) for k, s in shares.items()}
        day = datetime.timedelta(days=horizon_days)
        row: dict[str, Any] = {"year": year, "exposure": _status(shares["day_one"])}
        for name, s in shares.items():
            row |= {f"{name}_low": float(s.min()), f"{name}_high": float(s.max())}
        row |= {
            "exposure_in_force": _status(shares["in_force"]),
            "measured_from": str(datetime.date(year, 1, 1) + day),
            "measured_to": str(datetime.date(year, 12, 31) + day),
        }
        rows.append(row)
    return ExposureCalendar(
        start, end, months, horizon_days, receptions is None, pd.DataFrame(rows)
    )


def reception_cohorts(
    start: str | tuple[int, int] | Span,
    end: str | tuple[int, int] | Span | None = None,
    *,
    months: int = MONTHS,
    years: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """Return the exposure of each month's newly received.

    Parameters
    ----------
    start, end, months
        As in :func:`exposure_calendar`.
    years : tuple of int, optional
        First and last year of reception; by default from the programme's length before the
        start to the year after the last date.

    Returns
    -------
    pandas.DataFrame
        One row per month: ``received``, ``leaves`` (texts like 2014-04), ``day_one_low`` and
        ``_high`` (0 or 1), ``months_low`` and ``_high`` (of the programme, in force),
        ``dose_low`` and ``_high``.

    Raises
    ------
    InputError
        As :func:`exposure_calendar`.

    Examples
    --------
    >>> table = reception_cohorts("2014-04", years=(2013, 2013))
    >>> table["months_low"].tolist()
    [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    """
    start = as_span(start, "start")
    end = None if end is None else as_span(end, "end")
    check_order(start, end)
    _check_months(months)
    last_date = start.last if end is None else end.last
    first, last = years or ((start.first - months) // 12, last_date // 12 + 1)
    if not 1900 <= first <= last <= 2200:
        raise InputError(f"must be first and last year, found {first} and {last}", field="years")
    bounds = np.array(possible_periods(start, end))
    a, b = bounds[:, 0, None], bounds[:, 1, None]
    r = np.arange(12 * first, 12 * last + 12)
    day_one = ((r >= a) & (r <= b)).astype(int)
    met = np.clip(np.minimum(b, r + months - 1) - np.maximum(a, r) + 1, 0, None)
    columns: dict[str, Any] = {
        "received": [str(Span(int(m), int(m))) for m in r],
        "leaves": [str(Span(int(m), int(m))) for m in r + months],
    }
    for name, values in (("day_one", day_one), ("months", met), ("dose", met / months)):
        columns |= {f"{name}_low": values.min(axis=0), f"{name}_high": values.max(axis=0)}
    return pd.DataFrame(columns)
