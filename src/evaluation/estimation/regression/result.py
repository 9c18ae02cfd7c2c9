"""The result of a panel regression: one row per coefficient, and what it takes to judge them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.regression.least_squares import LeastSquares
from evaluation.language import level, p_value
from evaluation.results import Check

__all__ = ["Coefficient", "RegressionResult"]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True)
class Coefficient:
    """One coefficient.

    Parameters
    ----------
    term : str
        The regressor.
    estimate, std_error, statistic, p_value : float
        Two-sided p-value of the null that it is zero.
    conf_int : tuple of float
        Bounds at the result's level; infinite where the design gives none.
    df : float
        Degrees of freedom of the t distribution; NaN for the bootstrap.
    """

    term: str
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_int: tuple[float, float]
    df: float


@dataclass(frozen=True, repr=False)
class RegressionResult:
    """A panel regression with its errors and their convention.

    Parameters
    ----------
    coefficients : tuple of Coefficient
        In the order of the formula; effects and year dummies are not among them.
    formula, outcome, model, method : str
        What was fitted and by which estimator.
    cov, inference, small_sample : str
        The kind of errors, in one word, in words, and their finite-sample convention.
    effects : tuple of str
        Effects in the model, for example ``("unit", "year")``.
    weights : str or None
        Column of the weights.
    n_obs, n_units, n_periods, n_clusters : int
        The sample that was used; ``n_obs`` counts the rows of the regression.
    alpha : float
        One minus the level.
    seed : int or None
        Seed of the draws, where there were any.
    data_hash : str
        SHA-256 of what entered.
    checks : tuple of Check
        What a reader must know.
    notes : tuple of str
        Remarks on the method.
    fit : LeastSquares
        The transformed rows, for further inference without another fit.

    See Also
    --------
    evaluation.estimation.regression.models.regress : Makes it.
    """

    coefficients: tuple[Coefficient, ...]
    formula: str
    outcome: str
    model: str
    method: str
    cov: str
    inference: str
    small_sample: str
    effects: tuple[str, ...]
    weights: str | None
    n_obs: int
    n_units: int
    n_periods: int
    n_clusters: int
    alpha: float
    seed: int | None
    data_hash: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    fit: LeastSquares = field(compare=False)

    def __getitem__(self, term: str) -> Coefficient:
        """Return one coefficient by the name of its term."""
        for c in self.coefficients:
            if c.term == term:
                return c
        have = ", ".join(c.term for c in self.coefficients)
        raise InputError(f"there is no term {term!r}; the model has {have}")

    def tidy(self) -> pd.DataFrame:
        """Return one row per coefficient."""
        return pd.DataFrame(
            {
                "term": [c.term for c in self.coefficients],
                "estimate": [c.estimate for c in self.coefficients],
                "std_error": [c.std_error for c in self.coefficients],
                "statistic": [c.statistic for c in self.coefficients],
                "p_value": [c.p_value for c in self.coefficients],
                "conf_low": [c.conf_int[0] for c in self.coefficients],
                "conf_high": [c.conf_int[1] for c in self.coefficients],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, in the command line's contract; no infinite number."""
        return {
            "method": self.method,
            "model": self.model,
            "formula": self.formula,
            "outcome": self.outcome,
            "effects": list(self.effects),
            "weights": self.weights,
            "cov": self.cov,
            "inference": self.inference,
            "small_sample": self.small_sample,
            "coefficients": [
                {
                    "term": c.term,
                    "estimate": c.estimate,
                    "std_error": _finite(c.std_error),
                    "statistic": _finite(c.statistic),
                    "p_value": _finite(c.p_value),
                    "conf_int": [_finite(b) for b in c.conf_int],
                    "df": _finite(c.df),
                }
                for c in self.coefficients
            ],
            "n_obs": self.n_obs,
            "n_units": self.n_units,
            "n_periods": self.n_periods,
            "n_clusters": self.n_clusters,
            "alpha": self.alpha,
            "checks": [
                {"name": c.name, "passed": c.passed, "text": c.text_en} for c in self.checks
            ],
            "notes": list(self.notes),
            "data_hash": self.data_hash,
            "seed": self.seed,
        }

    def summary(self) -> str:
        """Return the result as text for people."""
        table = self.tidy()
        table["p_value"] = [
            "–" if math.isnan(p) else p_value(p, "en").partition("\u00a0")[2] for p in table.p_value
        ]
        shown = table.to_string(index=False, float_format=lambda v: f"{v:.4f}", na_rep="–")
        effects = f", effects: {' and '.join(self.effects)}" if self.effects else ""
        weights = f", weights: {self.weights}" if self.weights else ""
        lines = [
            f"{self.formula}",
            f"{self.method}{effects}{weights}",
            f"errors: {self.inference}; {self.small_sample}",
            "",
            shown,
            "",
            f"{self.n_obs} rows, {self.n_units} units, {self.n_periods} periods, "
            f"{self.n_clusters} clusters; intervals at {level(1 - self.alpha, 'en')}",
        ]
        mark = {True: "passed", False: "NOT PASSED", None: "cannot be judged"}
        lines += [f"{c.name}: {mark[c.passed]}. {c.text_en}" for c in self.checks]
        lines += [f"note: {n}" for n in self.notes]
        return "\n".join(lines)

    def with_checks(self, checks: Sequence[Check]) -> RegressionResult:
        """Return the same result with further checks."""
        return RegressionResult(**{**vars(self), "checks": (*self.checks, *checks)})

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<RegressionResult {self.formula}, {self.model}, {self.cov}>"

    def _repr_html_(self) -> str:
        table = self.tidy().to_html(
            index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0
        )
        foot = f"{self.method}; {self.inference}; {self.small_sample}; {self.n_obs} rows"
        return f"{table}<p>{foot}</p>"

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        named = {"estimate": "b", "std_error": "se", "statistic": "t", "p_value": "p"}
        return self.tidy().set_index("term")[list(named)].rename(columns=named)

    def __maketables_stat__(self, key: str) -> object | None:
        return {"N": self.n_obs, "n_units": self.n_units, "n_clusters": self.n_clusters}.get(key)

    @property
    def __maketables_depvar__(self) -> str:
        return self.outcome

    @property
    def __maketables_fixef_string__(self) -> str:
        return "+".join(self.effects)

    @property
    def __maketables_vcov_info__(self) -> dict[str, str]:
        return {"vcov_type": self.inference, "small_sample": self.small_sample}
