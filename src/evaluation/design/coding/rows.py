"""A coding sheet's rows, checked: words, codes, dates, periods that overlap, anonymous answers."""

from __future__ import annotations

import datetime
import re
from functools import cache
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.data.places import NATION, canonical, name
from evaluation.design.coding.periods import Period, read_period
from evaluation.design.coding.vocabulary import (
    ADJUDICATED,
    ANONYMOUS,
    COLUMNS,
    DECISION_COLUMNS,
    EVIDENCE,
    STANCES,
    marked_anonymous,
    suggestion,
)
from evaluation.errors import InputError

__all__ = ["FIELDS", "check_rows"]

FIELDS = tuple(c.name for c in COLUMNS)
_NEVER_TIED = "anonymous answers can be counted but never tied to a municipality"
_NUMBERS = re.compile(r"\d+(?:\s*[-–]\s*\d+)?")


def check_rows(
    rows: pd.DataFrame, last_year: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check the rows of one sheet or of several together.

    Parameters
    ----------
    rows : pandas.DataFrame
        The columns of a sheet as text, and ``file`` and ``row`` for the errors.
    last_year : int, optional
        Last year of the data: a stance that began later is refused.

    Returns
    -------
    tuple of pandas.DataFrame
        Rows of municipalities, with their ``municipality`` and ``first`` and ``last``
        month added, sorted by code, coder and time; and the anonymous rows.

    Raises
    ------
    InputError
        At the first cell that is not what its column needs; where an anonymous answer bears
        a code; where two periods of one coder overlap.
    """
    coded, anonymous = [], []
    for row in rows.to_dict("records"):
        text = {str(k): str(v) for k, v in row.items()}
        try:
            if text["code"] == "":
                _check_anonymous(text)
                anonymous.append(text | {"row": row["row"]})
                continue
            period = _check_row(text, last_year)
        except InputError as error:
            raise InputError(
                error.problem, file=row["file"] or None, row=row["row"], field=error.field
            ) from None
        coded.append(
            text | {"row": row["row"], "period": period, "municipality": name(text["code"])}
        )
    whole = pd.DataFrame(coded, columns=["file", "row", *FIELDS, "municipality", "period"])
    whole["first"] = pd.Series([p.first for p in whole["period"]], dtype="int64")
    whole["last"] = pd.Series([p.last for p in whole["period"]], dtype="int64")
    whole = whole.sort_values(["code", "coder", "first"], kind="stable", ignore_index=True)
    for _, group in whole.groupby(["code", "coder"], sort=False):
        _check_periods(group)
    # a period known to the year only gives way to the one that begins in its last year
    following = whole.groupby(["code", "coder"])["first"].shift(-1)
    clipped = following.notna() & (following <= whole["last"])
    whole.loc[clipped, "last"] = following[clipped].astype("int64") - 1
    apart = pd.DataFrame(anonymous, columns=["file", "row", *FIELDS])
    return whole.drop(columns="period"), apart


def _check_anonymous(row: dict[str, str]) -> None:
    """Check a row without a municipality; it needs no more than a stance."""
    if row["evidence"] != ANONYMOUS and not marked_anonymous(row["source"]):
        problem = (
            "is empty; a municipality's four digits are needed (only an anonymous answer has "
            "none: mark its evidence as anonymous)"
        )
        raise InputError(problem, field="code")
    if row["stance"] not in STANCES:
        raise InputError(suggestion(row["stance"], STANCES), field="stance")


def _check_row(row: dict[str, str], last_year: int | None) -> Period:
    """Check a municipality's row; its code becomes today's."""
    row["code"] = canonical(row["code"])
    if row["code"] == NATION:
        raise InputError("the nation has no stance; a municipality's code is needed", field="code")
    for field in ("evidence", "source", "coder", "page", "note"):
        if marked_anonymous(row[field]):
            problem = f"{row[field]!r} is anonymous and bears the code {row['code']}; {_NEVER_TIED}"
            raise InputError(problem, field=field)
    if line := _anonymous_line(row["source"], row["page"]):
        problem = f"{line} is an anonymous answer and bears the code {row['code']}; {_NEVER_TIED}"
        raise InputError(problem, field="page")
    if row["coder"] == "":
        raise InputError("is empty; who coded the row is needed", field="coder")
    if row["stance"] not in STANCES:
        raise InputError(suggestion(row["stance"], STANCES), field="stance")
    if row["evidence"] not in EVIDENCE:
        raise InputError(suggestion(row["evidence"], EVIDENCE), field="evidence")
    _check_decision(row)
    period = read_period(row["began"], row["ended"])
    if last_year is not None and period.first // 12 > last_year:
        raise InputError(
            f"{row['began']} lies after the last year of the data, {last_year}", field="began"
        )
    return period


def _check_decision(row: dict[str, str]) -> None:
    """Check that a decision says who, when and why, and that a coding does not."""
    decided = row["coder"] == ADJUDICATED
    for field in DECISION_COLUMNS:
        if decided and row[field] == "":
            raise InputError(
                f"is empty; a row of the coder {ADJUDICATED!r} says who decided, when and why",
                field=field,
            )
        if not decided and row[field] != "":
            problem = f"is filled, but the coder is {row['coder']!r} and not {ADJUDICATED!r}"
            raise InputError(problem, field=field)
    if decided:
        row["decided_on"] = row["decided_on"].removesuffix(" 00:00:00")
        try:
            datetime.date.fromisoformat(row["decided_on"])
        except ValueError:
            problem = f"{row['decided_on']!r} is not a day such as 2026-11-23"
            raise InputError(problem, field="decided_on") from None


@cache
def _anonymous_lines() -> frozenset[tuple[str, int]]:
    """Return where the anonymous answers stand in the documents that ship."""
    table = embedded.load("stance")
    apart = table.loc[table["code"].isna(), ["document", "line"]]
    return frozenset((str(d), int(n)) for d, n in apart.itertuples(index=False))


def _anonymous_line(source: str, page: str) -> str:
    """Say which anonymous answer a row cites, or nothing."""
    documents = set(re.split(r"[;,\s]+", source))
    for found in _NUMBERS.findall(page):
        ends = [int(n) for n in re.findall(r"\d+", found)]
        for document, line in sorted(_anonymous_lines()):
            if document in documents and ends[0] <= line <= ends[-1]:
                return f"line {line} of {document}"
    return ""


def _check_periods(group: pd.DataFrame) -> None:
    """Refuse rows that stand twice and periods of one coder that overlap."""
    seen: list[dict[str, Any]] = []
    for found in group.to_dict("records"):
        row = {str(k): v for k, v in found.items()}
        for other in seen:
            place = f"row {other['row']}" + (
                f" of {other['file']}" if other["file"] != row["file"] else ""
            )
            who = f"{row['municipality']} ({row['code']}), coder {row['coder']!r}"
            if all(row[k] == other[k] for k in ("began", "ended", "stance")):
                problem = f"{who} stands twice for the same period (first in {place})"
            elif other["period"].overlaps(row["period"]):
                problem = f"the period of {who} overlaps that in {place}; say when the one ended"
            else:
                continue
            raise InputError(problem, file=row["file"] or None, row=row["row"], field="began")
        seen.append(row)
