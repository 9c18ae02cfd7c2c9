"""From ATT(g, t) to the four aggregates and the event study, by matrix products.

Weights are those of Callaway & Sant'Anna (2021, section 3, table 1). Where the shares
are estimated, the standard errors carry the part that comes from it, as in R's ``did``;
where they are taken as fixed they do not, as in R's ``fixest``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from evaluation.errors import InputError
from evaluation.estimation.did.multiplier_draws import multiplied_sums
from evaluation.results import Estimate, EventStudy, GroupTime

__all__ = [
    "ESTIMANDS",
    "Estimand",
    "aggregate",
    "aggregate_influence",
    "as_estimate",
    "as_event_study",
    "cell_errors",
    "critical_value",
    "event_study",
    "rounding",
    "within_clusters",
    "without_rounding",
]

OUTCOME_ROUNDING = 1e-12
"""What is smaller than this, relative to the outcome, is taken for rounding."""
Estimand = Literal["simple", "cohort", "dynamic", "calendar"]
ESTIMANDS: tuple[Estimand, ...] = ("simple", "cohort", "dynamic", "calendar")


def within_clusters(psi: np.ndarray, cluster: np.ndarray | None) -> np.ndarray:
    """Sum influence functions within clusters.

    Parameters
    ----------
    psi : numpy.ndarray
        Shape (units,) or (units, columns).
    cluster : numpy.ndarray or None
        Shape (units,): codes 0, 1, …; None leaves every unit its own.

    Returns
    -------
    numpy.ndarray
        Shape (clusters,) or (clusters, columns).

    Examples
    --------
    >>> within_clusters(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0])).tolist()
    [5.0, 2.0]
    """
    if cluster is None:
        return psi
    order = np.argsort(cluster, kind="stable")
    starts = np.searchsorted(cluster[order], np.unique(cluster))
    total: np.ndarray = np.add.reduceat(psi[order], starts, axis=0)
    return total


def cell_errors(influence: np.ndarray, cluster: np.ndarray | None) -> tuple[float, ...]:
    """Return the standard error of each cell from its influence function.

    Examples
    --------
    >>> cell_errors(np.array([[3.0], [4.0]]), None)
    (5.0,)
    """
    psi = within_clusters(influence, cluster)
    return tuple(np.sqrt(np.einsum("ij,ij->j", psi, psi)).tolist())


def without_rounding(influence: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Set influence functions to zero that are nothing but rounding of the outcome.

    Examples
    --------
    >>> without_rounding(np.array([[1e-14, 0.5]]), np.array([[200.0]])).tolist()
    [[0.0, 0.5]]
    """
    size = np.sqrt(np.einsum("ij,ij->j", influence, influence))
    real = size > OUTCOME_ROUNDING * float(np.nanmax(np.abs(y)))
    return influence if real.all() else np.where(real, influence, 0.0)


def rounding(gt: GroupTime) -> float:
    """Return the standard error of an aggregate below which there is only rounding."""
    return 1e-13 * max(1.0, float(np.abs(gt.estimate).max()))


def critical_value(gt: GroupTime) -> float:
    """Return the pointwise two-sided critical value at the fitted level: normal, or t."""
    df = gt.degrees_of_freedom
    tail = 1 - gt.alpha / 2
    return float(norm.ppf(tail) if df is None else student.ppf(tail, df))


def _weighted(gt: GroupTime, cells: np.ndarray) -> tuple[float, np.ndarray]:
    """Average cells by cohort share; return the value and its influence function."""
    cohorts = np.array(gt.cohort)[cells]
    att = np.array(gt.estimate)[cells]
    member = (gt.unit_cohort[:, None] == cohorts[None, :]).astype(float)
    if gt.weight is not None:
        member *= gt.weight[:, None] if gt.weight.ndim == 1 else gt.weight[:, cells]
    n = len(gt.unit_cohort)
    share = member.mean(axis=0)
    total = share.sum()
    w = share / total
    value = float(w @ att)
    influence = gt.influence[:, cells] @ w
    if gt.shares == "estimated":
        slope = (att - value) / (total * n)
        influence += member @ slope - share @ slope
    return value, influence


def _equal(parts: Sequence[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    return (
        float(np.mean([v for v, _ in parts])),
        np.mean([f for _, f in parts], axis=0),
    )


def _by_cohort(gt: GroupTime) -> tuple[float, np.ndarray]:
    """Average each cohort over its post periods, then the cohorts by their share."""
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    names = np.unique(cohort)
    parts = []
    for g in names:
        cells = np.flatnonzero((cohort == g) & (period >= g))
        parts.append((np.array(gt.estimate)[cells].mean(), gt.influence[:, cells].mean(axis=1)))
    reduced = GroupTime(
        cohort=tuple(int(g) for g in names),
        period=tuple(int(g) for g in names),
        estimate=tuple(float(v) for v, _ in parts),
        std_error=tuple(0.0 for _ in parts),
        influence=np.column_stack([f for _, f in parts]),
        unit_cohort=gt.unit_cohort,
        method=gt.method,
        control_group=gt.control_group,
        n_obs=gt.n_obs,
        shares=gt.shares,
        weight=_cohort_weight(gt, names),
    )
    return _weighted(reduced, np.arange(len(names)))


def _cohort_weight(gt: GroupTime, names: np.ndarray) -> np.ndarray | None:
    """Give each unit one weight per cohort: its mean over the cohort's post cells."""
    if gt.weight is None or gt.weight.ndim == 1:
        return gt.weight
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    post = period >= cohort
    columns = [gt.weight[:, (cohort == g) & post].mean(axis=1) for g in names]
    return np.column_stack(columns)


def aggregate_influence(gt: GroupTime, estimand: Estimand) -> tuple[float, np.ndarray]:
    """Return an aggregate and its influence function, by unit.

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    estimand : {"simple", "cohort", "dynamic", "calendar"}
        As in :func:`aggregate`.

    Returns
    -------
    value : float
        The aggregate.
    influence : numpy.ndarray
        Shape (units,).

    Raises
    ------
    InputError
        If the estimand is not one of the four, or no cell lies after adoption.
    """
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    post = period >= cohort
    if estimand not in ESTIMANDS:
        raise InputError(f"{estimand!r} is none of {', '.join(ESTIMANDS)}", field="estimand")
    if not post.any():
        raise InputError("no group-time effect lies after adoption", field="cohort")
    if estimand == "simple":
        return _weighted(gt, np.flatnonzero(post))
    if estimand == "cohort":
        return _by_cohort(gt)
    key = period - cohort if estimand == "dynamic" else period
    parts = [np.flatnonzero(post & (key == k)) for k in np.unique(key[post])]
    return _equal([_weighted(gt, cells) for cells in parts])


def aggregate(gt: GroupTime, estimand: Estimand = "simple") -> Estimate:
    """Aggregate group-time effects into one number, with its name.

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    estimand : {"simple", "cohort", "dynamic", "calendar"}
        ``simple``: all post cells, weighted by cohort size. ``cohort``: each cohort's
        mean over its post periods, weighted by cohort size, so that every treated unit
        weighs the same. ``dynamic``: the mean over event times 0, 1, …. ``calendar``:
        the mean over calendar years.

    Returns
    -------
    Estimate
        With the analytic interval. It is far too short with a handful of treated
        units; see :mod:`evaluation.estimation.few_treated.permutation`.

    Raises
    ------
    InputError
        If the estimand is not one of the four.

    References
    ----------
    Callaway & Sant'Anna (2021), section 3.2.
    """
    return as_estimate(gt, *aggregate_influence(gt, estimand), estimand)


def as_estimate(gt: GroupTime, value: float, by_unit: np.ndarray, estimand: str) -> Estimate:
    """Make an estimate from a value and its influence function.

    Parameters
    ----------
    gt : GroupTime
        What it comes from: conventions, clusters, counts and names.
    value : float
        The number.
    by_unit : numpy.ndarray
        Shape (units,): its influence function.
    estimand : str
        Its name.

    Returns
    -------
    Estimate
        With the analytic interval.
    """
    influence = within_clusters(by_unit, gt.cluster)
    se = float(np.sqrt(influence @ influence))
    se = se if se > rounding(gt) else 0.0
    treated_units = int((gt.unit_cohort > 0).sum())
    convention = gt.small_sample
    if se == 0:
        convention += "; no error can be estimated, the units leave no variation to measure it by"
    elif treated_units == 1:
        convention += "; with one treated unit its own variance is taken to be zero"
    df = gt.degrees_of_freedom
    tail = norm.sf if df is None else student(df).sf
    z = value / se if se > 0 else float("nan")
    half = critical_value(gt) * se if se > 0 else float("inf")
    return Estimate(
        term="att",
        estimate=value,
        conf_int=(value - half, value + half),
        method=gt.method,
        inference="analytic" if gt.cluster is None else "analytic, clustered",
        estimand=estimand,
        std_error=se if se > 0 else None,
        statistic=z if se > 0 else None,
        p_value=float(2 * tail(abs(z))) if se > 0 else None,
        n_obs=gt.n_obs,
        n_units=len(gt.unit_cohort),
        n_treated_units=treated_units,
        n_clusters=len(influence),
        small_sample=convention,
        alpha=gt.alpha,
        data_hash=gt.data_hash,
        notes=gt.notes,
    )


def event_study(gt: GroupTime, *, draws: int = 999, seed: int = 0) -> EventStudy:
    r"""Aggregate by time since adoption, with pointwise and simultaneous bounds.

    The simultaneous band takes the ``1 - alpha`` quantile of
    :math:`\max_e |\sum_i \xi_i \psi_{ie}| / \hat\sigma_e` over draws of Rademacher
    :math:`\xi` (multiplier bootstrap).

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    draws : int
        Draws of the multiplier bootstrap.
    seed : int
        Seed of the draws.

    Returns
    -------
    EventStudy
        All event times that some cohort carries; −1 is among them as the placebo
        effect from −2 to −1, where the varying base allows one.

    References
    ----------
    Callaway & Sant'Anna (2021), section 3.1 and algorithm 1.
    """
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    ages = period - cohort
    times = np.unique(ages)
    parts = [_weighted(gt, np.flatnonzero(ages == e)) for e in times]
    value = np.array([v for v, _ in parts])
    carrying = [_carrying(gt, cohort, ages == e) for e in times]
    psi = np.column_stack([f for _, f in parts])
    return as_event_study(gt, times, value, psi, carrying, draws=draws, seed=seed)


def _carrying(gt: GroupTime, cohort: np.ndarray, cells: np.ndarray) -> int:
    """Count the treated units behind some cells."""
    member = gt.unit_cohort[:, None] == cohort[cells][None, :]
    if gt.weight is not None and gt.weight.ndim == 2:
        member &= gt.weight[:, cells] > 0
    return int(member.any(axis=1).sum())


def as_event_study(
    gt: GroupTime,
    times: np.ndarray,
    value: np.ndarray,
    by_unit: np.ndarray,
    carrying: Sequence[int],
    *,
    draws: int = 999,
    seed: int = 0,
) -> EventStudy:
    """Make an event study from values and their influence functions.

    Parameters
    ----------
    gt : GroupTime
        What it comes from: conventions, clusters and names.
    times, value : numpy.ndarray
        Shape (event times,).
    by_unit : numpy.ndarray
        Shape (units, event times): influence functions.
    carrying : sequence of int
        Treated units behind each event time.
    draws, seed : int
        Of the multiplier bootstrap behind the band.

    Returns
    -------
    EventStudy
        Pointwise and simultaneous bounds.
    """
    psi = within_clusters(by_unit, gt.cluster)
    se = np.sqrt((psi**2).sum(axis=0))
    usable = se > rounding(gt)
    # a single treated and a single control unit leave no error to draw from
    largest = np.abs(multiplied_sums(psi[:, usable], draws, seed) / se[usable]).max(
        axis=1, initial=0
    )
    z = critical_value(gt)
    critical = max(z, float(np.quantile(largest, 1 - gt.alpha)))
    # no variation is no error of zero: there is none to be had
    half = np.where(usable, se, np.inf)
    return EventStudy(
        event_time=tuple(int(e) for e in times),
        estimate=tuple(float(v) for v in value),
        std_error=tuple(float(s) for s in np.where(usable, se, np.nan)),
        conf_low=tuple(float(v) for v in value - z * half),
        conf_high=tuple(float(v) for v in value + z * half),
        band_low=tuple(float(v) for v in value - critical * half),
        band_high=tuple(float(v) for v in value + critical * half),
        n_treated=tuple(carrying),
        method=gt.method,
        inference="analytic, pointwise" + ("" if gt.cluster is None else ", clustered"),
        band=f"multiplier bootstrap, Rademacher, {draws} draws, critical value {critical:.3f}",
        alpha=gt.alpha,
        seed=seed,
        data_hash=gt.data_hash,
        notes=gt.notes,
    )
