"""The wild cluster bootstrap of a two-way fixed-effects treatment effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.regression.least_squares import least_squares
from evaluation.estimation.regression.wild_bootstrap import Multiplier, wild_cluster_bootstrap
from evaluation.results import Estimate

__all__ = ["wild_two_way"]


def wild_two_way(
    panel: Panel,
    cohort: pd.Series,
    *,
    restricted: bool = True,
    multiplier: Multiplier = "rademacher",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> Estimate:
    r"""Test the two-way fixed-effects coefficient by the wild cluster bootstrap, by unit.

    .. math:: Y_{it} = \alpha_i + \gamma_t + \beta D_{it} + \varepsilon_{it}

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    restricted, multiplier, draws, seed, alpha
        As :func:`~evaluation.estimation.regression.wild_bootstrap.wild_cluster_bootstrap`.

    Returns
    -------
    Estimate
        The coefficient of
        :func:`~evaluation.estimation.did.two_way.two_way_fixed_effects` with its CR1 error,
        bootstrap p-value and interval.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`, or if the residuals are zero.
    """
    g = check_cohorts(panel, cohort, gaps=True)
    years = np.array(panel.years)
    n, t = panel.values.shape
    treated = ((g[:, None] > 0) & (years[None, :] >= g[:, None])).astype(float)
    unit = np.repeat(np.arange(n), t)
    fit = least_squares(
        panel.values.to_numpy(dtype=float).ravel(),
        treated.reshape(-1, 1),
        unit,
        names=["treated"],
        nuisance=np.tile(np.eye(t)[:, 1:], (n, 1)),
        absorb=unit,
    )
    test = wild_cluster_bootstrap(
        fit,
        "treated",
        restricted=restricted,
        multiplier=multiplier,
        draws=draws,
        seed=seed,
        alpha=alpha,
    )
    n1 = int((g > 0).sum())
    notes = []
    if min(n1, n - n1) < 8:
        notes.append(
            f"{n1} treated units: the restricted wild bootstrap then rejects too rarely and the "
            "unrestricted one too often (MacKinnon & Webb 2017)"
        )
    return Estimate(
        term="treated",
        estimate=test.estimate,
        conf_int=test.conf_int,
        method="two-way fixed effects (least squares)",
        inference=f"{test.inference}, by unit",
        estimand="twfe",
        std_error=test.std_error,
        statistic=test.statistic,
        p_value=test.p_value,
        n_obs=n * t,
        n_units=n,
        n_treated_units=n1,
        n_clusters=n,
        small_sample=test.small_sample,
        alpha=alpha,
        seed=test.seed,
        data_hash=panel.hash(),
        notes=tuple(notes),
    )
