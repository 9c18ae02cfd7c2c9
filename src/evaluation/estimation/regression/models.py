"""Panel regressions through linearmodels, with errors whose convention is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import t as student

from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import ClusterErrors, cr1, cr2, cr3
from evaluation.estimation.regression.formula import ModelRows, model_rows
from evaluation.estimation.regression.least_squares import LeastSquares
from evaluation.estimation.regression.panel_library import library_fit
from evaluation.estimation.regression.result import Coefficient, RegressionResult
from evaluation.estimation.regression.sample_checks import sample_checks
from evaluation.estimation.regression.transform import transform, varying_within
from evaluation.estimation.regression.wild_bootstrap import Multiplier, wild_cluster_bootstrap

__all__ = ["Cov", "Model", "regress"]

Model = Literal["fixed", "random", "between", "first_difference", "mundlak", "pooled"]
Cov = Literal[
    "clustered", "two-way", "driscoll-kraay", "cr2", "cr3", "wild", "robust", "unadjusted"
]
METHODS = {
    "fixed": "fixed effects (linearmodels PanelOLS)",
    "random": "random effects (linearmodels RandomEffects)",
    "between": "between units (linearmodels BetweenOLS)",
    "first_difference": "first differences (linearmodels FirstDifferenceOLS)",
    "mundlak": "correlated random effects, Mundlak (linearmodels RandomEffects)",
    "pooled": "pooled least squares (linearmodels PooledOLS)",
}
FROM_SCORES: dict[str, Callable[[LeastSquares], ClusterErrors]] = {
    "clustered": cr1,
    "cr2": cr2,
    "cr3": cr3,
}


def _check_call(rows: ModelRows, model: str, cov: str, weights: str | None, alpha: float) -> None:
    if model not in METHODS:
        raise InputError(f"{model!r} is not one of {', '.join(METHODS)}", field="model")
    if cov not in get_args(Cov):
        raise InputError(f"{cov!r} is not one of {', '.join(get_args(Cov))}", field="cov")
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    if model == "fixed" and not (rows.entity_effects or rows.time_effects):
        raise InputError(
            "the fixed model needs EntityEffects or TimeEffects in the formula; "
            "without effects take the pooled model",
            field="formula",
        )
    if model != "fixed" and rows.entity_effects:
        raise InputError(
            f"EntityEffects belong to the fixed model, not to {model}", field="formula"
        )
    if model == "between" and rows.time_effects:
        raise InputError("unit means have no years, so no TimeEffects", field="formula")
    if weights is not None and model in ("random", "mundlak", "between"):
        raise InputError(
            f"the {model} model takes no weights; fixed, pooled and first differences do",
            field="weights",
        )
    if cov in ("two-way", "driscoll-kraay") and model == "between":
        raise InputError("unit means have no years to be dependent within", field="cov")
    if cov == "two-way" and model == "first_difference":
        raise InputError(
            "a difference lies in two years, so it cannot be clustered by year; "
            "take clustered or driscoll-kraay",
            field="cov",
        )


def _check_absorbed(rows: ModelRows) -> None:
    """Name a regressor that one kind of effect alone takes in whole."""
    if rows.entity_effects:
        within = varying_within(rows)
        for name in [str(c) for c in rows.x if c != "Intercept"]:
            if name not in within:
                raise InputError(
                    "does not vary within any unit, so the unit effects absorb it", field=name
                )
    if rows.time_effects:
        by_year = replace(rows, unit=np.searchsorted(rows.years, rows.year))
        within = varying_within(by_year)
        for name in [str(c) for c in rows.x if c != "Intercept"]:
            if name not in within:
                raise InputError(
                    "is the same in all units each year, so the year effects absorb it", field=name
                )


def _library_errors(
    rows: ModelRows, model: str, cov: str, fit: LeastSquares, bandwidth: int | None
) -> ClusterErrors:
    """Return errors that linearmodels makes, with the factor and the quantiles named."""
    k = len(fit.names)
    n, n_years = fit.n_obs, len(rows.years) - (model == "first_difference")
    left = float(n - fit.n_parameters)
    if cov == "two-way":
        done = library_fit(
            rows,
            model,
            {"cov_type": "clustered", "clusters": True, "group_debias": True, "debiased": False},
        )
        kept = fit.n_parameters_nested
        variance = np.diag(np.asarray(done.cov))[:k] * n / (n - kept)
        if (variance <= 0).any():
            raise InputError(
                "the two-way variance is not positive, as can happen with few years; "
                "take clustered or driscoll-kraay",
                field=fit.names[int(np.argmax(variance <= 0))],
            )
        df = min(fit.n_clusters, n_years) - 1.0
        words = (
            "V(cluster) + V(year) − V(both), each with its own G/(G−1)·(N−1)/(N−K), "
            f"G = {fit.n_clusters} and {n_years}, N = {n}, K = {kept}; t({df:.0f}), "
            "one less than the fewer clusters (Cameron, Gelbach & Miller 2011)"
        )
        return ClusterErrors(np.sqrt(variance), np.full(k, df), words)
    if cov == "driscoll-kraay":
        lags = bandwidth if bandwidth is not None else int(4 * (n_years / 100) ** (2 / 9))
        if not 0 <= lags < n_years:
            raise InputError(
                f"{lags} lags are not possible with {n_years} periods", field="bandwidth"
            )
        done = library_fit(
            rows,
            model,
            {"cov_type": "kernel", "kernel": "bartlett", "bandwidth": lags, "debiased": True},
        )
        df = n_years - 1.0
        words = (
            f"Bartlett kernel, {lags} lags, N/(N−K) with N = {n}, K = {fit.n_parameters} "
            f"(every effect counted); t({df:.0f}), T = {n_years} periods"
        )
        return ClusterErrors(np.asarray(done.std_errors)[:k], np.full(k, df), words)
    done = library_fit(rows, model, {"cov_type": cov, "debiased": True})
    words = f"N/(N−K) with N = {n}, K = {fit.n_parameters} (every effect counted); t({left:.0f})"
    return ClusterErrors(np.asarray(done.std_errors)[:k], np.full(k, left), words)


def regress(
    frame: pd.DataFrame,
    formula: str,
    unit: str,
    time: str,
    *,
    weights: str | None = None,
    cluster: str | None = None,
    model: Model = "fixed",
    cov: Cov = "clustered",
    bandwidth: int | None = None,
    restricted: bool = True,
    multiplier: Multiplier = "rademacher",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> RegressionResult:
    r"""Fit a panel regression.

    .. math:: y_{it} = x_{it}'\beta + \alpha_i + \gamma_t + \varepsilon_{it}

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per unit and year; gaps are allowed and told.
    formula : str
        ``y ~ x + EntityEffects + TimeEffects``. TimeEffects may stand in every model but
        between; EntityEffects in the fixed model only.
    unit, time : str
        Columns of the unit and of the year.
    weights : str, optional
        Column of weights: the variance of a row is proportional to 1/weight (fixed, pooled,
        first_difference; a difference weighs 1/(1/w₁ + 1/w₀)).
    cluster : str, optional
        Column of clusters; the unit otherwise.
    model : {"fixed", "random", "between", "first_difference", "mundlak", "pooled"}
        Within units; Swamy–Arora random effects; means of units; differences between
        neighbouring periods; random effects with the unit means of the regressors, so
        that the coefficients of x are the within ones; neither.
    cov : {"clustered", "two-way", "driscoll-kraay", "cr2", "cr3", "wild", "robust", "unadjusted"}
        Kind of errors. ``clustered`` is CR1 in the convention of R's fixest.
    bandwidth : int, optional
        Lags of Driscoll–Kraay; the whole part of 4(T/100)^(2/9) otherwise.
    restricted, multiplier, draws, seed
        Of the wild bootstrap.
    alpha : float
        One minus the level.

    Returns
    -------
    RegressionResult
        One row per coefficient; for ``wild`` the error is CR1, while p-value and interval
        are the bootstrap's.

    Raises
    ------
    InputError
        If the data, the formula or the combination of options is at fault.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica
    46(1). Driscoll, J. & Kraay, A. (1998). Review of Economics and Statistics 80(4).
    Cameron, C., Gelbach, J. & Miller, D. (2011). Robust inference with multiway clustering.
    Journal of Business & Economic Statistics 29(2).

    Examples
    --------
    >>> data = pd.DataFrame({"unit": list("aabbccdd"), "year": [1, 2] * 4,
    ...                      "y": [0.0, 1, 0, 3, 0, 0, 1, 2], "x": [0, 1, 0, 1, 0, 0, 0, 0]})
    >>> fit = regress(data, "y ~ x + EntityEffects + TimeEffects", "unit", "year")
    >>> round(fit["x"].estimate, 6)
    1.5
    """
    rows = model_rows(frame, formula, unit=unit, time=time, weights=weights, cluster=cluster)
    _check_call(rows, model, cov, weights, alpha)
    _check_absorbed(rows)
    if len(np.unique(rows.cluster)) < 2:
        raise InputError(
            "there is only one cluster; errors by cluster need at least two", field=cluster or unit
        )
    # the plain rows first: what is collinear in them is told before anything is estimated
    fit = transform(rows, model).fit()
    done = library_fit(rows, model, {"cov_type": "unadjusted"})
    if model in ("random", "mundlak"):
        theta = np.asarray(done.theta)[:, 0]
        fit = transform(rows, model, theta).fit()
    estimates = np.asarray(done.params)[: len(fit.names)]
    inference = {
        "clustered": f"analytic, clustered by {cluster or unit}",
        "two-way": f"analytic, clustered by {cluster or unit} and {time}",
        "driscoll-kraay": "analytic, Driscoll–Kraay",
        "cr2": f"analytic, CR2 clustered by {cluster or unit}",
        "cr3": f"jackknife over {cluster or unit}, CV3",
        "robust": "analytic, robust to unequal variance",
        "unadjusted": "analytic, independent errors of equal variance",
    }.get(cov, "")
    notes: list[str] = []
    if cov == "wild":
        tests = [
            wild_cluster_bootstrap(
                fit,
                name,
                restricted=restricted,
                multiplier=multiplier,
                draws=draws,
                seed=seed,
                alpha=alpha,
            )
            for name in fit.names
        ]
        inference = f"{tests[0].inference}, by {cluster or unit}"
        small_sample = tests[0].small_sample
        coefficients = tuple(
            Coefficient(w.term, float(b), w.std_error, w.statistic, w.p_value, w.conf_int, np.nan)
            for w, b in zip(tests, estimates, strict=True)
        )
        used_seed = tests[0].seed
    else:
        errors = (
            FROM_SCORES[cov](fit)
            if cov in FROM_SCORES
            else _library_errors(rows, model, cov, fit, bandwidth)
        )
        coefficients = _coefficients(fit.names, estimates, errors, alpha)
        small_sample, used_seed = errors.small_sample, None
        notes = [
            f"{term} rests on cluster {label} alone, so it has no {cov} error"
            for term, label in errors.undefined.items()
        ]
    if cov == "robust" and rows.entity_effects:
        notes.append(
            "these errors are inconsistent with unit effects and few years, and take years of a "
            "unit as independent (Stock & Watson 2008); clustered errors are not"
        )
    if model in ("random", "mundlak") and cov in ("cr2", "cr3", "wild"):
        notes.append("the share of the unit mean that random effects take off is held fixed")
    if model == "first_difference" and len(np.unique(np.diff(rows.years))) > 1:
        notes.append("years are missing in all units: some differences span more than one year")
    effects = ("unit",) * rows.entity_effects + ("year",) * rows.time_effects
    return RegressionResult(
        coefficients=coefficients,
        formula=formula,
        outcome=rows.outcome,
        model=model,
        method=METHODS[model],
        cov=cov,
        inference=inference,
        small_sample=small_sample,
        effects=effects,
        weights=weights,
        n_obs=fit.n_obs,
        n_units=len(rows.units),
        n_periods=len(rows.years),
        n_clusters=fit.n_clusters,
        alpha=alpha,
        seed=used_seed,
        data_hash=rows.data_hash,
        checks=sample_checks(rows, fit, cov),
        notes=tuple(notes),
        fit=fit,
    )


def _coefficients(
    names: tuple[str, ...], estimates: np.ndarray, errors: ClusterErrors, alpha: float
) -> tuple[Coefficient, ...]:
    out = []
    for name, b, se, df in zip(names, estimates, errors.std_error, errors.df, strict=True):
        if np.isnan(se):
            # told in a note
            out.append(
                Coefficient(name, float(b), np.nan, np.nan, np.nan, (-np.inf, np.inf), np.nan)
            )
            continue
        if not se > 0:
            raise InputError("its standard error is zero, so there is nothing to test", field=name)
        half = float(student.ppf(1 - alpha / 2, df) * se)
        p = float(2 * student.sf(abs(b / se), df))
        bounds = (float(b) - half, float(b) + half)
        out.append(Coefficient(name, float(b), float(se), float(b / se), p, bounds, float(df)))
    return tuple(out)
