"""Group-time difference-in-differences after Callaway & Sant'Anna (2021).

Every cell is one comparison of two periods; see
:mod:`evaluation.estimation.did.two_period`. The aggregations are in
:mod:`evaluation.estimation.did.aggregation`, because every number must carry the name of
its estimand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import cell_errors, without_rounding
from evaluation.estimation.did.sample import Sample, prepare
from evaluation.estimation.did.two_period import (
    Method,
    change_difference,
    propensity,
    two_period_effect,
)
from evaluation.results import GroupTime

__all__ = ["ControlGroup", "callaway_santanna"]

ControlGroup = Literal["never_treated", "not_yet_treated"]
Base = Literal["varying", "universal"]
METHODS = {"dr": "doubly robust", "ipw": "inverse probability weighting", "reg": "regression"}


def _cells(s: Sample, anticipation: int, base: Base) -> list[tuple[int, int, int]]:
    """List cohort, position of the period and position of its base, sorted."""
    cells = []
    for g in s.cohorts:
        own = int(np.flatnonzero(s.years < g - anticipation)[-1])
        for t, year in enumerate(s.years):
            if base == "universal" or year >= g:
                cells.append((int(g), t, own))
            elif t > 0:
                cells.append((int(g), t, t - 1))
    return cells


def _check_covariates(s: Sample) -> None:
    """Refuse covariates of which one says nothing that the others do not say."""
    x = s.covariates[s.observed]
    for k, name in enumerate(s.names):
        if np.ptp(x[:, k]) == 0:
            raise InputError(f"the covariate {name} is constant", field="covariates")
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for k, name in enumerate(s.names, start=1):
        if np.linalg.matrix_rank(z[:, :k]) < k:
            raise InputError(
                f"the covariate {name} is collinear with those before it", field="covariates"
            )


def callaway_santanna(
    panel: Panel,
    cohort: pd.Series,
    *,
    control_group: ControlGroup = "never_treated",
    est_method: Method = "dr",
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    anticipation: int = 0,
    base: Base = "varying",
    alpha: float = 0.05,
) -> GroupTime:
    r"""Estimate ATT(g, t) for every cohort and period.

    .. math::
        ATT(g,t) = E[Y_t - Y_{g-1} \mid G=g] - E[Y_t - Y_{g-1} \mid C]

    for :math:`t \ge g`, given the covariates where there are any; before adoption the base
    is the year before (varying base), so that a pre-period value is a one-year placebo
    effect. With δ years of anticipation the base is :math:`g-1-\delta`.

    Parameters
    ----------
    panel : Panel
        The outcome. In an unbalanced panel each cell takes the units observed both in its
        period and in its base.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated. Units treated from the first year
        on are left out and named.
    control_group : {"never_treated", "not_yet_treated"}
        The comparison group C. Where nobody is never treated, ``not_yet_treated`` takes the
        last cohort and leaves out the years from its adoption on.
    est_method : {"dr", "ipw", "reg"}
        Doubly robust, inverse probability weighting or outcome regression; one and the same
        without covariates.
    covariates : mapping of str to pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year: the value in the earlier of a cell's two periods counts.
    weights : pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year: the weight in the earlier of a cell's two periods
        counts, and the first one for the cohort shares.
    cluster : pandas.Series, optional
        Clusters of units; every unit is its own without it.
    anticipation : int
        Years before adoption in which the effect may already show.
    base : {"varying", "universal"}
        Base of the pre-periods: the year before each, or one for all.
    alpha : float
        One minus the level of later intervals.

    Returns
    -------
    GroupTime
        One cell per cohort and period, influence functions kept. Standard errors are
        analytic, without a small-sample factor, as in R's ``did``.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.did.sample.prepare`; if covariates are collinear or
        leave no overlap, or a cell has nobody to compare.

    References
    ----------
    Callaway, B. & Sant'Anna, P. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225(2), sections 2–4.
    """
    if control_group not in {"never_treated", "not_yet_treated"}:
        raise InputError(
            f"{control_group!r} is none of never_treated, not_yet_treated", field="control_group"
        )
    if est_method not in METHODS:
        raise InputError(f"{est_method!r} is none of dr, ipw, reg", field="est_method")
    if base not in {"varying", "universal"}:
        raise InputError(f"{base!r} is none of varying, universal", field="base")
    s = prepare(
        panel,
        cohort,
        weights=weights,
        covariates=covariates,
        cluster=cluster,
        last_as_control=control_group == "not_yet_treated",
        anticipation=anticipation,
    )
    if s.names:
        _check_covariates(s)
    cells = _cells(s, anticipation, base)
    # written and later read by columns, so columns are kept together
    influence = np.zeros((len(s.units), len(cells)), order="F")
    value = np.zeros(len(cells))
    scores: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    seen, notes = s.observed, list(s.notes)
    uneven = not seen.all()
    for k, (g, t, b) in enumerate(cells):
        if t == b:
            continue
        latest = s.years[max(t, b)] + anticipation
        control = s.cohort == 0
        if control_group == "not_yet_treated":
            control |= (s.cohort > latest) & (s.cohort != g)
        use = control | (s.cohort == g)
        if uneven:
            use &= seen[:, t] & seen[:, b]
        rows = np.flatnonzero(use)
        treated = s.cohort[rows] == g
        where = f"cohort {g}, year {s.years[t]}"
        if treated.all() or not treated.any():
            who = "control" if treated.all() else "treated unit"
            raise InputError(
                f"{where}: no {who} is observed both then and in the base year {s.years[b]}",
                field=s.outcome,
            )
        change = s.y[rows, t] - s.y[rows, b]
        early = min(t, b)
        weight = s.weight[rows, early]
        if not s.names:
            value[k], psi = change_difference(change, treated, weight)
        else:
            x = np.column_stack([np.ones(len(rows)), s.covariates[rows, early]])
            flat = np.ptp(x[:, 1:], axis=0) == 0
            if flat.any():
                raise InputError(
                    f"{where}: the covariate {s.names[int(flat.argmax())]} has the same value in "
                    f"all units in {s.years[early]}; leave it out",
                    field="covariates",
                )
            fitted = None
            if est_method != "reg":
                key = rows.tobytes() + treated.tobytes() + x.tobytes() + weight.tobytes()
                if key not in scores:
                    scores = {key: propensity(x, treated, weight, where)}
                fitted = scores[key]
            value[k], psi = two_period_effect(
                change, treated, weight, x, method=est_method, where=where, fitted=fitted
            )
        influence[rows, k] = psi
    influence = without_rounding(influence, s.y)
    if s.names and est_method == "dr":
        notes.append(
            "doubly robust as in R's did (DRDID, traditional); diff-diff 3.13.0 differs from it in "
            "the sixth decimal"
        )
    first = seen.argmax(axis=1)
    given = f", {METHODS[est_method]} given {', '.join(s.names)}" if s.names else ""
    return GroupTime(
        cohort=tuple(g for g, _, _ in cells),
        period=tuple(int(s.years[t]) for _, t, _ in cells),
        estimate=tuple(value.tolist()),
        std_error=cell_errors(influence, s.cluster),
        influence=influence,
        unit_cohort=s.cohort,
        method=f"Callaway–Sant'Anna{given}",
        control_group=control_group,
        n_obs=s.n_obs,
        alpha=alpha,
        data_hash=s.data_hash,
        notes=tuple(notes),
        weight=s.weight[np.arange(len(first)), first] if s.weighted else None,
        cluster=s.cluster,
    )
