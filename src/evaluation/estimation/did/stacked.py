"""Stacked difference-in-differences with corrective weights.

Cengiz et al. (2019) stack one clean experiment per cohort; the plain regression on the stack
weights treated and controls of the experiments differently. The weights of Wing, Freedman &
Hollingsworth (2024) mend that; they are what is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import (
    as_estimate,
    as_event_study,
    cell_errors,
    without_rounding,
)
from evaluation.estimation.did.callaway_santanna import ControlGroup
from evaluation.estimation.did.sample import Sample, prepare
from evaluation.results import Estimate, EventStudy, GroupTime

__all__ = ["Stacked", "stacked"]


@dataclass(frozen=True)
class Stacked:
    """The stacked regression's coefficients, and the experiments behind them.

    Parameters
    ----------
    result : Estimate
        The mean over event times 0, 1, ….
    event : EventStudy
        By event time within the window.
    group_time : GroupTime
        Each experiment's own difference-in-differences.
    """

    result: Estimate
    event: EventStudy
    group_time: GroupTime


def _window(s: Sample, pre: int | None, post: int | None) -> tuple[int, int]:
    """Choose the widest window that every cohort fills, where none was asked for."""
    first, last = int(s.years[0]), int(s.years[-1])
    pre = int(s.cohorts.min()) - first if pre is None else pre
    post = last - int(s.cohorts.max()) if post is None else post
    if pre < 1 or post < 0:
        raise InputError(
            f"the window {pre} years before, {post} after needs at least 1 before and 0 after",
            field="window",
        )
    return pre, post


def stacked(
    panel: Panel,
    cohort: pd.Series,
    *,
    pre: int | None = None,
    post: int | None = None,
    control_group: ControlGroup = "not_yet_treated",
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    alpha: float = 0.05,
    draws: int = 999,
    seed: int = 0,
) -> Stacked:
    r"""Stack one experiment per cohort and regress on treatment by event time.

    In experiment a, treated are cohort a and controls are units untreated until a + post. A
    treated observation weighs one, a control

    .. math:: \frac{N^D_{ae}/N^D_e}{N^C_{ae}/N^C_e}

    so that at each event time e the controls of the experiments stand in the same proportions
    as their treated; the coefficient is then
    :math:`\beta_e = (\bar Y^D_e - \bar Y^D_{-1}) - (\bar Y^C_e - \bar Y^C_{-1})`.

    Parameters
    ----------
    panel : Panel
        The outcome, balanced or not.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    pre, post : int, optional
        Years before adoption (1 or more) and after the first treated year. By default the
        widest window that every cohort fills; with a wider one, cohorts that do not fill it are
        left out and named.
    control_group : {"not_yet_treated", "never_treated"}
        Clean controls.
    weights : pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year; counts N become sums of weights.
    cluster : pandas.Series, optional
        Clusters of units; every unit is its own without it.
    alpha : float
        One minus the level.
    draws, seed : int
        Of the band.

    Returns
    -------
    Stacked
        Errors clustered (a unit may stand in several experiments) with
        ``G/(G−1)·(N−1)/(N−K)``, N counting the rows of the stack, and t(G−1).

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.did.sample.prepare`; if no cohort fills the window or
        none has clean controls.

    References
    ----------
    Cengiz, D., Dube, A., Lindner, A. & Zipperer, B. (2019). The effect of minimum wages on
    low-wage jobs. Quarterly Journal of Economics 134(3), appendix D. Wing, C., Freedman, S. &
    Hollingsworth, A. (2024). Stacked difference-in-differences. NBER working paper 32054.
    """
    s = prepare(
        panel,
        cohort,
        weights=weights,
        cluster=cluster,
        last_as_control=control_group == "not_yet_treated",
    )
    pre, post = _window(s, pre, post)
    times = np.arange(-pre, post + 1)
    first, last = int(s.years[0]), int(s.years[-1])
    y, seen = np.where(s.observed, s.y, 0.0), s.observed
    used, left = [], []
    for g in s.cohorts:
        clean = s.cohort == 0
        if control_group == "not_yet_treated":
            clean |= s.cohort > g + post
        columns = np.searchsorted(s.years, g + times)
        if g - pre < first or g + post > last or not clean.any():
            left.append(str(g))
            continue
        filled = [seen[who][:, columns].any(axis=0).all() for who in (s.cohort == g, clean)]
        if not all(filled):
            left.append(str(g))
            continue
        used.append((int(g), np.flatnonzero(s.cohort == g), np.flatnonzero(clean), columns))
    if not used:
        raise InputError(
            f"no cohort has {pre} years before and {post} after adoption with clean controls",
            field="window",
        )
    # sums of weights by experiment and event time
    n_treated = np.array([s.weight[np.ix_(d, c)].sum(axis=0) for _, d, _, c in used])
    n_control = np.array([s.weight[np.ix_(k, c)].sum(axis=0) for _, _, k, c in used])
    share = n_treated / n_treated.sum(axis=0)
    means = np.zeros((2, len(used), len(times)))
    for a, (_, d, k, c) in enumerate(used):
        for side, rows, total in ((0, d, n_treated[a]), (1, k, n_control[a])):
            means[side, a] = (s.weight[np.ix_(rows, c)] * y[np.ix_(rows, c)]).sum(axis=0) / total
    pooled = (share * means).sum(axis=1)
    base = pre - 1
    shown = np.delete(np.arange(len(times)), base)
    gap = pooled[0] - pooled[1]
    value = gap[shown] - gap[base]
    psi = np.zeros((len(s.units), len(times)))
    cells: list[tuple[int, int, float]] = []
    by_cell = []
    for a, (g, d, k, c) in enumerate(used):
        own = np.zeros((len(s.units), len(times)))
        for sign, side, rows, total in ((1, 0, d, n_treated[a]), (-1, 1, k, n_control[a])):
            w = s.weight[np.ix_(rows, c)] / total
            psi[rows] += sign * share[a] * w * (y[np.ix_(rows, c)] - pooled[side])
            own[rows] += sign * w * (y[np.ix_(rows, c)] - means[side, a])
        difference = means[0, a] - means[1, a]
        cells += [(g, int(g + times[e]), float(difference[e] - difference[base])) for e in shown]
        by_cell.append(own[:, shown] - own[:, [base]])
    members = np.unique(np.concatenate([np.concatenate([d, k]) for _, d, k, _ in used]))
    n_rows = sum(int(seen[np.ix_(np.concatenate([d, k]), c)].sum()) for _, d, k, c in used)
    codes = members if s.cluster is None else s.cluster[members]
    groups, columns_n = len(np.unique(codes)), 2 * len(times)
    if groups < 2 or n_rows <= columns_n:
        raise InputError("too few observations or clusters for an error", field=s.outcome)
    factor = groups / (groups - 1) * (n_rows - 1) / (n_rows - columns_n)
    influence = without_rounding(np.hstack(by_cell)[members], s.y) * np.sqrt(factor)
    cluster_codes = None if s.cluster is None else np.unique(codes, return_inverse=True)[1]
    notes = list(s.notes)
    if left:
        notes.append(
            f"left out for want of {pre} years before and {post} after adoption with clean "
            f"controls: {'cohort' if len(left) == 1 else 'cohorts'} {', '.join(left)}"
        )
    gt = GroupTime(
        cohort=tuple(c[0] for c in cells),
        period=tuple(c[1] for c in cells),
        estimate=tuple(c[2] for c in cells),
        std_error=cell_errors(influence, cluster_codes),
        influence=influence,
        unit_cohort=np.where(np.isin(s.cohort, [u[0] for u in used]), s.cohort, 0)[members],
        method=f"stacked (Wing–Freedman–Hollingsworth weights), window −{pre} to {post}",
        control_group=control_group,
        n_obs=n_rows,
        alpha=alpha,
        data_hash=s.data_hash,
        notes=tuple(notes),
        cluster=cluster_codes,
        small_sample=(
            f"G/(G−1)·(N−1)/(N−K) with G = {groups}, N = {n_rows} rows of the stack, "
            f"K = {columns_n}; t({groups - 1})"
        ),
        degrees_of_freedom=groups - 1,
    )
    by_unit = without_rounding((psi[:, shown] - psi[:, [base]])[members], s.y) * np.sqrt(factor)
    after = times[shown] >= 0
    result = as_estimate(
        gt,
        float(value[after].mean()),
        by_unit[:, after].mean(axis=1),
        f"dynamic, event times 0 to {post}",
    )
    treated_units = int((gt.unit_cohort > 0).sum())
    event = as_event_study(
        gt, times[shown], value, by_unit, [treated_units] * len(shown), draws=draws, seed=seed
    )
    return Stacked(result, event, gt)
