r"""Life tables as they may leave, and the curves that anyone can work out from them.

A life table by month has small counts almost everywhere. It leaves in steps of several months,
protected jointly over its groups, its kinds and its flow; the curves are computed from what was
released and from nothing else, so that no number of theirs says more than the table does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Flow, FromPersons, Released, Rules, Spec, cleared
from evaluation.errors import InputError
from evaluation.estimation.survival.curves import Curves, RestrictedMean, mean_result
from evaluation.estimation.survival.formulas import (
    critical_value,
    incidence,
    mean_months,
    survival,
)
from evaluation.estimation.survival.life_table import LifeTable, key_names

__all__ = ["TOTAL", "ReleasedLifeTable", "coarse_cells", "release_life_table", "step_of"]

TOTAL: Final = "all"
"""The group of everybody."""
WIDTHS: Final = (1, 3, 6, 12)
"""Months of a step that are tried, the finest first."""
_FLOW = ("before", "entered", "left", "censored")


def _steps(
    table: LifeTable, by: Sequence[str], horizon: int, width: int
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return the groups' names and the counts by step, each of shape (groups, steps)."""
    seen = table.collapse(by, until=horizon)
    counts = seen.counts(by)
    n = len(counts.labels)
    pad = horizon - counts.at_risk.shape[1]

    def summed(a: np.ndarray) -> np.ndarray:
        full = np.pad(a, ((0, 0), (0, pad)))
        return np.asarray(full.reshape(n, horizon // width, width).sum(axis=2))

    entered, left, censored = map(summed, (counts.entered, counts.all_events, counts.censored))
    # whoever was left of the steps before: nobody at first
    flow = np.cumsum(entered - left - censored, axis=1)
    before = np.concatenate([np.zeros((n, 1), dtype=np.int64), flow[:, :-1]], axis=1)
    out = {
        "before": before,
        "entered": entered,
        "left": left,
        "censored": censored,
    }
    for k, kind in enumerate(table.kinds):
        out[kind] = summed(counts.events[:, :, k])
    return list(counts.labels), out


def step_of(table: LifeTable, by: Sequence[str], horizon: int, rules: Rules) -> int:
    """Return how many months a step has: the fewest with which no count is small.

    Steps of 1, 3, 6 and 12 months that divide the horizon are tried. Where all have small
    counts it is the longest of them, and the small counts are hidden. Groups of fewer than
    ``rules.k`` persons, which are hidden whatever the step, are not asked.

    Parameters
    ----------
    table : LifeTable
        The counts by month.
    by : sequence of str
        Keys of the groups.
    horizon : int
        Months.
    rules : Rules
        What is small.

    Returns
    -------
    int
        Months.
    """
    possible = [w for w in WIDTHS if horizon % w == 0]
    for width in possible:
        _, counts = _steps(table, by, horizon, width)
        asked = counts["entered"].sum(axis=1) >= rules.k
        small = any(((a[asked] > 0) & (a[asked] < rules.k)).any() for a in counts.values())
        if not small:
            return width
    return possible[-1]


def coarse_cells(
    table: LifeTable, by: Sequence[str], horizon: int, width: int, rules: Rules
) -> FromPersons:
    r"""Count a life table into steps, with its totals and the sums that tie its cells.

    In every step ``before`` were under observation already and ``entered`` came, together those
    at risk; ``left`` left, by kind, and ``censored`` were lost to observation:

    .. math:: b_{p+1} = b_p + e_p - l_p - c_p .

    Parameters
    ----------
    table : LifeTable
        The counts by month.
    by : sequence of str
        Keys of the groups.
    horizon, width : int
        Months, and months of a step; the step must divide the horizon.
    rules : Rules
        The thresholds.

    Returns
    -------
    FromPersons
        ``group``, ``step`` (from 1), ``measure``, ``n``; not released.

    Raises
    ------
    InputError
        If the step does not divide the horizon, a key is not there, or a group is called as
        the total is.
    """
    if width < 1 or horizon % width:
        raise InputError(f"steps of {width} months do not divide {horizon} months", field="step")
    by = key_names(by)
    labels, counts = _steps(table, by, horizon, width)
    sums: dict[str, dict[str, list[str]]] = {"measure": {"left": list(table.kinds)}}
    if by:
        if TOTAL in labels:
            raise InputError(f"a group is called {TOTAL!r}, which is the total", field=by[0])
        counts = {m: np.vstack([a, a.sum(axis=0)]) for m, a in counts.items()}
        sums["group"] = {TOTAL: labels}
        labels = [*labels, TOTAL]
    steps = horizon // width
    rows = pd.DataFrame(
        {
            "group": np.tile(np.repeat(labels, steps), len(counts)),
            "step": np.tile(np.arange(1, steps + 1), len(counts) * len(labels)),
            "measure": np.repeat(list(counts), len(labels) * steps),
            "n": np.concatenate([a.ravel() for a in counts.values()]),
        }
    )
    flow = Flow(
        time="step",
        measure="measure",
        at_risk="before",
        leaving=("left", "censored"),
        entering=("entered",),
    )
    spec = Spec(by=("group", "step", "measure"), sums=sums, flow=flow, rules=rules)
    return FromPersons(rows, spec)


@dataclass(frozen=True, repr=False)
class ReleasedLifeTable:
    """A life table that went through disclosure control, and its curves.

    Parameters
    ----------
    released : Released
        ``group``, ``step``, ``measure``, ``n``, missing where hidden.
    by, groups, kinds : tuple of str
        Keys, the groups in order (without the total), the kinds of leaving.
    width, horizon : int
        Months of a step, months in all.

    Raises
    ------
    InputError
        If what is given has not been released.
    """

    released: Released
    by: tuple[str, ...]
    groups: tuple[str, ...]
    kinds: tuple[str, ...]
    width: int
    horizon: int

    def __post_init__(self) -> None:
        cleared(self.released)

    def __repr__(self) -> str:
        r = self.released
        return (
            f"<ReleasedLifeTable by {', '.join(self.by) or 'nothing'}: {r.n_cells} cells,"
            f" {r.n_suppressed} hidden, steps of {self.width} months>"
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what was released; one of the counts themselves could be tried out."""
        text = cleared(self.released).to_csv(index=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _counts(self) -> dict[str, np.ndarray]:
        """Published counts by measure, shape (groups, steps), NaN where hidden."""
        table = cleared(self.released)
        wide = table.pivot(index=["measure", "group"], columns="step", values="n")
        wide = wide.astype("Float64")
        out = {
            m: wide.loc[[(m, g) for g in self.groups]].to_numpy(dtype=float, na_value=np.nan)
            for m in (*_FLOW, *self.kinds)
        }
        return out | {"at_risk": out["before"] + out["entered"]}

    def counts(self, measure: str) -> np.ndarray:
        """Return a measure's published counts, shape (groups, steps), NaN where hidden."""
        return self._counts[measure].copy()

    def shown(self, *measures: str) -> np.ndarray:
        """Say of which groups every step of these measures is published, shape (groups,)."""
        parts = np.stack([~np.isnan(self._counts[m]).any(axis=1) for m in measures])
        return np.asarray(parts.all(axis=0))

    @property
    def whole(self) -> bool:
        """Whether every number at risk, leaving and lost is published, by group."""
        return bool(self.shown(*_FLOW).all())

    def total(self, measure: str) -> int | None:
        """Return the sum over groups and steps; None where a part is hidden."""
        n = self._counts[measure]
        return None if np.isnan(n).any() else int(n.sum())

    def by_group(self, measure: str) -> tuple[int | None, ...]:
        """Return the sum over steps of each group; None where a part is hidden."""
        n = self._counts[measure]
        return tuple(None if np.isnan(row).any() else int(row.sum()) for row in n)

    def left_after(self) -> list[int | None]:
        """Return who is still under observation after the last step, None where hidden."""
        c = self._counts
        end = c["at_risk"][:, -1] - c["left"][:, -1] - c["censored"][:, -1]
        return [None if np.isnan(v) else int(v) for v in end]

    def exposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the actuarial numbers at risk, and which steps can be estimated.

        Returns
        -------
        at_risk : numpy.ndarray
            Shape (groups, steps): the censored and those who came late count for the part of the
            step in which they were seen (:meth:`staying`).
        there : numpy.ndarray
            Shape (groups, steps), bool: no number is hidden up to then, and somebody is at risk.
        """
        c, w = self._counts, self.width
        late = c["entered"].copy()
        late[:, 0] = 0.0
        # in a step of w months the censored were seen for (w + 1)/2 of them, those who came too
        y = c["at_risk"] - (c["censored"] + late) * (w - 1) / (2 * w)
        known = ~np.isnan(y) & ~np.isnan(c["left"])
        y, left = np.where(known, y, 0.0), np.where(known, c["left"], 0.0)
        return np.maximum(y, left), np.logical_and.accumulate(known & (y > 0), axis=1)

    def _rows(
        self, there: np.ndarray, events: np.ndarray, columns: dict[str, np.ndarray]
    ) -> pd.DataFrame:
        g, p = np.nonzero(there)
        rows = {
            "group": np.array(self.groups, dtype=object)[g],
            "month": (p + 1) * self.width,
            "at_risk": self._counts["at_risk"][g, p].astype(np.int64),
            "events": events[g, p].astype(np.int64),
        }
        return pd.DataFrame(rows | {k: v[g, p] for k, v in columns.items()})

    def _method(self, fine: str) -> str:
        if self.width == 1:
            return fine
        return f"{fine}, actuarial in steps of {self.width} months"

    def staying(self, alpha: float = 0.05) -> Curves:
        r"""Return the share still in the kommun at the end of each step.

        With steps of w > 1 months, as many as :math:`c_p` censored and :math:`e_p` who came
        late are counted for the part of the step in which they were seen (Cutler & Ederer
        1958, here with whole months):

        .. math:: Y'_p = Y_p - (c_p + e_p) \frac{w - 1}{2 w}, \qquad
                  \hat S_p = \prod_{q \le p} (1 - d_q / Y'_q).

        Parameters
        ----------
        alpha : float
            One minus the level.

        Returns
        -------
        Curves
            A group's curve ends before the first step of which a number is hidden.
        """
        z = critical_value(alpha)
        y, there = self.exposed()
        left = np.nan_to_num(self._counts["left"])
        columns = survival(y, left, there, z)
        return Curves(
            table=self._rows(there, left, columns),
            by=self.by,
            groups=self.groups,
            method=self._method("Kaplan–Meier"),
            inference="Greenwood, log-log interval; persons independent",
            estimand="share still in the kommun",
            persons=self.by_group("entered"),
            alpha=alpha,
            data_hash=self.hash,
        )

    def leaving(self, alpha: float = 0.05) -> Curves:
        """Return the share that has left by kind at the end of each step.

        Parameters
        ----------
        alpha : float
            One minus the level.

        Returns
        -------
        Curves
            As :meth:`staying`; a kind's curve ends before its first hidden count, too.
        """
        z = critical_value(alpha)
        y, there = self.exposed()
        left = np.nan_to_num(self._counts["left"])
        blocks = []
        for kind in self.kinds:
            own = self._counts[kind]
            seen = np.logical_and.accumulate(there & ~np.isnan(own), axis=1)
            columns = incidence(y, left, np.nan_to_num(own), seen, z)
            block = self._rows(seen, np.nan_to_num(own), columns)
            block.insert(1, "kind", kind)
            blocks.append(block)
        return Curves(
            table=pd.concat(blocks, ignore_index=True),
            by=self.by,
            groups=self.groups,
            method=self._method("Aalen–Johansen"),
            inference="delta method, log-log interval; persons independent",
            estimand="share that has left, by kind",
            persons=self.by_group("entered"),
            alpha=alpha,
            data_hash=self.hash,
        )

    def mean(self, alpha: float = 0.05) -> RestrictedMean:
        """Return the mean months in the kommun of the groups whose curve reaches the horizon.

        Parameters
        ----------
        alpha : float
            One minus the level.

        Returns
        -------
        RestrictedMean
            Those who leave in a step stay half of it; see
            :func:`~evaluation.estimation.survival.formulas.mean_months`.
        """
        z = critical_value(alpha)
        y, there = self.exposed()
        whole = np.asarray(there.all(axis=1))
        left = np.nan_to_num(self._counts["left"])
        mean, error = mean_months(y[whole], left[whole], there[whole], self.width)
        labels = [g for g, w in zip(self.groups, whole.tolist(), strict=True) if w]
        method = "area under " + self._method("Kaplan–Meier")
        return mean_result(labels, mean, error, self.horizon, z, alpha, method, self.hash)


def release_life_table(
    table: LifeTable,
    by: Sequence[str] = (),
    *,
    horizon: int = 36,
    width: int | None = None,
    rules: Rules | None = None,
) -> ReleasedLifeTable:
    """Release a life table: in steps of several months, small counts hidden, attacked.

    Parameters
    ----------
    table : LifeTable
        The counts by month.
    by : sequence of str
        Keys of the groups; everybody together without it.
    horizon : int
        Months.
    width : int, optional
        Months of a step; by :func:`step_of` without it.
    rules : Rules, optional
        Thresholds; counts of 1 to 4 are hidden without them.

    Returns
    -------
    ReleasedLifeTable
        With its curves.

    Raises
    ------
    InputError
        If it cannot be protected, or as :func:`coarse_cells`.

    Examples
    --------
    >>> from evaluation.estimation.survival.life_table import life_table
    >>> t = life_table(pd.DataFrame({"month": [1, 2], "at_risk": [90, 70], "moved": [20, 10],
    ...                              "censored": [0, 60], "entered": [90, 0]}), kinds=["moved"])
    >>> r = release_life_table(t, horizon=2)
    >>> r
    <ReleasedLifeTable by nothing: 10 cells, 0 hidden, steps of 1 months>
    >>> r.staying().table["estimate"].round(4).tolist()
    [0.7778, 0.6667]
    """
    by, rules = key_names(by), Rules() if rules is None else rules
    if width is None:
        width = step_of(table, by, horizon, rules)
    cells = coarse_cells(table, by, horizon, width, rules)
    groups = tuple(g for g in cells.table["group"].unique() if not by or g != TOTAL)
    return ReleasedLifeTable(cells.release(), tuple(by), groups, tuple(table.kinds), width, horizon)
