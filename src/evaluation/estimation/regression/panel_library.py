"""The one adapter to linearmodels: points, and the errors that it makes itself."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.regression.formula import ModelRows
from evaluation.estimation.regression.transform import library_columns

__all__ = ["library_fit", "random_effects_share"]


def library_fit(rows: ModelRows, model: str, config: dict[str, Any]) -> Any:
    """Fit a panel model with linearmodels.

    Parameters
    ----------
    rows : ModelRows
        The usable rows.
    model : {"fixed", "pooled", "first_difference", "between", "random", "mundlak"}
        The model.
    config : dict
        Keywords of the covariance; ``clusters`` stands for the clusters of the rows and the
        years, in that order.

    Returns
    -------
    PanelResults
        Coefficients of the formula first, year effects behind them.

    Raises
    ------
    InputError
        With the library's own sentence, where it refuses.
    """
    from linearmodels.panel.utility import AbsorbingEffectError

    try:
        return _fit(rows, model, config)
    except (ValueError, AbsorbingEffectError) as error:
        raise InputError(str(error).strip().partition(". ")[0], field="model") from None


def _fit(rows: ModelRows, model: str, config: dict[str, Any]) -> Any:
    from linearmodels.panel import (
        BetweenOLS,
        FirstDifferenceOLS,
        PanelOLS,
        PooledOLS,
        RandomEffects,
    )

    index = pd.MultiIndex.from_arrays([rows.unit, rows.year], names=["unit", "year"])
    y = pd.Series(rows.y, index=index, name=rows.outcome)
    weights = None if rows.weights is None else pd.Series(rows.weights, index=index)
    if "clusters" in config:
        codes = pd.DataFrame(
            {"cluster": np.unique(rows.cluster, return_inverse=True)[1], "year": rows.year},
            index=index,
        )
        config = config | {"clusters": codes}
    if model == "fixed":
        x = rows.x.drop(columns="Intercept", errors="ignore").set_axis(index)
        absent = {"auto_df": False, "count_effects": False} if "clusters" in config else {}
        return PanelOLS(
            y,
            x,
            entity_effects=rows.entity_effects,
            time_effects=rows.time_effects,
            weights=weights,
        ).fit(**config, **absent)
    if model == "between":
        return BetweenOLS(y, rows.x.set_axis(index)).fit(**config)
    x = library_columns(rows, model).set_axis(index)
    if model == "first_difference":
        return FirstDifferenceOLS(y, x, weights=weights).fit(**config)
    if model == "pooled":
        return PooledOLS(y, x, weights=weights).fit(**config)
    return RandomEffects(y, x).fit(**config)


def random_effects_share(rows: ModelRows, model: Literal["random", "mundlak"]) -> np.ndarray:
    r"""Return each unit's share θ of its mean that random effects take off, shape (units,).

    .. math:: \theta_i = 1 - \sqrt{\sigma_e^2 / (\sigma_e^2 + T_i \sigma_u^2)}

    with the variances of Swamy & Arora (1972), by linearmodels.
    """
    return np.asarray(library_fit(rows, model, {"cov_type": "unadjusted"}).theta)[:, 0]
