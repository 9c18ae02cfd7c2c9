"""From cells that could be read to one value per municipality, year and sex."""

from __future__ import annotations

import pandas as pd

from evaluation.data.observations import MISSING, OBSERVED, SUPPRESSED
from evaluation.data.reading.findings import Findings
from evaluation.data.reading.layout import Layout
from evaluation.errors import InputError

__all__ = ["each_once", "selected", "years_of_months"]


def selected(frame: pd.DataFrame, layout: Layout, findings: Findings) -> pd.DataFrame:
    """Keep the one year and the one sex that were asked for.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells: ``row``, ``field``, ``code``, ``year``, ``month`` (0: none), ``sex``,
        ``value``, ``state``.
    layout : Layout
        May ask for a year and a sex.
    findings : Findings
        Gets a note of how many were left out.

    Returns
    -------
    pandas.DataFrame
        The cells that are kept.

    Raises
    ------
    InputError
        If there are none.
    """
    for column, wanted in (("year", layout.year), ("sex", layout.sex)):
        if wanted is None or frame.empty:
            continue
        kept = frame[column] == wanted
        if not kept.any():
            have = ", ".join(map(str, sorted(frame[column].unique())))
            problem = f"there is nothing for {wanted}; there is {have}"
            raise InputError(problem, file=findings.file, field=column)
        if not kept.all():
            findings.note(f"{int((~kept).sum())} values of another {column} were left out")
        frame = frame[kept]
    return frame.reset_index(drop=True)


def each_once(frame: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Refuse a value that stands twice and differs; list one that is repeated.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells, as in :func:`selected`.
    findings : Findings
        Gets the repeated ones.

    Returns
    -------
    pandas.DataFrame
        Each municipality, period and sex once.

    Raises
    ------
    InputError
        If two differ: most often a column more than those named divides the rows.
    """
    keys = ["code", "year", "month", "sex"]
    again = frame.duplicated(keys)
    if not again.any():
        return frame
    first = frame.drop_duplicates(keys).rename(columns={"row": "line"})
    pairs = frame[again].merge(first, on=keys, suffixes=("", "_first"))
    same = (pairs["state"] == pairs["state_first"]) & (
        (pairs["value"] == pairs["value_first"]) | (pairs["state"] != OBSERVED)
    )
    for pair in pairs[~same].head(1).to_dict("records"):
        raise InputError(
            f"{pair['code']}, {pair['year']}, {pair['sex']} stands twice with different values "
            f"(first in row {pair['line']}); one row per municipality, year and sex is needed",
            file=findings.file,
            row=int(pair["row"]),
            field=str(pair["field"]),
        )
    for pair in pairs.to_dict("records"):
        where = f"{pair['code']}, {pair['year']}"
        findings.reject(pair["row"], str(pair["field"]), where, f"repeats row {pair['line']}")
    return frame[~again].reset_index(drop=True)


def years_of_months(frame: pd.DataFrame, layout: Layout, findings: Findings) -> pd.DataFrame:
    """Add twelve months up to a year, if that was asked for.

    A year with fewer than twelve months is listed as a fault. A sum is suppressed where
    a month is, missing where a month is, and never a sum of what happened to be there.

    Parameters
    ----------
    frame : pandas.DataFrame
        Cells, as in :func:`selected`.
    layout : Layout
        Says whether months are to be added up.
    findings : Findings
        Gets the years that are not whole.

    Returns
    -------
    pandas.DataFrame
        One row per municipality, year and sex.

    Raises
    ------
    InputError
        If there are months and nobody asked for their sum, or the other way round.
    """
    monthly = frame["month"] > 0
    if not monthly.any():
        if layout.months and not frame.empty:
            problem = "there are no months to add up"
            raise InputError(problem, file=findings.file, field="months")
        return frame
    if layout.months is None:
        row = frame[monthly].iloc[0]
        raise InputError(
            'holds months; say months: "sum" to add them up to years',
            file=findings.file,
            row=int(row["row"]),
            field="months",
        )
    keys = ["code", "year", "sex"]
    frame = frame.assign(months=frame.groupby(keys)["month"].transform("nunique"))
    for short in frame[frame["months"] < 12].drop_duplicates(keys).to_dict("records"):
        where, n = f"{short['code']}, {short['year']}", int(short["months"])
        findings.reject(short["row"], str(short["field"]), where, f"only {n} of 12 months", lost=1)
    whole = frame[frame["months"] == 12]
    findings.note(f"{len(whole)} months were added up to {len(whole) // 12} years")
    parts = whole.groupby(keys, sort=False, as_index=False)
    return parts.agg(
        row=("row", "first"),
        field=("field", "first"),
        value=("value", lambda v: v.sum(skipna=False)),
        state=("state", _joint_state),
    ).assign(month=0)


def _joint_state(states: pd.Series) -> str:
    """Return the state of a sum: known only if every part is."""
    found = set(states)
    if found == {OBSERVED}:
        return OBSERVED
    return SUPPRESSED if SUPPRESSED in found else MISSING
