"""From a coding sheet to periods of activity: who, from when to when, with which components."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from evaluation.data import embedded
from evaluation.design.coding.adjudication import adjudicate
from evaluation.design.coding.periods import ALWAYS, STILL, read_period
from evaluation.design.coding.sheet import CodingSheet
from evaluation.design.exposure.components import DatedComponent
from evaluation.design.exposure.dates import Span
from evaluation.design.stance import ACTIVE
from evaluation.errors import InputError

__all__ = ["ActivePeriod", "active_periods"]


@dataclass(frozen=True)
class ActivePeriod:
    """A stretch of time in which a municipality was active.

    Parameters
    ----------
    code, municipality : str
        Who.
    start : Span or None
        When it began; None where no date is coded.
    end : Span or None
        When it ended; None where it has not.
    stances : tuple of str
        The active stances in it, in time.
    components : tuple of DatedComponent
        With the dates of the rows that name them.
    """

    code: str
    municipality: str
    start: Span | None
    end: Span | None
    stances: tuple[str, ...]
    components: tuple[DatedComponent, ...]


def active_periods(sheet: CodingSheet) -> tuple[ActivePeriod, ...]:
    """Join a sheet's active rows into periods.

    Rows that follow each other without a gap are one period, whatever active stance they name:
    an active municipality that begins to be so earlier in the asylum process goes on being active.

    Parameters
    ----------
    sheet : CodingSheet
        One coder's rows, or several coders' with every disagreement settled.

    Returns
    -------
    tuple of ActivePeriod
        By code and time.

    Raises
    ------
    InputError
        If a disagreement is not settled, no municipality is active, or all 290 are.

    Examples
    --------
    >>> from evaluation.design.coding.sheet import coding_sheet
    >>> row = {"code": "2321", "coder": "A", "evidence": "strong", "source": "s"}
    >>> found = active_periods(coding_sheet([
    ...     row | {"began": "2011-07", "ended": "2013-12", "stance": "active_day_one"},
    ...     row | {"began": "2014-01", "ended": "2018-09", "stance": "active_from_asylum"}]))
    >>> [(p.municipality, str(p.start), str(p.end)) for p in found]
    [('Åre', '2011-07', '2018-09')]
    """
    rows = _settled(sheet)
    active = rows[rows["stance"].isin(ACTIVE)]
    if active.empty:
        raise InputError("no municipality is coded as active", field="stance")
    if set(active["code"]) >= set(embedded.municipalities().index):
        raise InputError(
            "all 290 municipalities are coded as active, which leaves nobody to compare with",
            field="stance",
        )
    out: list[ActivePeriod] = []
    for _, own in active.groupby("code", sort=True):
        joined: list[list[dict[str, str]]] = []
        before = None
        ordered = sorted(
            ({str(k): str(v) for k, v in r.items()} for r in own.to_dict("records")),
            key=lambda r: read_period(r["began"], r["ended"]).first,
        )
        for row in ordered:
            period = read_period(row["began"], row["ended"])
            if before is not None and period.first <= before.last + 1:
                joined[-1].append(row)
            else:
                joined.append([row])
            before = period
        out.extend(_joined(rows) for rows in joined)
    return tuple(out)


def _settled(sheet: CodingSheet) -> pd.DataFrame:
    if len(sheet.coders) < 2 and sheet.decisions.empty:
        return sheet.codings
    found = adjudicate(sheet)
    if len(found.unsettled):
        first = found.unsettled.iloc[0]
        raise InputError(
            f"{len(found.unsettled)} disagreements between coders are not settled, the first on "
            f"{first['municipality']}; add rows of the coder 'adjudicated'",
            field="stance",
        )
    return found.final


def _spans(row: dict[str, str]) -> tuple[Span | None, Span | None]:
    p = read_period(row["began"], row["ended"])
    start = None if p.first == ALWAYS else Span(p.first, p.first_latest)
    return start, None if p.last == STILL else Span(p.last_earliest, p.last)


def _joined(rows: list[dict[str, str]]) -> ActivePeriod:
    """Make one period of rows that follow each other."""
    named: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        for part in filter(None, map(str.strip, row["components"].split(";"))):
            named.setdefault(part, []).append(i)
    components = []
    for name, where in named.items():
        if where != list(range(where[0], where[-1] + 1)):
            raise InputError(
                f"{rows[0]['municipality']}: {name!r} stops and comes back; give the two times "
                "names of their own",
                field="components",
            )
        own = _spans(rows[where[0]])[0], _spans(rows[where[-1]])[1]
        components.append(DatedComponent(name, *own))
    return ActivePeriod(
        rows[0]["code"],
        rows[0]["municipality"],
        _spans(rows[0])[0],
        _spans(rows[-1])[1],
        tuple(dict.fromkeys(r["stance"] for r in rows)),
        tuple(components),
    )
