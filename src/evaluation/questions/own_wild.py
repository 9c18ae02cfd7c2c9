"""The wild cluster bootstrap of the two-way regression, for a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.regression.models import regress
from evaluation.estimation.regression.wild_bootstrap import Multiplier
from evaluation.results import Estimate

__all__ = ["wild_two_way_test"]


def wild_two_way_test(
    panel: Panel,
    cohort: pd.Series,
    like: Estimate,
    *,
    covariates: Mapping[str, pd.DataFrame],
    weights: pd.DataFrame | None,
    cluster: pd.Series | None,
    multiplier: Multiplier,
    draws: int,
    seed: int,
) -> Estimate:
    """Give two-way fixed effects the restricted wild cluster bootstrap's p-value and interval.

    Parameters
    ----------
    panel : Panel
        Without always-treated units.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    like : Estimate
        The analytic estimate.
    covariates : mapping of str to pandas.DataFrame
        By unit and year.
    weights : pandas.DataFrame, optional
        By unit and year.
    cluster : pandas.Series, optional
        By unit; every unit is its own without it.
    multiplier : {"rademacher", "webb"}
        Random factors.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        The standard error is CR1.

    Raises
    ------
    InputError
        If the regression cannot be fitted, or its estimate is another one.
    """
    units, years = np.array(panel.units, dtype=object), np.array(panel.years)
    g = cohort.reindex(panel.units).to_numpy(dtype=int)
    treated = (g[:, None] > 0) & (years[None, :] >= g[:, None])
    columns = {
        "unit": np.repeat(units, len(years)),
        "year": np.tile(years, len(units)),
        "outcome": panel.values.to_numpy(dtype=float).ravel(),
        "treated": treated.astype(float).ravel(),
    }
    terms = ["treated"]
    for k, values in enumerate(covariates.values()):
        columns[f"x{k}"] = values.reindex(index=units, columns=years).to_numpy(dtype=float).ravel()
        terms.append(f"x{k}")
    if weights is not None:
        columns["weight"] = weights.reindex(index=units, columns=years).to_numpy(float).ravel()
    if cluster is not None:
        columns["cluster"] = np.repeat(cluster.reindex(units).to_numpy(), len(years))
    frame = pd.DataFrame(columns)
    frame = frame[frame["outcome"].notna()]
    fit = regress(
        frame,
        f"outcome ~ {' + '.join(terms)} + EntityEffects + TimeEffects",
        "unit",
        "year",
        weights=None if weights is None else "weight",
        cluster=None if cluster is None else "cluster",
        cov="wild",
        multiplier=multiplier,
        draws=draws,
        seed=seed,
        alpha=like.alpha,
    )
    found = fit["treated"]
    if abs(found.estimate - like.estimate) > 1e-8 * max(1.0, abs(like.estimate)):
        raise InputError(
            "the regression behind the wild bootstrap is not that of the estimate",
            field="--inference",
        )
    return replace(
        like,
        conf_int=found.conf_int,
        std_error=found.std_error,
        statistic=found.statistic,
        p_value=found.p_value,
        inference=fit.inference,
        small_sample=fit.small_sample,
        seed=fit.seed,
        notes=(
            *like.notes,
            "wild: with few treated units or clusters its level is not known; the restricted form "
            "tends to reject too seldom (MacKinnon & Webb 2017)",
        ),
    )
