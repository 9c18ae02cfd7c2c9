"""Outcomes that are shares of a known number: linear probability and fractional logit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import t as student

from evaluation.errors import InputError
from evaluation.estimation.regression.formula import ModelRows, model_rows
from evaluation.estimation.regression.models import regress
from evaluation.estimation.regression.result import Coefficient, RegressionResult

__all__ = ["ShareModels", "share_models"]

LARGEST = 2e8  # cells of the dummy matrix; beyond it memory runs out before patience does
POINTS = 100.0


@dataclass(frozen=True, repr=False)
class ShareModels:
    """Two models of a share side by side, effects in percentage points.

    Parameters
    ----------
    linear : RegressionResult
        Weighted linear probability; its coefficients are shares, not percentage points.
    log_odds : tuple of Coefficient
        Coefficients of the fractional logit.
    margins : tuple of Coefficient
        Its average marginal effects in percentage points.
    n_obs, n_units, n_clusters : int
        Sample of the logit.
    left_out : tuple of str
        Units left out of the logit because their share is always 0 or always 1.
    small_sample : str
        Convention of the logit's errors.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of what entered.
    """

    linear: RegressionResult
    log_odds: tuple[Coefficient, ...]
    margins: tuple[Coefficient, ...]
    n_obs: int
    n_units: int
    n_clusters: int
    left_out: tuple[str, ...]
    small_sample: str
    alpha: float
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per model and regressor, effects in percentage points."""
        rows = []
        for model, coefficients, unit in (
            ("linear probability", self.linear.coefficients, POINTS),
            ("fractional logit", self.margins, 1.0),
        ):
            for c in coefficients:
                rows.append(
                    {
                        "model": model,
                        "term": c.term,
                        "effect_pp": unit * c.estimate,
                        "std_error": unit * c.std_error,
                        "statistic": c.statistic,
                        "p_value": c.p_value,
                        "conf_low": unit * c.conf_int[0],
                        "conf_high": unit * c.conf_int[1],
                    }
                )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "effects": self.tidy().to_dict("records"),
            "log_odds": [{"term": c.term, "estimate": c.estimate} for c in self.log_odds],
            "linear": self.linear.to_dict(),
            "n_obs": self.n_obs,
            "n_units": self.n_units,
            "n_clusters": self.n_clusters,
            "left_out": list(self.left_out),
            "small_sample": self.small_sample,
            "alpha": self.alpha,
            "data_hash": self.data_hash,
        }

    def summary(self) -> str:
        """Return the result as text for people."""
        table = self.tidy().to_string(index=False, float_format=lambda v: f"{v:.4f}")
        lines = [
            f"{self.linear.formula}, effects in percentage points",
            table,
            f"linear: {self.linear.n_obs} rows; {self.linear.small_sample}",
            f"logit: {self.n_obs} rows, {self.n_units} units; {self.small_sample}",
        ]
        if self.left_out:
            lines.append(
                f"note: {len(self.left_out)} units whose share is always 0 or always 1 are left "
                f"out of the logit: {', '.join(self.left_out[:10])}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<ShareModels {self.linear.formula}>"

    def _repr_html_(self) -> str:
        table = self.tidy()
        return table.to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


def share_models(
    frame: pd.DataFrame,
    formula: str,
    unit: str,
    time: str,
    *,
    denominator: str,
    cluster: str | None = None,
    alpha: float = 0.05,
) -> ShareModels:
    r"""Model a share by weighted linear probability and by fractional logit.

    .. math::
        E[y_{it}] = x_{it}'\beta + \alpha_i + \gamma_t, \qquad
        E[y_{it}] = \Lambda(x_{it}'\beta + \alpha_i + \gamma_t)

    both weighted by the number n that the share is of. The average marginal effect of the
    logit is weighted by n too: the mean derivative, for a regressor of zeros and ones the
    mean difference between one and zero.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per unit and year.
    formula : str
        Outcome between 0 and 1; EntityEffects and TimeEffects as in
        :func:`~evaluation.estimation.regression.models.regress`. No interactions, whose
        marginal effect is no single number.
    unit, time : str
        Columns.
    denominator : str
        Column of n, above zero.
    cluster : str, optional
        Column of clusters; the unit otherwise.
    alpha : float
        One minus the level.

    Returns
    -------
    ShareModels
        Both errors clustered with the same factor, G/(G−1)·(N−1)/(N−K), K without the unit
        effects; marginal effects by the delta method; t(G−1).

    Raises
    ------
    InputError
        As ``regress``, and for a share outside 0 to 1, an interaction, no convergence, or
        more dummies than memory holds.

    Notes
    -----
    Unit dummies in a logit are biased with few years (incidental parameters, of order 1/T);
    with fewer than eight years read the linear model first.

    References
    ----------
    Papke, L. & Wooldridge, J. (1996). Econometric methods for fractional response variables.
    Journal of Applied Econometrics 11(6). Fernández-Val, I. (2009). Fixed effects estimation
    of structural parameters and marginal effects in panel probit models. Journal of
    Econometrics 150(1).
    """
    rows = model_rows(frame, formula, unit=unit, time=time, weights=denominator, cluster=cluster)
    outside = (rows.y < 0) | (rows.y > 1)
    if outside.any():
        at = int(np.argmax(outside))
        raise InputError(
            f"unit {rows.units[rows.unit[at]]}, {rows.year[at]}: the share {rows.y[at]:g} must lie "
            "between 0 and 1",
            field=rows.outcome,
        )
    for name in rows.x:
        if ":" in str(name):
            raise InputError(
                "the marginal effect of an interaction is no single number; leave it out of a "
                "share model",
                field=str(name),
            )
    model = "fixed" if rows.entity_effects or rows.time_effects else "pooled"
    linear = regress(
        frame,
        formula,
        unit,
        time,
        weights=denominator,
        cluster=cluster,
        model=model,  # type: ignore[arg-type]
        alpha=alpha,
    )
    return _with_logit(rows, linear, alpha)


def _with_logit(rows: ModelRows, linear: RegressionResult, alpha: float) -> ShareModels:
    assert rows.weights is not None
    terms = [c.term for c in linear.coefficients]
    keep = np.ones(len(rows.y), dtype=bool)
    left_out: tuple[str, ...] = ()
    if rows.entity_effects:
        mean = np.bincount(rows.unit, rows.y) / np.bincount(rows.unit)
        certain = (mean == 0) | (mean == 1)
        keep = ~certain[rows.unit]
        left_out = tuple(u for u, c in zip(rows.units, certain, strict=True) if c)
    units, unit = np.unique(rows.unit[keep], return_inverse=True)
    n, n_dummies = int(keep.sum()), len(units) if rows.entity_effects else 0
    if n * n_dummies > LARGEST:
        raise InputError(
            f"a logit with {n_dummies} unit effects over {n} rows needs too much memory; "
            "take the linear model"
        )
    x = rows.x.loc[:, terms].to_numpy()[keep]
    blocks = [x]
    if rows.entity_effects:
        blocks.append((unit[:, None] == np.arange(n_dummies)).astype(float))
    if rows.time_effects:
        years = np.unique(rows.year[keep])
        constant = rows.entity_effects or "Intercept" in terms
        blocks.append((rows.year[keep][:, None] == years[None, int(constant) :]).astype(float))
    design = np.hstack(blocks)
    beta, covariance, fitted = _fit_logit(
        rows.y[keep], design, rows.weights[keep], rows.cluster[keep], rows.outcome
    )
    g = len(np.unique(rows.cluster[keep]))
    crosses = len({*zip(unit, rows.cluster[keep], strict=True)}) > len(units)
    k = design.shape[1] - (0 if crosses else max(n_dummies - 1, 0))
    covariance *= g / (g - 1) * (n - 1) / (n - k)
    weight = rows.weights[keep] / rows.weights[keep].sum()
    margins = []
    for j, name in enumerate(terms):
        if name == "Intercept":
            continue
        effect, gradient = _margin(design, beta, fitted, weight, j, terms)
        error = float(np.sqrt(gradient @ covariance @ gradient))
        margins.append(_coefficient(name, POINTS * effect, POINTS * error, g - 1, alpha))
    errors = np.sqrt(np.diag(covariance))
    return ShareModels(
        linear=linear,
        log_odds=tuple(
            _coefficient(name, float(beta[j]), float(errors[j]), g - 1, alpha)
            for j, name in enumerate(terms)
        ),
        margins=tuple(margins),
        n_obs=n,
        n_units=len(units),
        n_clusters=g,
        left_out=left_out,
        small_sample=f"G/(G−1)·(N−1)/(N−K) with G = {g}, N = {n}, K = {k}; t({g - 1})",
        alpha=alpha,
        data_hash=rows.data_hash,
    )


def _fit_logit(
    y: np.ndarray, design: np.ndarray, weights: np.ndarray, cluster: np.ndarray, outcome: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit by statsmodels; return coefficients, their bare clustered covariance, fitted shares."""
    import statsmodels.api as sm

    groups = np.unique(cluster, return_inverse=True)[1]
    # the scale of the weights is of no consequence to a clustered quasi-likelihood
    model = sm.GLM(y, design, family=sm.families.Binomial(), var_weights=weights / weights.mean())
    with warnings.catch_warnings():
        # what it would warn of is told below as a refusal
        warnings.simplefilter("ignore")
        fit = model.fit(
            maxiter=100,
            tol=1e-12,
            cov_type="cluster",
            cov_kwds={"groups": groups, "use_correction": False},
        )
    fitted = np.asarray(fit.fittedvalues)
    eta = design @ np.asarray(fit.params)
    if not fit.converged or not np.isfinite(eta).all() or np.abs(eta).max() > 25:
        raise InputError(
            "the logit does not converge: in some unit, year or group the share is always 0 or "
            "always 1; leave it out or take the linear model",
            field=outcome,
        )
    return np.asarray(fit.params), np.asarray(fit.cov_params()), fitted


def _margin(
    design: np.ndarray,
    beta: np.ndarray,
    fitted: np.ndarray,
    weight: np.ndarray,
    j: int,
    terms: list[str],
) -> tuple[float, np.ndarray]:
    """Return the average marginal effect of a term and its gradient in the coefficients."""
    column = design[:, j]
    if set(np.unique(column)) <= {0.0, 1.0}:
        one = design.copy()
        factor = terms[j].partition("[")[0] if "[" in terms[j] else None
        if factor is not None:
            # a category stands against the reference, so the others of its factor are off
            others = [i for i, t in enumerate(terms) if t.partition("[")[0] == factor]
            one[:, others] = 0.0
        none = one.copy()
        one[:, j], none[:, j] = 1.0, 0.0
        high, low = expit(one @ beta), expit(none @ beta)
        gradient = (weight * high * (1 - high)) @ one - (weight * low * (1 - low)) @ none
        return float(weight @ (high - low)), gradient
    slope = fitted * (1 - fitted)
    gradient = beta[j] * ((weight * slope * (1 - 2 * fitted)) @ design)
    gradient[j] += float(weight @ slope)
    return float(beta[j] * (weight @ slope)), gradient


def _coefficient(name: str, estimate: float, error: float, df: int, alpha: float) -> Coefficient:
    half = float(student.ppf(1 - alpha / 2, df)) * error
    return Coefficient(
        name,
        estimate,
        error,
        estimate / error,
        float(2 * student.sf(abs(estimate / error), df)),
        (estimate - half, estimate + half),
        float(df),
    )
