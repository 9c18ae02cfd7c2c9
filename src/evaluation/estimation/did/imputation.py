"""Imputation (Borusyak, Jaravel & Spiess 2024) and two-stage estimation (Gardner 2022).

Both fit unit and year effects on untreated observations only and subtract them from the
treated ones, so their points are the same; they differ in the error. Imputation centres the
effects by cohort and period and takes the weights as fixed; two-stage is a GMM error in which
the second stage's mean is estimated too. Points equal R's; the errors equal ``diff-diff``
3.13.0, which takes seconds and gigabytes where there are many units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.absorbed import (
    AbsorbedFit,
    absorbed_least_squares,
    year_columns,
)
from evaluation.estimation.did.aggregation import cell_errors, without_rounding
from evaluation.estimation.did.sample import Sample, named, prepare
from evaluation.results import GroupTime

__all__ = ["imputation", "two_stage"]


def _untreated_model(s: Sample, clean: np.ndarray) -> AbsorbedFit:
    """Fit unit and year effects where nobody is treated; every year must have such a unit."""
    seen = clean.any(axis=0)
    if not seen.all():
        raise InputError(
            f"in {s.years[~seen][0]} nobody is untreated, so that year's effect cannot be imputed",
            field="cohort",
        )
    designs = [year_columns(len(s.years))] * (1 + len(s.cohorts))
    labels = [f"the year {y}" for y in s.years[1:]]
    return absorbed_least_squares(s, designs, labels, s.weight * clean)


def _without(s: Sample, lost: np.ndarray) -> Sample:
    """Leave out treated units that are never seen untreated; nobody may count them."""
    who = tuple(u for u, out in zip(s.units, lost, strict=True) if out)
    n, kept = len(who), ~lost
    note = (
        f"{n} treated {'unit' if n == 1 else 'units'} without an observation before treatment "
        f"{'was' if n == 1 else 'were'} left out, the unit effect is unknown: {named(who)}"
    )
    cluster = None if s.cluster is None else np.unique(s.cluster[kept], return_inverse=True)[1]
    return replace(
        s,
        units=tuple(u for u, out in zip(s.units, lost, strict=True) if not out),
        y=s.y[kept],
        cohort=s.cohort[kept],
        weight=s.weight[kept],
        covariates=s.covariates[kept],
        cluster=cluster,
        notes=(*s.notes, note),
    )


def _impute(
    s: Sample, anticipation: int, alpha: float, error: Literal["conservative", "gmm"]
) -> GroupTime:
    """Give one cell per cohort and post period, with influence functions."""
    starts = np.where(s.cohort > 0, s.cohort - anticipation, s.years[-1] + 1)
    later = s.years[None, :] >= starts[:, None]
    clean = s.observed & ~later
    lost = ~np.asarray(clean.any(axis=1))
    if lost[s.cohort > 0].all():
        raise InputError("no treated unit is observed before treatment", field="cohort")
    if lost.any():
        return _impute(_without(s, lost), anticipation, alpha, error)
    fit = _untreated_model(s, clean)
    possible = np.asarray(clean.any(axis=1))
    treated = s.observed & later & possible[:, None]
    notes = list(s.notes)
    once = [int(g) for g in s.cohorts if (s.years < g - anticipation).sum() == 1]
    if once and error == "conservative":
        notes.append(
            f"cohort {', '.join(map(str, once))} has one year before treatment: R's didimputation "
            "0.5.0 loses such cohorts and gives another number"
        )
    effect = np.where(
        treated,
        np.where(treated, s.y, 0.0) - fit.fitted - np.nan_to_num(fit.unit_effect)[:, None],
        0,
    )
    w0 = s.weight * clean
    before = w0 / np.where(possible, w0.sum(axis=1), 1.0)[:, None]
    x = np.where(s.observed[:, :, None], s.covariates, 0.0)
    x_before = np.einsum("it,itk->ik", before, x)
    cells, value, own, loadings = [], [], [], []
    for g in s.cohorts:
        rows = np.flatnonzero(s.cohort == g)
        for t in np.flatnonzero(s.years >= g - anticipation):
            w = s.weight[rows, t] * treated[rows, t]
            if not w.any():
                continue
            share = w / w.sum()
            mean = float(share @ effect[rows, t])
            squares = share**2 / (share @ share)
            centre = float(squares @ effect[rows, t]) if error == "conservative" else mean
            load = -share @ before[rows]
            load[t] += 1.0
            load = np.append(load[1:], share @ (x[rows, t] - x_before[rows]))
            cells.append((int(g), int(t)))
            value.append(mean)
            own.append((rows, share * (effect[rows, t] - centre)))
            loadings.append(load)
    if not any(s.years[t] >= g for g, t in cells):
        raise InputError("no treated observation can be imputed", field="cohort")
    influence = fit.scores @ (-fit.bread @ np.array(loadings).T)
    for k, (rows, psi) in enumerate(own):
        influence[rows, k] += psi
    influence = without_rounding(influence, s.y)
    periods = [t for _, t in cells]
    weight = s.weight * (treated | clean)
    even = treated[later].all() and (s.weight == s.weight[:, :1]).all()
    text = (
        "none; conservative: effects centred by cohort and period, weights of the effects taken "
        "as fixed; normal quantiles"
        if error == "conservative"
        else "none (GMM over both stages); normal quantiles"
    )
    return GroupTime(
        cohort=tuple(g for g, _ in cells),
        period=tuple(int(s.years[t]) for t in periods),
        estimate=tuple(value),
        std_error=cell_errors(influence, s.cluster),
        influence=influence,
        unit_cohort=s.cohort,
        method="imputation (Borusyak–Jaravel–Spiess)"
        if error == "conservative"
        else "two-stage (Gardner)",
        control_group="not_yet_treated",
        n_obs=int((treated | clean).sum()),
        alpha=alpha,
        data_hash=s.data_hash,
        notes=tuple(notes),
        shares="fixed" if error == "conservative" else "estimated",
        weight=(s.weight[:, 0] if s.weighted else None) if even else weight[:, periods],
        cluster=s.cluster,
        small_sample=text,
    )


def imputation(
    panel: Panel,
    cohort: pd.Series,
    *,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    anticipation: int = 0,
    alpha: float = 0.05,
) -> GroupTime:
    r"""Impute what the treated would have had, from unit and year effects of the untreated.

    .. math::
        \hat\tau_{it} = Y_{it} - \hat\alpha_i - \hat\gamma_t - x_{it}'\hat\beta,
        \qquad
        \widehat{\operatorname{Var}} = \sum_i \Big(\sum_t v_{it} \tilde\varepsilon_{it}\Big)^2

    where v are the weights that the estimate gives to the observations, and for treated
    observations :math:`\tilde\varepsilon_{it} = \hat\tau_{it} - \tilde\tau_{gt}`, with the mean of
    a cohort and period weighted by :math:`v_{it}^2`.

    Parameters
    ----------
    panel : Panel
        The outcome, balanced or not. Treated units that are never observed before treatment
        are left out and named.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated. Where nobody is, the last cohort is the
        comparison and the years from its adoption on are left out.
    covariates : mapping of str to pandas.Series or pandas.DataFrame, optional
        By unit and year; they must vary within units.
    weights : pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year.
    cluster : pandas.Series, optional
        Clusters of units; every unit is its own without it.
    anticipation : int
        Years before adoption that do not count as untreated.
    alpha : float
        One minus the level of later intervals.

    Returns
    -------
    GroupTime
        Post cells only; the error is conservative, and the effects' weights are fixed.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.did.sample.prepare`; if covariates are collinear with
        the effects, or in some year nobody is untreated.

    References
    ----------
    Borusyak, K., Jaravel, X. & Spiess, J. (2024). Revisiting event-study designs: robust and
    efficient estimation. Review of Economic Studies 91(6), sections 4.1 and 4.3.
    """
    s = prepare(
        panel,
        cohort,
        weights=weights,
        covariates=covariates,
        cluster=cluster,
        last_as_control=True,
        anticipation=anticipation,
    )
    return _impute(s, anticipation, alpha, "conservative")


def two_stage(
    panel: Panel,
    cohort: pd.Series,
    *,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    anticipation: int = 0,
    alpha: float = 0.05,
) -> GroupTime:
    r"""Regress the outcome, less unit and year effects of the untreated, on treatment.

    .. math::
        \psi_i = (X_2'X_2)^{-1}\big(x_{2i}'u_i
        - X_2'X_1 (X_{10}'X_{10})^{-1} x_{10i}'\varepsilon_i\big)

    with the first stage's regressors :math:`X_{10}` on untreated observations, its residuals ε,
    the second stage's regressors :math:`X_2` (treatment, or its event times) and residuals u.

    Parameters
    ----------
    panel, cohort, covariates, weights, cluster, anticipation, alpha
        As in :func:`imputation`.

    Returns
    -------
    GroupTime
        Post cells only; an aggregate is the second stage's coefficient, with its GMM error.

    Raises
    ------
    InputError
        As :func:`imputation`.

    References
    ----------
    Gardner, J. (2022). Two-stage differences in differences. arXiv 2207.05943, section 4.
    """
    s = prepare(
        panel,
        cohort,
        weights=weights,
        covariates=covariates,
        cluster=cluster,
        last_as_control=True,
        anticipation=anticipation,
    )
    return _impute(s, anticipation, alpha, "gmm")
