r"""The life table: who was at risk in each month since reception, and what happened to them.

Every estimator of this room reads nothing else, so that its time does not depend on how many
persons were counted. Month t is the interval :math:`(t-1, t]` since reception. A person who
comes under observation late is counted as ``entered`` in the first month observed; whoever is
lost to observation is ``censored`` in the last one, after the month's events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["KINDS", "Counts", "LifeTable", "life_table"]

KINDS: Final = ("within_county", "metropolitan", "elsewhere", "abroad", "death")
"""Ways to leave: to a kommun of the county, of a metropolis, elsewhere, abroad, by death."""
_FIXED: Final = ("month", "at_risk", "censored", "entered")


@dataclass(frozen=True)
class Counts:
    """A life table as arrays: G groups, T months, K kinds of event.

    Parameters
    ----------
    groups : pandas.DataFrame
        Shape (G, keys): what each group is.
    at_risk, censored, entered : numpy.ndarray
        Shape (G, T).
    events : numpy.ndarray
        Shape (G, T, K).
    """

    groups: pd.DataFrame = field(repr=False)
    at_risk: np.ndarray = field(repr=False)
    events: np.ndarray = field(repr=False)
    censored: np.ndarray = field(repr=False)
    entered: np.ndarray = field(repr=False)

    @property
    def all_events(self) -> np.ndarray:
        """Events of any kind, shape (G, T)."""
        return np.asarray(self.events.sum(axis=2))

    @property
    def labels(self) -> list[str]:
        """One name per group: its keys' values, or ``all`` where there are no keys."""
        if not self.groups.shape[1]:
            return ["all"]
        return [", ".join(map(str, row)) for row in self.groups.itertuples(index=False)]


@dataclass(frozen=True, repr=False)
class LifeTable:
    """Events by kind and numbers at risk per month since reception, by group.

    Made by :func:`life_table`, which checks it.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per group and month: the keys, ``month`` (1, 2, …), ``at_risk`` at its start,
        one column of events per kind, ``censored``, ``entered``.
    keys : tuple of str
        Columns that say who: ``municipality``, ``cohort``, ``sex``, ``exposed`` …
    kinds : tuple of str
        Columns of events.
    notes : tuple of str
        What a reader must know, those never at risk among it.
    """

    rows: pd.DataFrame = field(repr=False)
    keys: tuple[str, ...]
    kinds: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<LifeTable by {', '.join(self.keys) or 'nothing'}: {len(self.rows)} rows>"

    def tidy(self) -> pd.DataFrame:
        """Return one row per group and month."""
        return self.rows.copy()

    def _repr_html_(self) -> str:
        return self.rows.head(40).to_html(index=False, border=0)

    @property
    def months(self) -> int:
        """The last month in which somebody was at risk."""
        return int(self.rows["month"].max())

    @property
    def hash(self) -> str:
        """SHA-256 of the keys, the kinds and the counts."""
        h = hashlib.sha256(repr((self.keys, self.kinds)).encode())
        for name, column in self.rows.items():
            h.update(str(name).encode())
            if name in self.keys:
                h.update("\n".join(map(str, column)).encode())
            else:
                h.update(np.ascontiguousarray(column.to_numpy(dtype="<i8")).tobytes())
        return h.hexdigest()

    def need(self, *names: str) -> None:
        """Refuse keys that the table does not have.

        Raises
        ------
        InputError
            If a name is no key of the table.
        """
        for name in names:
            if name not in self.keys:
                known = ", ".join(self.keys) or "none"
                raise InputError(f"is no key of the life table; its keys are {known}", field=name)

    def select(self, **values: object) -> LifeTable:
        """Return the table of the groups with these values of the keys.

        Raises
        ------
        InputError
            If there is no such key, or nobody has the value.
        """
        self.need(*values)
        rows = self.rows
        for name, value in values.items():
            rows = rows[rows[name] == value]
            if rows.empty:
                raise InputError(f"nobody has the value {value!r}", field=name)
        return LifeTable(rows.reset_index(drop=True), self.keys, self.kinds, self.notes)

    def collapse(self, by: Sequence[str] = ()) -> LifeTable:
        """Return the table summed over every key that is not named.

        Raises
        ------
        InputError
            If a name is no key of the table.
        """
        self.need(*by)
        rows = (
            self.rows.drop(columns=[k for k in self.keys if k not in by])
            .groupby([*by, "month"], sort=True, observed=True)
            .sum()
            .reset_index()
        )
        return LifeTable(rows, tuple(by), self.kinds, self.notes)

    def with_key(self, name: str, values: pd.Series) -> LifeTable:
        """Return the table with another key, one value per row.

        Raises
        ------
        InputError
            If the name is taken.
        """
        if name in self.rows.columns:
            raise InputError("is a column of the life table already", field=name)
        rows = self.rows.copy()
        rows.insert(0, name, values.to_numpy())
        return LifeTable(rows, (name, *self.keys), self.kinds, self.notes)

    def counts(self, by: Sequence[str] = ()) -> Counts:
        """Return arrays by group and month, summed over the keys not named.

        Raises
        ------
        InputError
            If a name is no key of the table.
        """
        table = self.collapse(by).rows
        if by:
            which = table.groupby(list(by), sort=True, observed=True).ngroup().to_numpy()
            first = ~pd.Series(which).duplicated().to_numpy()
            groups = table.loc[first, list(by)].iloc[np.argsort(which[first])]
            groups = groups.reset_index(drop=True)
        else:
            which = np.zeros(len(table), dtype=np.int64)
            groups = pd.DataFrame(index=[0])
        shape = (len(groups), self.months)
        at = (which, table["month"].to_numpy() - 1)

        def spread(column: str) -> np.ndarray:
            out = np.zeros(shape, dtype=np.int64)
            out[at] = table[column].to_numpy()
            return out

        return Counts(
            groups,
            spread("at_risk"),
            np.stack([spread(k) for k in self.kinds], axis=2),
            spread("censored"),
            spread("entered"),
        )


def life_table(
    frame: pd.DataFrame,
    *,
    kinds: Sequence[str] = KINDS,
    notes: Sequence[str] = (),
    file: str | None = None,
) -> LifeTable:
    r"""Check the rows of a life table.

    In every group

    .. math:: Y_t = Y_{t-1} - d_{t-1} - c_{t-1} + e_t,

    with Y at risk at the start of month t, d events of any kind, c censored, e entered.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``month``, ``at_risk``, ``censored``, ``entered``, one column per kind, and any number
        of key columns: every other column is a key. A month without a row counts nobody. Rows
        that agree in all keys and the month are not allowed.
    kinds : sequence of str
        Columns of events; spaces in the names count as underscores.
    notes : sequence of str
        What a reader must know.
    file : str, optional
        Named in errors.

    Returns
    -------
    LifeTable
        Sorted by keys and month, without the empty months.

    Raises
    ------
    InputError
        If a column is missing, a count is no whole number or negative, events and censored
        exceed those at risk, those at risk do not follow from the month before, a month stands
        twice, or nobody was ever at risk.

    Examples
    --------
    >>> t = life_table(pd.DataFrame({"month": [1, 2], "at_risk": [10, 7], "moved": [2, 1],
    ...                              "censored": [1, 6], "entered": [10, 0]}), kinds=["moved"])
    >>> t.months, t.keys
    (2, ())
    """
    frame = frame.rename(columns=lambda c: str(c).strip().replace(" ", "_"))
    kinds = tuple(k.replace(" ", "_") for k in kinds)
    for name in (*_FIXED, *kinds):
        if name not in frame:
            what = "a column of events is missing" if name in kinds else "the column is missing"
            raise InputError(
                f"{what}; a life table has {', '.join((*_FIXED, *kinds))}", file=file, field=name
            )
    counted = [*_FIXED, *kinds]
    keys = tuple(c for c in frame.columns if c not in counted)
    whole = _whole_numbers(frame, counted, file)
    rows = pd.concat([frame[list(keys)], whole], axis=1)
    order = [*keys, "month"]
    for key in keys:
        if rows[key].isna().any():
            row = int(rows[key].isna().to_numpy().argmax()) + 2
            raise InputError("is empty; every group needs a value", file=file, row=row, field=key)
    if rows["month"].min() < 1:
        row = int((rows["month"] < 1).to_numpy().argmax()) + 2
        raise InputError("months count from 1", file=file, row=row, field="month")
    twice = rows.duplicated(order)
    if twice.any():
        row = int(twice.to_numpy().argmax()) + 2
        raise InputError(
            "the same group and month stands twice", file=file, row=row, field="month"
        )
    rows = rows.sort_values(order, kind="stable")
    _check_flow(rows, keys, kinds, file)
    rows = rows[rows["at_risk"] > 0].reset_index(drop=True)
    if rows.empty:
        raise InputError("nobody was ever at risk", file=file, field="at_risk")
    return LifeTable(rows, keys, kinds, tuple(notes))


def _whole_numbers(frame: pd.DataFrame, columns: Sequence[str], file: str | None) -> pd.DataFrame:
    out = {}
    for name in columns:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            bad = ~((values >= 0) & (values == np.floor(values)) & np.isfinite(values))
        if bad.any():
            row = int(bad.argmax())
            raise InputError(
                f"{frame[name].iloc[row]} is no whole number of at least 0",
                file=file,
                row=row + 2,
                field=name,
            )
        out[name] = values.astype(np.int64)
    return pd.DataFrame(out, index=frame.index)


def _check_flow(
    rows: pd.DataFrame, keys: Sequence[str], kinds: Sequence[str], file: str | None
) -> None:
    """Check that those at risk follow from the month before."""
    month, y, entered = (rows[c].to_numpy() for c in ("month", "at_risk", "entered"))
    gone = rows[list(kinds)].sum(axis=1).to_numpy() + rows["censored"].to_numpy()
    place = rows.index.to_numpy()

    def refuse(bad: np.ndarray, field: str, text: str, *values: np.ndarray) -> None:
        if bad.any():
            i = int(bad.argmax())
            said = text.format(*(int(v[i]) for v in (month, *values)))
            raise InputError(said, file=file, row=int(place[i]) + 2, field=field)

    refuse(
        gone > y, "at_risk", "month {}: {} at risk and {} who left or were censored", y, gone
    )
    left = y - gone
    if keys:
        group = rows.groupby(list(keys), sort=False, observed=True).ngroup().to_numpy()
    else:
        group = np.zeros(len(rows), dtype=np.int64)
    same = np.r_[False, group[1:] == group[:-1]]
    next_to = same & np.r_[False, np.diff(month) == 1]
    before = np.where(next_to, np.r_[0, left[:-1]], 0)
    refuse(
        y != before + entered,
        "at_risk",
        "month {}: {} at risk, but {} were left of the month before and {} entered",
        y,
        before,
        entered,
    )
    # whoever is left in the last month of a group, or before a gap, must have been censored
    last = ~np.r_[next_to[1:], False]
    refuse(
        last & (left > 0),
        "censored",
        "month {}: {} are left and in no later month; count them as censored",
        left,
    )
