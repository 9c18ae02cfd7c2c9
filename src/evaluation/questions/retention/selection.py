"""Staying as selection: bounds of the effect on what is seen only of those who stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Released, Rules, Spec, release
from evaluation.data.files import read_table
from evaluation.data.grid import PARQUET, read_parquet
from evaluation.design.adoption import read_adoption
from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.estimation.survival.lee_bounds import lee_bounds
from evaluation.estimation.survival.persons import last_month, month_number
from evaluation.questions.retention.result import Retention
from evaluation.questions.retention.selected import Selection
from evaluation.questions.retention.shown import show_bounds
from evaluation.results import Check

__all__ = ["with_selection"]

YES: Final = frozenset({"1", "1.0", "true", "yes", "ja"})
NO: Final = frozenset({"0", "0.0", "false", "no", "nej"})

# what became of people; those received too late to be followed are counted apart
STATUS: Final = ("left", "no_value", "no", "yes", "later_left", "later_there")
SUMS: Final = {
    "exposed": {"all": ["0", "1"]},
    "status": {
        "all": ["followed", "later"],
        "followed": ["left", "stayed"],
        "stayed": ["no_value", "known"],
        "known": ["no", "yes"],
        "later": ["later_left", "later_there"],
    },
}


@dataclass(frozen=True)
class _People:
    """One value per person: group, municipality, year of reception, and what became of them."""

    exposed: np.ndarray
    code: np.ndarray
    cohort: np.ndarray
    status: np.ndarray


def with_selection(
    found: Retention,
    path: str | Path,
    outcome: str,
    *,
    stance: str | Path,
    until: str | None = None,
) -> Retention:
    r"""Add bounds of the effect on a yes or no that is seen only of those who stay (Lee 2009).

    Who was received by an active kommun is compared with who was not, on the years of reception
    from which everybody can be followed to the horizon. Errors are clustered by municipality of
    reception. The bounds are given only where every count that they rest on may be published, and
    the life table hides nothing that they could be held against.

    Parameters
    ----------
    found : Retention
        The answer for the same file; its horizon, level and rules are used.
    path : str or pathlib.Path
        Person records, as
        :func:`~evaluation.questions.retention.reading.read_retention` takes them.
    outcome : str
        A column of yes and no (1 and 0, true and false), or ``column=value,value``: yes where it
        has one of the values. It is not read of those who left.
    stance : str or pathlib.Path
        Who is active since when.
    until : str, optional
        Last known month; December of the last year in the records without it.

    Returns
    -------
    Retention
        With ``selection``.

    Raises
    ------
    InputError
        If the file has no persons or not the column, a value is neither yes nor no, somebody was
        not followed from reception to the horizon, or no year of reception can be used.
    """
    name = str(path)
    frame, wanted = _frame(Path(path)), outcome.partition("=")[2]
    if "received" not in frame:
        raise InputError(
            "bounds need person records (column received); this is a life table",
            file=name,
            field="--outcome",
        )
    known = _yes_or_no(frame, outcome.partition("=")[0].strip(), wanted, name)
    people = _people(frame, known, read_adoption(stance), until, found.horizon, name)
    used = ~np.isin(people.status, STATUS[4:])
    if not used.any():
        raise InputError(
            f"nobody was received {found.horizon} months before the data's end",
            file=name,
            field="received",
        )
    span = int(people.cohort[used].min()), int(people.cohort[used].max())
    kept = found.life.released.parameters
    rules = Rules(**{k: kept[k] for k in ("k", "zeros", "small_group", "width")})
    blank = Selection(outcome, found.horizon, span, None, None)
    if not found.life.whole:
        told = replace(blank, held_back="numbers of the life table are hidden")
        return replace(found, selection=told)
    released = _released(people, rules)
    if released.n_suppressed:
        told = replace(blank, held_back="a group has small numbers")
        return replace(found, selection=told)
    exposed, codes = people.exposed[used], people.code[used]
    sides = [np.unique(codes[exposed == side]) for side in (True, False)]
    if min(len(s) for s in sides) < 2:
        told = replace(blank, held_back="a side has fewer than two municipalities")
        return replace(found, selection=told)
    status = people.status[used]
    full = lee_bounds(
        100.0 * (status == "yes"),
        np.isin(status, ("no", "yes")),
        exposed,
        cluster=codes,
        alpha=found.curves.alpha,
    )
    # a hash of persons could be tried out against guesses
    bounds = show_bounds(full, found.life.hash)
    check = _enough(len(sides[0]), len(sides[1]))
    told = replace(blank, released=released, bounds=bounds, checks=(check,))
    return replace(found, selection=told)


def _frame(path: Path) -> pd.DataFrame:
    if path.suffix.lower() in PARQUET:
        return read_parquet(path).reset_index(drop=True)
    return read_table(path).replace("", np.nan).reset_index(drop=True)


def _yes_or_no(frame: pd.DataFrame, column: str, wanted: str, file: str) -> np.ndarray:
    """Return 1, 0, or NaN where there is no value."""
    if column not in frame:
        raise InputError("the column is missing", file=file, field=column)
    values = frame[column]
    there = values.notna().to_numpy()
    text = values.astype("string").str.strip().str.lower().fillna("")
    out = np.full(len(frame), np.nan)
    if wanted:
        yes = [v.strip().lower() for v in wanted.split(",")]
        never = [v for v in yes if not (text == v).any()]
        if never:
            raise InputError(f"never has the value {never[0]!r}", file=file, field=column)
        out[there] = text.isin(yes).to_numpy(dtype=float)[there]
        return out
    yes_or_no = text.isin(YES | NO).to_numpy(dtype=bool)
    strange = there & ~yes_or_no
    if strange.any():
        row = int(strange.argmax())
        raise InputError(
            f"is neither yes nor no (1 or 0); {column}=VALUE,VALUE says what counts as yes",
            file=file,
            row=row + 2,
            field=column,
        )
    out[there] = text.isin(YES).to_numpy(dtype=float)[there]
    return out


def _people(
    frame: pd.DataFrame,
    outcome: np.ndarray,
    start: dict[str, int],
    until: str | None,
    horizon: int,
    file: str,
) -> _People:
    """Say of everybody whether they stayed to the horizon, and what is known of them."""
    months = {
        c: month_number(frame[c], field=c, file=file)
        for c in ("received", "moved", "observed_from", "observed_until")
        if c in frame
    }
    received, moved = months["received"], months["moved"]
    if until is not None:
        last = last_month(until)
    else:
        dates = [v for k, v in months.items() if k != "observed_from"]
        last = 12.0 * (max(float(np.nanmax(v)) for v in dates if not np.isnan(v).all()) // 12) + 11
    cohort = received // 12
    # whole years of reception, so that no part of a published cohort is told apart
    followed = 12 * cohort + 11 + horizon <= last
    with np.errstate(invalid="ignore"):
        left = np.maximum(moved - received, 1.0) <= horizon
        lost = followed & (months.get("observed_from", received) > received)
        lost |= (
            followed
            & ~left
            & (months.get("observed_until", received + horizon) < received + horizon)
        )
    if lost.any():
        raise InputError(
            f"was not followed from reception for {horizon} months; bounds need everybody to be",
            file=file,
            row=int(lost.argmax()) + 2,
            field="observed_until" if "observed_until" in frame else "observed_from",
        )
    status = np.where(left, "left", np.where(np.isnan(outcome), "no_value", ""))
    status = np.where(status != "", status, np.where(outcome == 1, "yes", "no"))
    status = np.where(followed, status, np.where(~np.isnan(moved), "later_left", "later_there"))
    codes = frame["received_code"].astype(str)
    first = codes.map(start).to_numpy(dtype=float, na_value=np.inf)
    return _People(received >= first, codes.to_numpy(dtype=str), cohort.astype(np.int64), status)


def _released(people: _People, rules: Rules) -> Released:
    """Pass the counts behind the bounds through disclosure control."""
    n = {
        (e, s): int(((people.exposed == (e == "1")) & (people.status == s)).sum())
        for e in ("0", "1")
        for s in STATUS
    }
    for total, parts in reversed(SUMS["status"].items()):
        n |= {(e, total): sum(n[e, p] for p in parts) for e in ("0", "1")}
    n |= {("all", s): n["0", s] + n["1", s] for s in (*STATUS, *SUMS["status"])}
    table = pd.DataFrame([(*k, v) for k, v in n.items()], columns=["exposed", "status", "n"])
    spec = Spec(by=("exposed", "status"), sums=SUMS, shares=("status",), rules=rules)
    return release(table, spec)


def _enough(treated: int, others: int) -> Check:
    return Check(
        "few_treated",
        min(treated, others) >= ENOUGH_UNITS,
        f"Gränsernas intervall vilar på {treated} aktiva kommuner mot {others}; under "
        f"{ENOUGH_UNITS} på någon sida håller det inte sin nivå.",
        f"The interval of the bounds rests on {treated} active municipalities against {others}; "
        f"with fewer than {ENOUGH_UNITS} on either side it does not keep its level.",
        float(min(treated, others)),
        float(ENOUGH_UNITS),
    )
