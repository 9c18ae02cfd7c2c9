"""Multiplier bootstrap of an aggregate from its influence function."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import (
    Estimand,
    aggregate,
    aggregate_influence,
    rounding,
    within_clusters,
)
from evaluation.estimation.did.multiplier_draws import Multiplier, multiplied_sums
from evaluation.results import Estimate, GroupTime

__all__ = ["multiplier_bootstrap"]


def multiplier_bootstrap(
    gt: GroupTime,
    estimand: Estimand = "simple",
    *,
    kind: Multiplier = "rademacher",
    draws: int = 9999,
    seed: int = 1,
) -> Estimate:
    r"""Give an aggregate the error, interval and p-value of the multiplier bootstrap.

    .. math::
        T_b = \sum_c \xi_{bc} \sum_{i \in c} \psi_i, \qquad
        \widehat{se} = \frac{q_{0.75}(T) - q_{0.25}(T)}{z_{0.75} - z_{0.25}}

    The interval is the estimate plus and minus the ``1 - alpha`` quantile of |T|, the p-value
    the share of draws with |T| at least as large as the estimate.

    Parameters
    ----------
    gt : GroupTime
        Group-time effects with influence functions.
    estimand : {"simple", "cohort", "dynamic", "calendar"}
        As in :func:`evaluation.estimation.did.aggregation.aggregate`.
    kind : {"rademacher", "mammen"}
        Distribution of ξ, one draw per cluster.
    draws : int
        How many.
    seed : int
        Their seed.

    Returns
    -------
    Estimate
        As valid as the analytic error: with few treated units both are too small.

    Raises
    ------
    InputError
        As ``aggregate``; if there are fewer than 99 draws, or the influence is zero throughout.

    References
    ----------
    Callaway, B. & Sant'Anna, P. (2021). Journal of Econometrics 225(2), section 4.1,
    algorithm 1.
    """
    if draws < 99:
        raise InputError("at least 99 draws are needed", field="draws")
    value, by_unit = aggregate_influence(gt, estimand)
    psi = within_clusters(by_unit, gt.cluster)
    if float(np.sqrt(psi @ psi)) <= rounding(gt):
        raise InputError("the units leave no variation to measure an error by", field="inference")
    sums = multiplied_sums(psi, draws, seed, kind)
    low, high = np.quantile(sums, [0.25, 0.75])
    se = float((high - low) / (norm.ppf(0.75) - norm.ppf(0.25)))
    half = float(np.quantile(np.abs(sums), 1 - gt.alpha))
    reached = int((np.abs(sums) >= abs(value)).sum())
    return replace(
        aggregate(gt, estimand),
        conf_int=(value - half, value + half),
        inference=f"multiplier bootstrap, {kind}" + ("" if gt.cluster is None else ", clustered"),
        std_error=se,
        statistic=value / se,
        p_value=(1 + reached) / (1 + draws),
        small_sample=f"{draws} draws; error from the interquartile range",
        seed=seed,
    )
