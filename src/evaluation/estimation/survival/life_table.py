r"""The life table: who was at risk in each month since reception, and what happened to them.

Every estimator of this room reads nothing else, so that its time does not depend on how many
persons were counted. Month t is the interval :math:`(t-1, t]` since reception. A person who
comes under observation late is counted as ``entered`` in the first month observed; whoever is
lost to observation is ``censored`` in the last one, after the month's events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["KINDS", "Counts", "LifeTable", "key_names", "life_table", "ordered_groups"]

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


@dataclass(frozen=True, repr=False, eq=False)
class LifeTable:
    """Events by kind and numbers at risk per month since reception, by group.

    It shows its size only: its small counts are about persons. What may be seen of it is made by
    :func:`~evaluation.estimation.survival.released.release_life_table`.

    Made by :func:`life_table`, which checks it, or counted from spells. Rows are the months in
    which a group had somebody at risk, sorted by group and month.

    Parameters
    ----------
    groups : pandas.DataFrame
        Shape (G, keys): what each group is; sorted.
    group : numpy.ndarray
        Shape (rows,): position of the row's group.
    month : numpy.ndarray
        Shape (rows,): 1, 2, …
    numbers : numpy.ndarray
        Shape (rows, 3 + kinds): at risk at the month's start, events by kind, censored, entered.
    kinds : tuple of str
        Kinds of events.
    notes : tuple of str
        What a reader must know, those never at risk among it.
    from_persons : bool
        Whether it was counted from persons: it cannot be pickled then, and has no hash.
    """

    groups: pd.DataFrame = field(repr=False)
    group: np.ndarray = field(repr=False)
    month: np.ndarray = field(repr=False)
    numbers: np.ndarray = field(repr=False)
    kinds: tuple[str, ...]
    notes: tuple[str, ...] = ()
    from_persons: bool = False

    def __getstate__(self) -> dict[str, object]:
        if self.from_persons:
            raise TypeError(
                "a LifeTable counted from persons is not to be written to disk: "
                "release_life_table gives what may be"
            )
        return dict(self.__dict__)

    def __repr__(self) -> str:
        return f"<LifeTable by {', '.join(self.keys) or 'nothing'}: {len(self.month)} rows>"

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that say who: ``municipality``, ``cohort``, ``sex``, ``exposed`` and others."""
        return tuple(map(str, self.groups.columns))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of ``numbers``."""
        return ("at_risk", *self.kinds, "censored", "entered")

    def tidy(self) -> pd.DataFrame:
        """Return one row per group and month: the keys, ``month`` and the numbers."""
        rows = self.groups.iloc[self.group].reset_index(drop=True)
        rows["month"] = self.month
        return pd.concat([rows, pd.DataFrame(self.numbers, columns=list(self.columns))], axis=1)

    @property
    def months(self) -> int:
        """The last month in which somebody was at risk."""
        return int(self.month.max())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the keys, the kinds and the counts; empty where they are of persons.

        Small counts can be tried out until the hash fits, and results carry it with them.
        """
        if self.from_persons:
            return ""
        h = hashlib.sha256(repr((self.keys, self.kinds)).encode())
        for name in self.keys:
            h.update("\n".join(map(str, self.groups[name])).encode())
        for part in (self.group, self.month, self.numbers):
            h.update(np.ascontiguousarray(part, dtype="<i8").data)
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
        kept = np.ones(len(self.groups), dtype=bool)
        for name, value in values.items():
            kept &= (self.groups[name] == value).to_numpy()
            if not kept.any():
                raise InputError(f"nobody has the value {value!r}", field=name)
        return self.keep(kept)

    def keep(self, kept: np.ndarray) -> LifeTable:
        """Return the table of some groups only.

        Parameters
        ----------
        kept : numpy.ndarray
            Shape (G,), bool.

        Raises
        ------
        InputError
            If none is kept.
        """
        if not kept.any():
            raise InputError("no group of the life table is left", field="groups")
        rows = kept[self.group]
        return replace(
            self,
            groups=self.groups[kept].reset_index(drop=True),
            group=(np.cumsum(kept) - 1)[self.group[rows]],
            month=self.month[rows],
            numbers=self.numbers[rows],
        )

    def _joined(self, by: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the groups by these keys, and which of them each present group belongs to."""
        by = key_names(by)
        self.need(*by)
        if not by:
            return pd.DataFrame(index=[0]), np.zeros(len(self.groups), dtype=np.int64)
        return ordered_groups(self.groups[list(by)])

    def _dense(self, by: Sequence[str], until: int) -> tuple[pd.DataFrame, np.ndarray]:
        """Return groups and counts of shape (columns, G, T)."""
        groups, which = self._joined(by)
        shape = (len(groups), until)
        kept = self.month <= until
        cell = which[self.group[kept]] * until + self.month[kept] - 1
        size = shape[0] * shape[1]
        dense = np.stack(
            [
                np.bincount(cell, weights=column, minlength=size).reshape(shape)
                for column in self.numbers[kept].T
            ]
        )
        return groups, np.rint(dense).astype(np.int64)

    def collapse(self, by: Sequence[str] = (), *, until: int | None = None) -> LifeTable:
        """Return the table summed over every key that is not named, to a last month.

        Raises
        ------
        InputError
            If a name is no key of the table, or ``until`` is no month.
        """
        last = self._last(until)
        groups, dense = self._dense(by, last)
        g, t = np.nonzero(dense[0])
        numbers = np.ascontiguousarray(dense[:, g, t].T)
        return LifeTable(groups, g, t + 1, numbers, self.kinds, self.notes, self.from_persons)

    def _last(self, until: int | None) -> int:
        if until is None:
            return self.months
        if until < 1:
            raise InputError(f"{until} must be a month, from 1", field="until")
        return min(until, self.months)

    def with_key(self, name: str, values: np.ndarray) -> LifeTable:
        """Return the table with another key, one value per group.

        Raises
        ------
        InputError
            If the name is taken.
        """
        if name in (*self.keys, "month", *self.columns):
            raise InputError("is a column of the life table already", field=name)
        return replace(self, groups=self.groups.assign(**{name: values}))

    def counts(self, by: Sequence[str] = ()) -> Counts:
        """Return arrays by group and month, summed over the keys not named.

        Raises
        ------
        InputError
            If a name is no key of the table.
        """
        groups, dense = self._dense(by, self.months)
        return Counts(groups, dense[0], np.moveaxis(dense[1:-2], 0, 2), dense[-2], dense[-1])


def key_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of keys; one string is one name.

    Examples
    --------
    >>> key_names("sex"), key_names(["sex", "cohort"])
    (('sex',), ('sex', 'cohort'))
    """
    return (names,) if isinstance(names, str) else tuple(names)


def ordered_groups(keys: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the distinct rows, sorted, and the position of each row among them.

    Parameters
    ----------
    keys : pandas.DataFrame
        Shape (rows, keys), at least one key, nothing missing.
    """
    if not keys.shape[1]:
        return pd.DataFrame(index=[0]), np.zeros(len(keys), dtype=np.int64)
    code = np.zeros(len(keys), dtype=np.int64)
    for name in keys.columns:
        own, values = pd.factorize(keys[name], sort=True)
        code = code * len(values) + own
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return keys.iloc[first].reset_index(drop=True), np.asarray(which, dtype=np.int64)


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
        raise InputError("the same group and month stands twice", file=file, row=row, field="month")
    rows = rows.sort_values(order, kind="stable")
    _check_flow(rows, keys, kinds, file)
    rows = rows[rows["at_risk"] > 0]
    if rows.empty:
        raise InputError("nobody was ever at risk", file=file, field="at_risk")
    groups, which = ordered_groups(rows[list(keys)])
    numbers = rows[["at_risk", *kinds, "censored", "entered"]].to_numpy()
    return LifeTable(groups, which, rows["month"].to_numpy(), numbers, kinds, tuple(notes))


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

    refuse(gone > y, "at_risk", "month {}: {} at risk and {} who left or were censored", y, gone)
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
