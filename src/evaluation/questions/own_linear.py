"""Whether the tests for few treated units cover an estimate from a file of one's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.sample import prepare
from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.results import Estimate

__all__ = ["LinearDesign", "count_sides", "estimator_of", "linear_design"]

# the estimators whose points are those of a linear estimator, and which
LINEAR = {
    "cs": "cs",
    "sunab": "cs",
    "imputation": "imputation",
    "twostage": "imputation",
    "etwfe": "imputation",
    "twfe": "twfe",
}


@dataclass(frozen=True)
class LinearDesign:
    """What the tests for few treated units need of a file.

    Parameters
    ----------
    panel : Panel
        The estimator's own sample, balanced.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    size : pandas.Series or pandas.DataFrame or None
        Persons behind each value.
    weights : pandas.Series or None
        Weights by unit.
    method, control_group : str
        Of the linear estimator.
    anticipation : int
        Years.
    weights_as_size : bool
        Whether the sizes are the weights.
    """

    panel: Panel
    cohort: pd.Series
    size: pd.Series | pd.DataFrame | None
    weights: pd.Series | None
    method: str
    control_group: str
    anticipation: int
    weights_as_size: bool


def count_sides(
    panel: Panel, cohort: pd.Series, cluster: pd.Series | None, method: str
) -> tuple[int, int]:
    """Count treated and comparison units, or the clusters that hold them.

    Where nobody is never treated, the last cohort is the comparison; two-way fixed effects
    compare earlier with later cohorts, whichever is treated.

    Parameters
    ----------
    panel : Panel
        Without always-treated units.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    cluster : pandas.Series or None
        Clusters by unit.
    method : str
        A key of ``METHODS``.

    Returns
    -------
    tuple of int
        Treated and comparison.
    """
    g = cohort.reindex(panel.units).to_numpy(dtype=int)
    label = np.arange(len(g)) if cluster is None else cluster.reindex(panel.units).to_numpy()
    treated, others = g > 0, g == 0
    if not others.any():
        treated, others = g < g.max(), (g > g.min()) if method == "twfe" else (g == g.max())
    return len(set(label[treated])), len(set(label[others]))


def linear_design(
    panel: Panel,
    cohort: pd.Series,
    like: Estimate,
    *,
    method: str,
    control_group: str,
    anticipation: int,
    covariates: bool,
    cluster: bool,
    weights: pd.DataFrame | None,
    size: pd.Series | pd.DataFrame | None,
) -> LinearDesign | str:
    """Say whether the tests for few treated units cover an estimate.

    Parameters
    ----------
    panel : Panel
        As it was read.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    like : Estimate
        The estimator's number, which the linear form must give too.
    method : str
        A key of ``METHODS``.
    control_group : str
        ``never_treated`` or ``not_yet_treated``.
    anticipation : int
        Years.
    covariates, cluster : bool
        Whether they were given.
    weights, size : pandas.DataFrame, optional
        By unit and year; weights serve as sizes where there are none.

    Returns
    -------
    LinearDesign or str
        Or why they do not cover it, in words.
    """
    if method not in LINEAR:
        return f"{method} is not a fixed weighting of the outcomes"
    if covariates:
        return "covariates are adjusted for"
    if cluster:
        return "units are clustered"
    if panel.unbalanced and bool(panel.values.isna().to_numpy().any()):
        return "the panel has gaps"
    by_unit = None
    if weights is not None:
        wide = weights.reindex(panel.units)
        if (wide.ne(wide.iloc[:, 0], axis=0)).to_numpy().any():
            return (
                "the weights change from year to year (an unweighted estimate with the same "
                "column as --size is covered)"
            )
        by_unit = wide.iloc[:, 0]
    try:
        s = prepare(
            panel,
            cohort,
            last_as_control=method != "twfe"
            and (method != "cs" or control_group != "never_treated"),
            all_treated=method == "twfe",
            anticipation=anticipation,
            gaps=method == "twfe",
        )
        wide = pd.DataFrame(s.y, index=list(s.units), columns=s.years.tolist())
        design = LinearDesign(
            panel=Panel(panel.outcome, wide),
            cohort=pd.Series(s.cohort, index=list(s.units)),
            size=weights if size is None else size,
            weights=by_unit,
            method=LINEAR[method],
            control_group=control_group,
            anticipation=anticipation,
            weights_as_size=size is None and weights is not None,
        )
        value = float(collapse(s.y, estimator_of(design, like.estimand)).estimate[0])
    except InputError as error:
        return error.problem
    if abs(value - like.estimate) > 1e-8 * max(1.0, abs(like.estimate)):
        return "its number is not that of the linear estimator"
    return design


def estimator_of(d: LinearDesign, estimand: str) -> LinearEstimator:
    """Return the linear estimator of an aggregate or event time."""
    return linear_estimator(
        d.panel,
        d.cohort,
        method=d.method,
        estimand=estimand,
        control_group=d.control_group,
        anticipation=d.anticipation,
        weights=d.weights,
    )
