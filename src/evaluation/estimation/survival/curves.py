r"""Kaplan–Meier, cumulative incidence and restricted mean time, from a life table.

With Y at risk at the start of month t, d events of any kind and :math:`d^k` of kind k:

.. math::
    \hat S(t) = \prod_{s \le t}\Bigl(1 - \frac{d_s}{Y_s}\Bigr), \qquad
    \hat F_k(t) = \sum_{s \le t} \hat S(s-1)\frac{d^k_s}{Y_s}.

Persons are taken as independent. Those received by one kommun are alike, so the intervals of a
comparison between kommuner are too short; models with clustered errors and permutation are
elsewhere in this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.survival.formulas import (
    critical_value,
    incidence,
    mean_months,
    survival,
)
from evaluation.estimation.survival.life_table import Counts, LifeTable, key_names

__all__ = [
    "Curves",
    "RestrictedMean",
    "cumulative_incidence",
    "kaplan_meier",
    "mean_result",
    "restricted_mean",
]

KM = "Kaplan–Meier"
AJ = "Aalen–Johansen"


@dataclass(frozen=True, repr=False)
class Curves:
    """Survival or cumulative incidence by month and group.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group``, for cumulative incidence ``kind``, ``month``, ``at_risk``, ``events``,
        ``estimate`` (share), ``std_error``, ``conf_low``, ``conf_high``. Month 0 is not listed.
    by, groups : tuple of str
        The keys and the groups, in order.
    method, inference, estimand : str
        The estimator, its intervals, what the number is.
    persons : tuple of int
        How many ever came under observation, by group; None where that is hidden.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of the life table.
    notes : tuple of str
        What a reader must know.
    """

    table: pd.DataFrame = field(repr=False)
    by: tuple[str, ...]
    groups: tuple[str, ...]
    method: str
    inference: str
    estimand: str
    persons: tuple[int | None, ...]
    alpha: float = 0.05
    data_hash: str = ""
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per group, kind and month."""
        return self.table.copy()

    def at(self, month: int) -> pd.DataFrame:
        """Return the rows of one month, counted from 1.

        Raises
        ------
        InputError
            If nobody was observed that long in any group.
        """
        rows = self.table[self.table["month"] == month]
        if rows.empty:
            raise InputError(
                f"nobody was at risk in month {month}; the last is {self.table['month'].max()}",
                field="month",
            )
        return rows.reset_index(drop=True)

    def __repr__(self) -> str:
        return f"<Curves {self.method}, {len(self.groups)} groups>"

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


def _factors(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Return the months of each group that can be estimated, and those at risk.

    A curve ends with the first month in which nobody is at risk.
    """
    y = counts.at_risk.astype(float)
    return np.logical_and.accumulate(y > 0, axis=1), y


def _late(counts: Counts) -> tuple[str, ...]:
    """Name the groups in which a month without anybody at risk comes before the last."""
    y = counts.at_risk > 0
    first_gap = np.where(y.all(axis=1), y.shape[1], (~y).argmax(axis=1))
    last = y.shape[1] - y[:, ::-1].argmax(axis=1)
    return tuple(
        f"{label}: nobody at risk in month {gap + 1}; the curve ends before it"
        for label, gap, end in zip(counts.labels, first_gap, last, strict=True)
        if gap < end
    )


def _rows(
    counts: Counts, there: np.ndarray, events: np.ndarray, columns: dict[str, np.ndarray]
) -> pd.DataFrame:
    g, t = np.nonzero(there)
    names = np.array(counts.labels, dtype=object)
    table = pd.DataFrame(
        {
            "group": names[g],
            "month": t + 1,
            "at_risk": counts.at_risk[g, t],
            "events": events[g, t],
        }
    )
    for name, values in columns.items():
        table[name] = values[g, t]
    return table


def kaplan_meier(table: LifeTable, by: Sequence[str] = (), *, alpha: float = 0.05) -> Curves:
    r"""Estimate the share still in the kommun by month (Kaplan & Meier 1958).

    The error is Greenwood's, the interval is on the scale of :math:`\log(-\log S)`:

    .. math::
        \hat V = \hat S^2 \sum_{s \le t} \frac{d_s}{Y_s (Y_s - d_s)}, \qquad
        \hat S^{\exp(\pm z \sqrt{\hat V} / (\hat S \log \hat S))}.

    Parameters
    ----------
    table : LifeTable
        The counts.
    by : sequence of str
        Keys of the groups; everybody together without it.
    alpha : float
        One minus the level.

    Returns
    -------
    Curves
        Where nobody has left yet (S = 1) and where nobody remains (S = 0) the transformation
        gives no interval: it is 1 to 1 and 0 to 0, which is no statement of certainty.

    Raises
    ------
    InputError
        If a key is not there or ``alpha`` not between 0 and 1.

    References
    ----------
    Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, 1.4.

    Examples
    --------
    >>> from evaluation.estimation.survival.life_table import life_table
    >>> t = life_table(pd.DataFrame({"month": [1, 2], "at_risk": [10, 7], "moved": [2, 1],
    ...                              "censored": [1, 6], "entered": [10, 0]}), kinds=["moved"])
    >>> kaplan_meier(t).table["estimate"].round(4).tolist()
    [0.8, 0.6857]
    """
    z = critical_value(alpha)
    counts = table.counts(by)
    there, y = _factors(counts)
    d = counts.all_events
    columns = survival(y, d, there, z)
    return Curves(
        table=_rows(counts, there, d, columns),
        by=key_names(by),
        groups=tuple(counts.labels),
        method=KM,
        inference="Greenwood, log-log interval; persons independent",
        estimand="share still in the kommun",
        persons=tuple(int(n) for n in counts.entered.sum(axis=1)),
        alpha=alpha,
        data_hash=table.hash,
        notes=(*table.notes, *_late(counts)),
    )


def cumulative_incidence(
    table: LifeTable, by: Sequence[str] = (), *, alpha: float = 0.05
) -> Curves:
    r"""Estimate the share that has left by kind, the kinds competing (Aalen & Johansen 1978).

    The variance is the delta method's (Dinse & Larson 1986; Marubini & Valsecchi 1995, 10.1):

    .. math::
        \hat V = \sum_s (F_k(t) - F_k(s))^2 \frac{d_s}{Y_s(Y_s - d_s)}
        + \sum_s S(s-1)^2 \frac{(Y_s - d^k_s) d^k_s}{Y_s^3}
        - 2 \sum_s (F_k(t) - F_k(s)) S(s-1) \frac{d^k_s}{Y_s^2},

    the interval on the scale of :math:`\log(-\log(1 - F_k))`.

    Parameters
    ----------
    table : LifeTable
        The counts.
    by : sequence of str
        Keys of the groups.
    alpha : float
        One minus the level.

    Returns
    -------
    Curves
        One block per group and kind; the kinds and the share still there add up to 1. Without
        events of the kind yet, the interval is 0 to 0.

    Raises
    ------
    InputError
        As :func:`kaplan_meier`.
    """
    z = critical_value(alpha)
    counts = table.counts(by)
    there, y = _factors(counts)
    blocks = []
    for k, kind in enumerate(table.kinds):
        columns = incidence(y, counts.all_events, counts.events[:, :, k], there, z)
        block = _rows(counts, there, counts.events[:, :, k], columns)
        block.insert(1, "kind", kind)
        blocks.append(block)
    return Curves(
        table=pd.concat(blocks, ignore_index=True),
        by=key_names(by),
        groups=tuple(counts.labels),
        method=AJ,
        inference="delta method, log-log interval; persons independent",
        estimand="share that has left, by kind",
        persons=tuple(int(n) for n in counts.entered.sum(axis=1)),
        alpha=alpha,
        data_hash=table.hash,
        notes=(*table.notes, *_late(counts)),
    )


@dataclass(frozen=True, repr=False)
class RestrictedMean:
    """Mean months in the kommun within a horizon, by group and as differences.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group``, ``estimate`` (months), ``std_error``, ``conf_low``, ``conf_high``.
    differences : pandas.DataFrame
        Every later group less the first: ``contrast`` and the same columns, ``statistic``,
        ``p_value``. Empty for one group.
    horizon : int
        Months.
    method, inference, estimand : str
        As for :class:`Curves`.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of the life table.
    """

    table: pd.DataFrame = field(repr=False)
    differences: pd.DataFrame = field(repr=False)
    horizon: int
    method: str
    inference: str
    estimand: str
    alpha: float
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table.copy()

    def __repr__(self) -> str:
        return f"<RestrictedMean, {self.horizon} months, {len(self.table)} groups>"

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


def restricted_mean(
    table: LifeTable, months: int, by: Sequence[str] = (), *, alpha: float = 0.05
) -> RestrictedMean:
    r"""Estimate the mean months in the kommun within a horizon (Royston & Parmar 2013).

    .. math::
        \hat\mu = \sum_{t=0}^{\tau-1} \hat S(t), \qquad
        \hat V = \sum_{s < \tau} A_s^2 \frac{d_s}{Y_s (Y_s - d_s)}, \qquad
        A_s = \sum_{t=s}^{\tau-1} \hat S(t).

    A person who leaves in month t counts t months: dates are known to the month.

    Parameters
    ----------
    table : LifeTable
        The counts.
    months : int
        The horizon τ.
    by : sequence of str
        Keys of the groups.
    alpha : float
        One minus the level.

    Returns
    -------
    RestrictedMean
        Normal intervals.

    Raises
    ------
    InputError
        If a group was not observed that long, a key is not there, or ``alpha`` is no level.
    """
    z = critical_value(alpha)
    if months < 1:
        raise InputError(f"{months} must be at least 1", field="months")
    counts = table.counts(by)
    there, y = _factors(counts)
    d = counts.all_events
    for g, label in enumerate(counts.labels):
        seen = int(there[g].sum())
        everybody_left = bool((d[g, :seen] == y[g, :seen]).any())
        if seen < months and not everybody_left:
            raise InputError(
                f"{label} was observed for {seen} months; ask for at most that", field="months"
            )
    # a group that has left altogether stays at zero
    mean, error = mean_months(y[:, :months], d[:, :months], there[:, :months])
    return mean_result(
        counts.labels, mean, error, months, z, alpha, "area under Kaplan–Meier", table.hash
    )


def mean_result(
    labels: Sequence[str],
    mean: np.ndarray,
    error: np.ndarray,
    months: int,
    z: float,
    alpha: float,
    method: str,
    data_hash: str,
) -> RestrictedMean:
    """Make the result from means and errors, both of shape (groups,)."""
    rows = pd.DataFrame(
        {
            "group": list(labels),
            "estimate": mean,
            "std_error": error,
            "conf_low": mean - z * error,
            "conf_high": mean + z * error,
        }
    )
    gap, spread = mean[1:] - mean[:1], np.sqrt(error[1:] ** 2 + error[:1] ** 2)
    t = np.divide(gap, spread, out=np.zeros(len(gap)), where=spread > 0)
    differences = pd.DataFrame(
        {
            "contrast": [f"{label} − {labels[0]}" for label in labels[1:]],
            "estimate": gap,
            "std_error": spread,
            "conf_low": gap - z * spread,
            "conf_high": gap + z * spread,
            "statistic": t,
            "p_value": 2 * norm.sf(np.abs(t)),
        }
    )
    return RestrictedMean(
        table=rows,
        differences=differences,
        horizon=months,
        method=method,
        inference="Greenwood, normal interval; persons independent",
        estimand=f"mean months in the kommun, of {months}",
        alpha=alpha,
        data_hash=data_hash,
    )
