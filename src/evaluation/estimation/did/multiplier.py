"""Multiplier bootstrap of an aggregate from its influence function."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import (
    Estimand,
    aggregate,
    aggregate_influence,
    within_clusters,
)
from evaluation.results import Estimate, GroupTime

__all__ = ["Multiplier", "multiplier_bootstrap", "multipliers"]

Multiplier = Literal["rademacher", "mammen"]
CHUNK = 1 << 21
GOLDEN = (1 + 5**0.5) / 2


def multipliers(
    rng: np.random.Generator, size: tuple[int, int], kind: Multiplier = "rademacher"
) -> np.ndarray:
    """Draw weights with mean zero and variance one.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where they come from.
    size : tuple of int
        Shape.
    kind : {"rademacher", "mammen"}
        Signs, or Mammen's two points, whose third moment is one as well.

    Returns
    -------
    numpy.ndarray
        The draws.

    Raises
    ------
    InputError
        If the kind is neither.
    """
    if kind == "rademacher":
        return rng.integers(0, 2, size=size) * 2.0 - 1.0
    if kind == "mammen":
        # 1 − φ with probability φ/√5, else φ
        return np.where(rng.random(size) < GOLDEN / 5**0.5, 1 - GOLDEN, GOLDEN)
    raise InputError(f"{kind!r} is none of rademacher, mammen", field="multiplier")


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
    if not (psi != 0).any():
        raise InputError("the units leave no variation to measure an error by", field="inference")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rows = max(1, CHUNK // len(psi))
    sizes = [min(rows, draws - start) for start in range(0, draws, rows)]
    sums = np.concatenate([multipliers(rng, (n, len(psi)), kind) @ psi for n in sizes])
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
