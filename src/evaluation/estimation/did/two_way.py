"""Two-way fixed-effects regression: the field's usual number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import t as student

from evaluation.data.panel import Panel
from evaluation.estimation.did.absorbed import (
    absorbed_least_squares,
    cluster_factor,
    year_columns,
)
from evaluation.estimation.did.aggregation import within_clusters, without_rounding
from evaluation.estimation.did.sample import prepare
from evaluation.results import Estimate

__all__ = ["two_way_fixed_effects"]


def two_way_fixed_effects(
    panel: Panel,
    cohort: pd.Series,
    *,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    alpha: float = 0.05,
) -> Estimate:
    r"""Regress the outcome on treatment with unit and year effects.

    .. math:: Y_{it} = \alpha_i + \gamma_t + \beta D_{it} + x_{it}'\delta + \varepsilon_{it}

    With staggered adoption β is a weighted mean of effects in which units treated
    earlier also serve as controls, some weights being negative; it is shown as the
    field's usual number, not as the answer.

    Parameters
    ----------
    panel : Panel
        The outcome, balanced or not; calendar years may be missing.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated. Units treated from the first year
        on are left out and named.
    covariates : mapping of str to pandas.Series or pandas.DataFrame, optional
        By unit and year; they must vary within units.
    weights : pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year.
    cluster : pandas.Series, optional
        Clusters of units; every unit is its own without it.
    alpha : float
        One minus the level of the interval.

    Returns
    -------
    Estimate
        Errors clustered with the factor ``G/(G−1)·(N−1)/(N−K)``, K counting the treatment,
        the covariates and the year effects, and t(G−1) quantiles: the convention of R's
        ``fixest``.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.did.sample.prepare`.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment
    timing. Journal of Econometrics 225(2).
    """
    s = prepare(
        panel,
        cohort,
        covariates=covariates,
        weights=weights,
        cluster=cluster,
        all_treated=True,
        gaps=True,
        singletons=False,
    )
    years = year_columns(len(s.years))
    designs = [
        np.column_stack([years, (s.years >= g) if g else np.zeros(len(s.years))])
        for g in [0, *s.cohorts]
    ]
    labels = [*(f"the year {y}" for y in s.years[1:]), "the treatment"]
    fit = absorbed_least_squares(s, designs, labels, s.weight)
    factor, df, text = cluster_factor(s, len(fit.coefficient))
    k = years.shape[1]
    by_unit = without_rounding(fit.influence(slice(k, k + 1)), s.y)
    psi = within_clusters(by_unit, s.cluster) * np.sqrt(factor)
    beta, se = float(fit.coefficient[k]), float(np.sqrt((psi**2).sum()))
    statistic = beta / se if se > 0 else None
    half = float(student.ppf(1 - alpha / 2, df)) * se if se > 0 else float("inf")
    return Estimate(
        term="treated",
        estimate=beta,
        conf_int=(beta - half, beta + half),
        method="two-way fixed effects",
        inference="analytic, clustered" + (" by unit" if s.cluster is None else ""),
        estimand="twfe",
        std_error=se if se > 0 else None,
        statistic=statistic,
        p_value=None if statistic is None else float(2 * student.sf(abs(statistic), df)),
        n_obs=s.n_obs,
        n_units=len(s.units),
        n_treated_units=int((s.cohort > 0).sum()),
        n_clusters=s.n_clusters,
        small_sample=text if se > 0 else f"{text}; no error can be estimated, nothing varies",
        alpha=alpha,
        data_hash=s.data_hash,
        notes=s.notes,
    )
