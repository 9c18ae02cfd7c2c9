"""From one row per person to the life table."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.survival.life_table import KINDS, LifeTable, key_names, ordered_groups

__all__ = ["count_spells", "last_month", "life_table_from_persons", "month_number"]

Exposure = Literal["at reception", "over time"]


def month_number(dates: pd.Series, *, field: str, file: str | None = None) -> np.ndarray:
    """Return months counted from January of year 0, NaN where there is no date.

    Raises
    ------
    InputError
        If a value is neither empty nor a date; dates of persons are not repeated in the message.

    Examples
    --------
    >>> month_number(pd.Series(["2015-03-01", None]), field="received").tolist()
    [24182.0, nan]
    """
    known = pd.to_datetime(dates, errors="coerce", format="ISO8601")
    bad = (known.isna() & dates.notna()).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise InputError(
            "is no date such as 2016-05-01",
            file=file,
            row=row + 2,
            field=field,
        )
    return np.asarray(12.0 * known.dt.year + known.dt.month - 1, dtype=float)


def last_month(until: str) -> float:
    """Return the last known month, counted from January of year 0.

    Raises
    ------
    InputError
        If it is no month: a year alone would be taken for its January.

    Examples
    --------
    >>> last_month("2025-12")
    24311.0
    """
    try:
        found = datetime.date.fromisoformat(f"{until}-01" if len(until) == 7 else until)
    except ValueError:
        raise InputError(f"{until!r} is not a month such as 2025-12", field="until") from None
    return 12.0 * found.year + found.month - 1


def count_spells(
    keys: pd.DataFrame,
    entry: np.ndarray,
    end: np.ndarray,
    kind: np.ndarray,
    *,
    kinds: Sequence[str] = KINDS,
    notes: Sequence[str] = (),
) -> LifeTable:
    """Count spells into a life table.

    Parameters
    ----------
    keys : pandas.DataFrame
        Shape (spells, keys): the group of each spell.
    entry : numpy.ndarray
        Shape (spells,): months since reception at which it comes under observation.
    end : numpy.ndarray
        Shape (spells,): the month of the event, or the last month observed.
    kind : numpy.ndarray
        Shape (spells,): position in ``kinds``, −1 for censored.
    kinds : sequence of str
        Kinds of event.
    notes : sequence of str
        Carried on.

    Returns
    -------
    LifeTable
        Marked ``from_persons``. Spells with ``end <= entry`` were never at risk; they are left
        out and counted in a note.

    Raises
    ------
    InputError
        If a month is negative or a kind unknown.

    Examples
    --------
    >>> t = count_spells(pd.DataFrame({"sex": ["K", "K"]}), np.array([0, 1]), np.array([2, 3]),
    ...                  np.array([0, -1]), kinds=["moved"])
    >>> t.tidy()[["month", "at_risk", "moved", "censored", "entered"]].values.tolist()
    [[1, 1, 0, 0, 1], [2, 2, 1, 0, 1], [3, 1, 0, 1, 0]]
    """
    names = tuple(k.replace(" ", "_") for k in kinds)
    for name, values in (("entry", entry), ("end", end)):
        if (values < 0).any():
            row = int((values < 0).argmax())
            raise InputError(
                f"{int(values[row])} months since reception; a month must not be negative",
                row=row + 2,
                field=name,
            )
    if ((kind < -1) | (kind >= len(names))).any():
        raise InputError(f"must be −1 (censored) to {len(names) - 1}", field="kind")
    there = end > entry
    lost = int((~there).sum())
    if not there.any():
        raise InputError("nobody was ever at risk: every spell ends where it begins", field="end")
    keys, kind = keys[there], kind[there]
    entry, end = entry[there].astype(np.int64), end[there].astype(np.int64)
    groups, which = ordered_groups(keys)
    shape = (len(groups), int(end.max()))

    def count(who: np.ndarray, month: np.ndarray) -> np.ndarray:
        flat = which[who] * shape[1] + month[who] - 1
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)

    everyone = np.ones(len(end), dtype=bool)
    entered = count(everyone, entry + 1)
    events = [count(kind == k, end) for k in range(len(names))]
    censored = count(kind < 0, end)
    gone = censored + sum(events)
    at_risk = entered.cumsum(axis=1) - gone.cumsum(axis=1) + gone
    g, t = np.nonzero(at_risk)
    numbers = np.column_stack([a[g, t] for a in (at_risk, *events, censored, entered)])
    said = [*notes]
    if lost:
        said.append(f"{lost} spells end where they begin and were never at risk")
    return LifeTable(groups, g, t + 1, numbers, names, tuple(said), from_persons=True)


def _kind(moved: np.ndarray, move: pd.Series, file: str | None) -> np.ndarray:
    names = move.astype("string").str.strip().str.replace(" ", "_")
    position = pd.Index(KINDS).get_indexer(pd.Index(names))
    strange = (position < 0) & ~np.isnan(moved)
    if strange.any():
        row = int(strange.argmax())
        raise InputError(
            f"is none of {', '.join(KINDS)}",
            file=file,
            row=row + 2,
            field="move",
        )
    return np.asarray(position, dtype=np.int64)


def life_table_from_persons(
    persons: pd.DataFrame,
    *,
    until: str,
    by: Sequence[str] = ("municipality", "cohort", "sex"),
    adoption: Mapping[str, int] | None = None,
    exposure: Exposure = "at reception",
    file: str | None = None,
) -> LifeTable:
    """Count person records into a life table.

    Parameters
    ----------
    persons : pandas.DataFrame
        One row per person: ``received_code``, ``received`` (date), ``moved`` (date or empty),
        ``move`` (a kind), and what ``by`` names. Optional ``observed_from`` (delayed entry) and
        ``observed_until`` (censored earlier than the data's end).
    until : str
        Last month that is known, such as ``"2025-12"``.
    by : sequence of str
        ``municipality`` (of reception), ``cohort`` (year of reception), ``exposed``, or a column.
    adoption : mapping of str to int, optional
        For ``exposed``: first active month by municipality, counted from January of year 0
        (12 · year + month − 1); municipalities without an entry are never active.
    exposure : {"at reception", "over time"}
        ``exposed`` is 1 for whoever was received in or after that month; ``over time`` also for
        the later months of those received before it, who leave the unexposed rows as censored
        and enter the exposed ones.
    file : str, optional
        Named in errors.

    Returns
    -------
    LifeTable
        A move in the month of reception counts in month 1. Events come before censoring. It is
        marked ``from_persons``.

    Raises
    ------
    InputError
        If a column is missing, a date is none, somebody moved before reception or after the
        data's end, a kind is unknown, or ``exposed`` is asked for without ``adoption``.
    """
    by = key_names(by)
    for name in ("received", "moved", "move"):
        if name not in persons:
            raise InputError("the column is missing", file=file, field=name)
    persons = persons.reset_index(drop=True)
    last = last_month(until)
    received = month_number(persons["received"], field="received", file=file)
    moved = month_number(persons["moved"], field="moved", file=file)
    begins = _optional(persons, "observed_from", received, file)
    ends = np.minimum(_optional(persons, "observed_until", np.full(len(moved), last), file), last)
    for bad, name, text in (
        (np.isnan(received), "received", "is empty; everybody needs a month of reception"),
        (moved < received, "moved", "lies before reception"),
        (moved > last, "moved", f"lies after the data's end, {until}"),
        (begins < received, "observed_from", "lies before reception"),
    ):
        if bad.any():
            raise InputError(text, file=file, row=int(bad.argmax()) + 2, field=name)
    kind = _kind(moved, persons["move"], file)
    stay = np.maximum(moved - received, 1.0)
    censor = np.maximum(ends - received, 0.0)
    happens = ~np.isnan(moved) & (stay <= censor)
    end = np.where(happens, stay, censor)
    entry = begins - received
    kind = np.where(happens, kind, -1)
    keys = _keys(persons, received, [k for k in by if k != "exposed"], file)
    if "exposed" not in by:
        return count_spells(keys, entry, end, kind)
    if adoption is None:
        raise InputError("exposure needs the municipalities' first active months", field="adoption")
    codes = _column(persons, "received_code", file).astype(str)
    start = codes.map(dict(adoption)).to_numpy(dtype=float, na_value=np.nan)
    start = np.where(np.isnan(start), np.inf, start)
    # the last month since reception that began before the municipality was active
    switch = np.maximum(start - received, 0.0)
    if exposure == "at reception":
        keys["exposed"] = (switch == 0).astype(np.int64)
        return count_spells(keys, entry, end, kind)
    if exposure != "over time":
        raise InputError(f"{exposure!r} is none of at reception, over time", field="exposure")
    before = entry < switch
    after = end > switch
    late = np.where(before, switch, entry)[after]
    pieces = pd.concat([keys[before].assign(exposed=0), keys[after].assign(exposed=1)])
    never = int((~before & ~after).sum())
    table = count_spells(
        pieces,
        np.r_[entry[before], late],
        np.r_[np.minimum(end, switch)[before], end[after]],
        np.r_[np.where(after, -1, kind)[before], kind[after]],
    )
    return table if not never else _with_note(table, f"{never} were never at risk")


def _with_note(table: LifeTable, note: str) -> LifeTable:
    return replace(table, notes=(*table.notes, note))


def _optional(
    persons: pd.DataFrame, name: str, default: np.ndarray, file: str | None
) -> np.ndarray:
    if name not in persons:
        return default
    months = month_number(persons[name], field=name, file=file)
    return np.where(np.isnan(months), default, months)


def _column(persons: pd.DataFrame, name: str, file: str | None) -> pd.Series:
    if name not in persons:
        raise InputError("the column is missing", file=file, field=name)
    column = persons[name]
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax()) + 2
        raise InputError("is empty", file=file, row=row, field=name)
    return column


def _keys(
    persons: pd.DataFrame, received: np.ndarray, by: Sequence[str], file: str | None
) -> pd.DataFrame:
    out = pd.DataFrame(index=persons.index)
    for name in by:
        if name == "cohort":
            out[name] = (received // 12).astype(np.int64)
        else:
            source = "received_code" if name == "municipality" else name
            out[name] = _column(persons, source, file)
    return out
