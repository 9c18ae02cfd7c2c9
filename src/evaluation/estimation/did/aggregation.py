"""From ATT(g, t) to the four aggregates and the event study, by matrix products.

Weights are those of Callaway & Sant'Anna (2021, section 3, table 1); the standard
errors carry the part that comes from estimating the cohort shares, as in R's ``did``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.results import Estimate, EventStudy, GroupTime

__all__ = ["ESTIMANDS", "Estimand", "aggregate", "event_study"]

Estimand = Literal["simple", "cohort", "dynamic", "calendar"]
ESTIMANDS: tuple[Estimand, ...] = ("simple", "cohort", "dynamic", "calendar")
SMALL_SAMPLE = "none (influence function, divisor n, normal quantiles)"


def _weighted(gt: GroupTime, cells: np.ndarray) -> tuple[float, np.ndarray]:
    """Average cells by cohort share; return the value and its influence function."""
    cohorts = np.array(gt.cohort)[cells]
    att = np.array(gt.estimate)[cells]
    member = gt.unit_cohort[:, None] == cohorts[None, :]
    n = len(gt.unit_cohort)
    share = member.mean(axis=0)
    total = share.sum()
    w = share / total
    value = float(w @ att)
    centred = (member - share) / n
    from_shares = centred @ (att / total) - centred.sum(axis=1) * (share @ att) / total**2
    return value, gt.influence[:, cells] @ w + from_shares


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
    )
    return _weighted(reduced, np.arange(len(names)))


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
    cohort, period = np.array(gt.cohort), np.array(gt.period)
    post = period >= cohort
    if estimand == "simple":
        value, influence = _weighted(gt, np.flatnonzero(post))
    elif estimand == "cohort":
        value, influence = _by_cohort(gt)
    elif estimand == "dynamic":
        ages = np.unique((period - cohort)[post])
        cells = [np.flatnonzero(post & (period - cohort == e)) for e in ages]
        value, influence = _equal([_weighted(gt, c) for c in cells])
    elif estimand == "calendar":
        years = np.unique(period[post])
        cells = [np.flatnonzero(post & (period == y)) for y in years]
        value, influence = _equal([_weighted(gt, c) for c in cells])
    else:
        raise InputError(f"{estimand!r} is none of {', '.join(ESTIMANDS)}", field="estimand")
    se = float(np.sqrt(influence @ influence))
    treated_units = int((gt.unit_cohort > 0).sum())
    convention = SMALL_SAMPLE
    if se == 0:
        convention += "; no error can be estimated, the units leave no variation to measure it by"
    elif treated_units == 1:
        convention += "; with one treated unit its own variance is taken to be zero"
    z = value / se if se > 0 else float("nan")
    half = float(norm.ppf(1 - gt.alpha / 2)) * se if se > 0 else float("inf")
    return Estimate(
        term="att",
        estimate=value,
        conf_int=(value - half, value + half),
        method=gt.method,
        inference="analytic",
        estimand=estimand,
        std_error=se if se > 0 else None,
        statistic=z if se > 0 else None,
        p_value=float(2 * norm.sf(abs(z))) if se > 0 else None,
        n_obs=gt.n_obs,
        n_units=len(gt.unit_cohort),
        n_treated_units=treated_units,
        n_clusters=len(gt.unit_cohort),
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
    psi = np.column_stack([f for _, f in parts])
    se = np.sqrt((psi**2).sum(axis=0))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    signs = rng.integers(0, 2, size=(draws, len(gt.unit_cohort))) * 2.0 - 1.0
    usable = se > 0
    # a single treated and a single control unit leave no error to draw from
    largest = (np.abs(signs @ psi[:, usable]) / se[usable]).max(axis=1, initial=0.0)
    z = float(norm.ppf(1 - gt.alpha / 2))
    critical = max(z, float(np.quantile(largest, 1 - gt.alpha)))
    carrying = [int(np.isin(gt.unit_cohort, cohort[ages == e]).sum()) for e in times]
    return EventStudy(
        event_time=tuple(int(e) for e in times),
        estimate=tuple(float(v) for v in value),
        std_error=tuple(float(s) for s in se),
        conf_low=tuple(float(v) for v in value - z * se),
        conf_high=tuple(float(v) for v in value + z * se),
        band_low=tuple(float(v) for v in value - critical * se),
        band_high=tuple(float(v) for v in value + critical * se),
        n_treated=tuple(carrying),
        method=gt.method,
        inference="analytic, pointwise",
        band=f"multiplier bootstrap, Rademacher, {draws} draws, critical value {critical:.3f}",
        alpha=gt.alpha,
        seed=seed,
        data_hash=gt.data_hash,
        notes=gt.notes,
    )
