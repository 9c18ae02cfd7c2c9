"""Two-way fixed-effects panel regression through linearmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from evaluation.data.panel import Panel
from evaluation.estimation.cohorts import check_cohorts
from evaluation.results import Estimate

__all__ = ["two_way_fixed_effects"]


def two_way_fixed_effects(panel: Panel, cohort: pd.Series, *, alpha: float = 0.05) -> Estimate:
    r"""Regress the outcome on treatment with unit and year effects.

    .. math:: Y_{it} = \alpha_i + \gamma_t + \beta D_{it} + \varepsilon_{it}

    With staggered adoption β is a weighted mean of effects in which units treated
    earlier also serve as controls, some weights being negative; it is shown as the
    field's usual number, not as the answer.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    alpha : float
        One minus the level of the interval.

    Returns
    -------
    Estimate
        Errors clustered by unit with the factor ``G/(G−1)·(N−1)/(N−K)``, K counting the
        treatment and the year effects, and t(G−1) quantiles: the convention of R's
        ``fixest``.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment
    timing. Journal of Econometrics 225(2).
    """
    from linearmodels.panel import PanelOLS

    g = check_cohorts(panel, cohort, gaps=True)
    years = np.array(panel.years)
    n, t = panel.values.shape
    treated = (g[:, None] > 0) & (years[None, :] >= g[:, None])
    index = pd.MultiIndex.from_product([range(n), years], names=["unit", "time"])
    data = pd.DataFrame(
        {
            "y": panel.values.to_numpy(dtype=float).ravel(),
            "treated": treated.astype(float).ravel(),
        },
        index=index,
    )
    # the bare sandwich: linearmodels would otherwise count the unit effects although they
    # are nested in the clusters; the factor below is the named convention instead
    fit = PanelOLS(data["y"], data[["treated"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered",
        cluster_entity=True,
        debiased=False,
        auto_df=False,
        count_effects=False,
    )
    n_obs = int(fit.nobs)
    k = 1 + t
    factor = n / (n - 1) * (n_obs - 1) / (n_obs - k)
    beta = float(fit.params["treated"])
    se = float(fit.std_errors["treated"]) * float(np.sqrt(factor))
    statistic = beta / se if se > 0 else float("nan")
    half = float(student.ppf(1 - alpha / 2, n - 1)) * se
    return Estimate(
        term="treated",
        estimate=beta,
        conf_int=(beta - half, beta + half),
        method="two-way fixed effects (linearmodels PanelOLS)",
        inference="analytic, clustered by unit",
        estimand="twfe",
        std_error=se,
        statistic=statistic,
        p_value=float(2 * student.sf(abs(statistic), n - 1)),
        n_obs=n_obs,
        n_units=n,
        n_treated_units=int((g > 0).sum()),
        n_clusters=n,
        small_sample=(
            f"G/(G−1)·(N−1)/(N−K) with G = {n}, N = {n_obs}, K = {k} (treatment and year effects; "
            f"unit effects are nested in the clusters); t({n - 1})"
        ),
        alpha=alpha,
        data_hash=panel.hash(),
    )
