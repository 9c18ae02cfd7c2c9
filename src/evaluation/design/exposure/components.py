"""How much of a model a cohort met: components with starts and ends of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.design.exposure.calendar import (
    MONTHS,
    Receptions,
    as_span,
    exposure_calendar,
)
from evaluation.design.exposure.dates import Span
from evaluation.errors import InputError

__all__ = ["ComponentDose", "DatedComponent", "component_dose", "dated_components"]

_DATED = re.compile(r"^(?P<name>[^()]+?)\s*\((?P<from>[^()]*?)-(?P<to>(?:\d{4}[^()]*)?)\)$")


@dataclass(frozen=True)
class DatedComponent:
    """A component and the dates it has of its own.

    Parameters
    ----------
    name : str
        The component.
    start, end : Span or None
        Its own; None takes the model's.
    """

    name: str
    start: Span | None = None
    end: Span | None = None


def dated_components(components: Sequence[str]) -> tuple[DatedComponent, ...]:
    """Read components as the catalogue and the coding sheets write them.

    Parameters
    ----------
    components : sequence of str
        ``sfi_resource``, or with its own years ``early_validation(2016-)``,
        ``study_circles(2012-2015)``.

    Returns
    -------
    tuple of DatedComponent
        In the order given.

    Raises
    ------
    InputError
        If what stands in brackets is no span of dates, the end lies before the start, or a
        component stands twice.

    Examples
    --------
    >>> [str(c.start) for c in dated_components(["sfi_resource", "early_validation(2016-)"])]
    ['None', '2016-01 to 2016-12']
    """
    out: list[DatedComponent] = []
    for text in components:
        if "(" not in text and ")" not in text:
            out.append(DatedComponent(text.strip()))
            continue
        found = _DATED.match(text.strip())
        if not found:
            raise InputError(
                f"{text!r}: brackets must hold years such as (2016-) or (2012-2015)",
                field="components",
            )
        dates = [
            as_span(part.strip(), "components") if part.strip() else None
            for part in (found["from"], found["to"])
        ]
        if dates[0] and dates[1] and dates[1].last < dates[0].first:
            raise InputError(f"{text!r} ends before it starts", field="components")
        out.append(DatedComponent(found["name"].strip(), *dates))
    names = [c.name for c in out]
    twice = [n for i, n in enumerate(names) if n in names[:i]]
    if twice:
        raise InputError(f"{twice[0]!r} stands twice", field="components")
    return tuple(out)


@dataclass(frozen=True, repr=False)
class ComponentDose:
    """Components in force by year of leaving.

    Parameters
    ----------
    components : tuple of DatedComponent
        What was counted.
    by_component : pandas.DataFrame
        One row per year and component: ``year``, ``component``, ``day_one_low``,
        ``day_one_high`` (share of the year's leavers that was received while the component
        was in force), ``dose_low``, ``dose_high`` (mean share of the programme's months).
    table : pandas.DataFrame
        One row per year: ``number_low`` and ``number_high``, the mean number of components in
        force on day one; ``share_low`` and ``share_high``, the same by the number of
        components; ``dose_low``, ``dose_high``, the mean dose over components.
    """

    components: tuple[DatedComponent, ...]
    by_component: pd.DataFrame = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    def tidy(self) -> pd.DataFrame:
        """Return one row per year."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "components": [
                {
                    "name": c.name,
                    "own_start": None if c.start is None else str(c.start),
                    "own_end": None if c.end is None else str(c.end),
                }
                for c in self.components
            ],
            "rows": self.table.to_dict("records"),
            "by_component": self.by_component.to_dict("records"),
        }

    def __repr__(self) -> str:
        return f"<ComponentDose, {len(self.components)} components>"

    def _repr_html_(self) -> str:
        return self.table.round(4).to_html(index=False, border=0)


def component_dose(
    components: Sequence[str | DatedComponent],
    start: str | tuple[int, int] | Span,
    end: str | tuple[int, int] | Span | None = None,
    *,
    months: int = MONTHS,
    years: tuple[int, int] | None = None,
    receptions: Receptions | None = None,
) -> ComponentDose:
    """Count the components in force for the leavers of each year.

    A component without dates of its own stands as long as the model. One known to the year only
    cannot have begun before the model, so its own span is cut at the model's earliest month.

    Parameters
    ----------
    components : sequence of str or DatedComponent
        As :func:`dated_components` takes them.
    start, end, months, years, receptions
        The model's, as in :func:`evaluation.design.exposure.exposure_calendar`.

    Returns
    -------
    ComponentDose
        By year and by component. Bounds of a sum are the sums of the components' bounds: the
        dates of components that take the model's move together, those with dates of their own
        freely.

    Raises
    ------
    InputError
        If there are no components, one lies wholly outside the model's dates, or as for
        :func:`evaluation.design.exposure.exposure_calendar`.

    Examples
    --------
    >>> found = component_dose(["home_visits", "early_validation(2016-)"], "2011-H2")
    >>> t = found.tidy().set_index("year")
    >>> t.loc[[2014, 2019], "number_low"].tolist()
    [1.0, 2.0]
    """
    plain = [c for c in components if isinstance(c, str)]
    own = [c for c in components if isinstance(c, DatedComponent)]
    parts = (*dated_components(plain), *own)
    if not parts:
        raise InputError("names no component", field="components")
    start = as_span(start, "start")
    end = None if end is None else as_span(end, "end")
    spans = [_within(c, start, end) for c in parts]
    if years is None:
        whole = [exposure_calendar(a, b, months=months).years for a, b in spans]
        whole.append(exposure_calendar(start, end, months=months).years)
        years = min(y[0] for y in whole), max(y[-1] for y in whole)
    elif start.first // 12 > years[1]:
        raise InputError(f"the start ({start}) lies after the last year, {years[1]}", field="start")
    rows = []
    for c, (a, b) in zip(parts, spans, strict=True):
        # one that begins after the last year asked for is not in force in any of them
        upto = max(years[1], a.first // 12)
        found = exposure_calendar(
            a, b, months=months, years=(years[0], upto), receptions=receptions
        ).tidy()
        found = found[found["year"] <= years[1]].assign(component=c.name)
        rows.append(found)
    keep = ["day_one_low", "day_one_high", "dose_low", "dose_high"]
    whole_table = pd.concat(rows, ignore_index=True)[["year", "component", *keep]]
    total = whole_table.groupby("year", as_index=False)[keep].sum()
    n = len(parts)
    table = pd.DataFrame(
        {
            "year": total["year"],
            "number_low": total["day_one_low"],
            "number_high": total["day_one_high"],
            "share_low": np.clip(total["day_one_low"] / n, 0, 1),
            "share_high": np.clip(total["day_one_high"] / n, 0, 1),
            "dose_low": np.clip(total["dose_low"] / n, 0, 1),
            "dose_high": np.clip(total["dose_high"] / n, 0, 1),
        }
    )
    return ComponentDose(parts, whole_table, table)


def _within(c: DatedComponent, start: Span, end: Span | None) -> tuple[Span, Span | None]:
    """Return a component's dates inside its model's."""
    a, b = c.start or start, c.end or end
    if c.start is not None:
        if a.last < start.first or (end is not None and a.first > end.last):
            raise InputError(
                f"{c.name} starts ({a}) outside the model's dates ({start} – {end or ''})",
                field="components",
            )
        a = Span(max(a.first, start.first), a.last if end is None else min(a.last, end.last))
    if c.end is not None and end is not None:
        b = Span(min(c.end.first, end.last), min(c.end.last, end.last))
    return a, b
