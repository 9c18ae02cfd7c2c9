"""Are unit effects related to the regressors? Hausman's and Mundlak's tests as checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import cluster_covariance
from evaluation.estimation.regression.formula import ModelRows, model_rows
from evaluation.estimation.regression.panel_library import random_effects_share
from evaluation.estimation.regression.transform import Transformed, transform, varying_within
from evaluation.language import number, p_value
from evaluation.results import Check

__all__ = ["hausman_test", "mundlak_test"]


def _rows(frame: pd.DataFrame, formula: str, unit: str, time: str) -> ModelRows:
    rows = model_rows(frame, formula, unit=unit, time=time)
    if not varying_within(rows):
        raise InputError(
            "no regressor varies within units, so fixed and random effects cannot be compared",
            field="formula",
        )
    return replace(rows, entity_effects=False)


def hausman_test(
    frame: pd.DataFrame, formula: str, unit: str, time: str, *, alpha: float = 0.05
) -> Check:
    r"""Compare fixed with random effects by Hausman's test.

    .. math::
        H = (\hat\beta_{FE} - \hat\beta_{RE})'(V_{FE} - V_{RE})^{+}
        (\hat\beta_{FE} - \hat\beta_{RE}) \sim \chi^2(r)

    Both variances use the error variance of the random-effects fit, so that their difference
    cannot be negative; r is its rank.

    Parameters
    ----------
    frame, formula, unit, time
        As :func:`~evaluation.estimation.regression.models.regress`; EntityEffects in the
        formula is of no consequence.
    alpha : float
        Level of the test.

    Returns
    -------
    Check
        ``hausman``; passed when the two agree. It assumes independent errors of equal
        variance: :func:`mundlak_test` does not. Not decided where random effects take off
        the whole unit mean or none, so that nothing can be compared.

    Raises
    ------
    InputError
        As ``regress``, or if no regressor varies within units.

    References
    ----------
    Hausman, J. (1978). Specification tests in econometrics. Econometrica 46(6). Wooldridge,
    J. (2010). Econometric Analysis of Cross Section and Panel Data, section 10.7.3.
    """
    rows = _rows(frame, formula, unit, time)
    names = varying_within(rows)
    random = transform(rows, "random", random_effects_share(rows, "random")).fit()
    years = rows.year_dummies() if rows.time_effects else np.zeros((len(rows.y), 0))
    fixed = Transformed(rows.y, rows.x[names], years, rows.unit, None, rows.cluster).fit()
    at = [random.position(n) for n in names]
    gap = fixed.coefficients - random.coefficients[at]
    variance = float(random.residuals @ random.residuals) / (random.n_obs - random.n_parameters)
    spread_fixed = fixed.directions @ fixed.directions.T
    spread_random = random.directions[at] @ random.directions[at].T
    values, axes = np.linalg.eigh(variance * (spread_fixed - spread_random))
    usable = values > 1e-8 * variance * np.abs(spread_fixed).max()
    if not usable.any():
        return Check(
            "hausman",
            None,
            "Fasta och slumpmässiga effekter är här samma skattning.",
            "Fixed and random effects are the same estimate here.",
        )
    statistic = float(((axes[:, usable].T @ gap) ** 2 / values[usable]).sum())
    rank = int(usable.sum())
    p = float(stats.chi2.sf(statistic, rank))
    return _check("hausman", p, statistic, float(stats.chi2.ppf(1 - alpha, rank)), f"χ²({rank})")


def mundlak_test(
    frame: pd.DataFrame,
    formula: str,
    unit: str,
    time: str,
    *,
    robust: bool = True,
    alpha: float = 0.05,
) -> Check:
    r"""Test the unit means of the regressors jointly in the correlated random effects model.

    With errors clustered by unit this is the regression-based robust Hausman test.

    Parameters
    ----------
    frame, formula, unit, time
        As :func:`hausman_test`.
    robust : bool
        Clustered by unit, fixest convention, F(q, G−1); otherwise independent errors of equal
        variance, F(q, N−K).
    alpha : float
        Level of the test.

    Returns
    -------
    Check
        ``hausman_robust`` or ``mundlak``; passed when the means do not matter.

    Raises
    ------
    InputError
        As :func:`hausman_test`, or if no unit means differ.

    References
    ----------
    Mundlak, Y. (1978). Econometrica 46(1). Wooldridge, J. (2010). Econometric Analysis of
    Cross Section and Panel Data, section 10.7.3. Arellano, M. (1993). On the testing of
    correlated effects with panel data. Journal of Econometrics 59(1–2).
    """
    rows = _rows(frame, formula, unit, time)
    fit = transform(rows, "mundlak", random_effects_share(rows, "mundlak")).fit()
    at = [j for j, n in enumerate(fit.names) if n not in rows.x.columns]
    if not at:
        raise InputError("the unit means of the regressors do not differ", field="formula")
    beta, q = fit.coefficients[at], len(at)
    if robust:
        covariance = cluster_covariance(fit)[np.ix_(at, at)]
        df = fit.n_clusters - 1
    else:
        df = fit.n_obs - fit.n_parameters
        scale = float(fit.residuals @ fit.residuals) / df
        covariance = scale * fit.directions[at] @ fit.directions[at].T
    if q > df:
        raise InputError(f"{fit.n_clusters} clusters cannot test {q} means jointly")
    statistic = float(beta @ np.linalg.solve(covariance, beta)) / q
    p = float(stats.f.sf(statistic, q, df))
    name = "hausman_robust" if robust else "mundlak"
    return _check(name, p, statistic, float(stats.f.ppf(1 - alpha, q, df)), f"F({q}, {df})")


def _check(name: str, p: float, statistic: float, threshold: float, law: str) -> Check:
    passed = statistic <= threshold
    sv = (
        "Enhetseffekterna hänger inte påvisbart samman med regressorerna"
        if passed
        else "Enhetseffekterna hänger samman med regressorerna, så slumpmässiga effekter är skeva"
    )
    en = (
        "No relation of the unit effects to the regressors is found"
        if passed
        else "The unit effects are related to the regressors, so random effects are biased"
    )
    return Check(
        name,
        passed,
        f"{sv} ({law} = {number(statistic, 'sv')}, {p_value(p, 'sv')}).",
        f"{en} ({law} = {number(statistic, 'en')}, {p_value(p, 'en')}).",
        statistic,
        threshold,
    )
