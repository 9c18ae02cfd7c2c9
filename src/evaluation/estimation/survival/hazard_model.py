"""The result of a hazard model, and what its makers share: covariates from keys, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.regression.result import Coefficient
from evaluation.estimation.rounded import rounded_coefficient
from evaluation.estimation.survival.life_table import LifeTable, key_names
from evaluation.language import p_value

__all__ = ["HazardModel", "check_model", "covariates", "make_result"]


@dataclass(frozen=True, repr=False)
class HazardModel:
    """A model of the rate of leaving: coefficients are log hazard ratios.

    Parameters
    ----------
    coefficients : tuple of Coefficient
        Log hazard ratios with clustered errors and normal quantiles.
    naive_std_error : tuple of float
        The errors that take persons as independent; empty where they may not be shown.
    covariance : numpy.ndarray
        Shape (p, p): clustered.
    method, inference, estimand, small_sample : str
        The model, its errors, what the coefficients are, and the finite-sample convention.
    kinds : tuple of str
        Kinds of events that count; leaving of another kind censors.
    effects : tuple of str
        Keys with effects (or strata) of their own.
    n_obs : int, optional
        Person-months at risk that were used; absent where they may not be shown.
    n_events, n_persons, n_clusters : int
        Events, persons that came under observation, and clusters, all of those used.
    log_likelihood : float, optional
        Of the fit; absent where it may not be shown.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of the life table.
    notes : tuple of str
        What a reader must know, what was left out among it.
    left_out : tuple of (str, int)
        Levels of the effects that were left out because nobody or everybody leaves: key, number.
    """

    coefficients: tuple[Coefficient, ...]
    naive_std_error: tuple[float, ...]
    covariance: np.ndarray = field(repr=False, compare=False)
    method: str
    inference: str
    estimand: str
    small_sample: str
    kinds: tuple[str, ...]
    effects: tuple[str, ...]
    n_obs: int | None
    n_events: int
    n_persons: int
    n_clusters: int
    log_likelihood: float | None
    alpha: float = 0.05
    data_hash: str = ""
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()

    def shown(self, *, n_events: int, n_persons: int, data_hash: str) -> HazardModel:
        """Return the model without what would tell how many left where and when.

        The errors of independent persons, the likelihood and the person-months are functions of
        counts by month that are not released, and so is who was left out: only how many were.
        Coefficients are rounded (:func:`~evaluation.estimation.rounded.rounded_coefficient`);
        ratios are computed from the rounded ones.

        Parameters
        ----------
        n_events, n_persons : int
            Those of the released life table.
        data_hash : str
            SHA-256 of the released life table: one of the counts themselves could be tried out.
        """
        return replace(
            self,
            coefficients=tuple(rounded_coefficient(c) for c in self.coefficients),
            naive_std_error=(),
            covariance=np.empty((0, 0)),
            n_obs=None,
            log_likelihood=None,
            n_events=n_events,
            n_persons=n_persons,
            data_hash=data_hash,
            notes=tuple(
                f"nobody or everybody leaves in {n} of {factor}: left out"
                for factor, n in self.left_out
            ),
        )

    def coefficient(self, term: str) -> Coefficient:
        """Return one coefficient.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        for c in self.coefficients:
            if c.term == term:
                return c
        known = ", ".join(c.term for c in self.coefficients)
        raise InputError(f"is no term of the model; its terms are {known}", field=term)

    def tidy(self) -> pd.DataFrame:
        """Return one row per coefficient, with the hazard ratio."""
        rows = [
            {
                "term": c.term,
                "estimate": c.estimate,
                "std_error": c.std_error,
                "statistic": c.statistic,
                "p_value": c.p_value,
                "conf_low": c.conf_int[0],
                "conf_high": c.conf_int[1],
                "hazard_ratio": float(np.exp(c.estimate)),
                "ratio_low": float(np.exp(c.conf_int[0])),
                "ratio_high": float(np.exp(c.conf_int[1])),
            }
            for c in self.coefficients
        ]
        table = pd.DataFrame(rows)
        if self.naive_std_error:
            table["naive_std_error"] = self.naive_std_error
        return table

    def summary(self) -> str:
        """Return the result as text for people."""
        lines = [f"{self.method}; {', '.join(self.kinds)}"]
        for c in self.coefficients:
            low, high = np.exp(c.conf_int)
            lines.append(
                f"  {c.term}: hazard ratio {np.exp(c.estimate):.2f} [{low:.2f}, {high:.2f}], "
                f"{p_value(c.p_value, 'en')}"
            )
        lines.append(
            f"  {self.n_events} events, {self.n_persons} persons, {self.n_clusters} clusters; "
            f"{self.inference}; {self.small_sample}"
        )
        lines.extend(f"  note: {n}" for n in self.notes)
        return "\n".join(lines)

    __str__ = summary

    def __repr__(self) -> str:
        return f"<HazardModel {self.method}: {', '.join(c.term for c in self.coefficients)}>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


def check_model(
    table: LifeTable,
    terms: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    kinds: Sequence[str] | None,
    alpha: float,
) -> tuple[str, ...]:
    """Check what a model is asked for, and return the kinds that count.

    Raises
    ------
    InputError
        If a key or a kind is not there, a key is a term and an effect at once, or ``alpha`` is
        no level.
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    if not terms:
        raise InputError("name at least one key", field="terms")
    table.need(*terms, *effects, cluster)
    both = [t for t in terms if t in effects]
    if both:
        raise InputError("cannot be a term and an effect at once", field=both[0])
    chosen = table.kinds if kinds is None else key_names(kinds)
    for kind in chosen:
        if kind not in table.kinds:
            raise InputError(f"{kind!r} is none of {', '.join(table.kinds)}", field="kinds")
    return chosen


def covariates(rows: pd.DataFrame, terms: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the terms as columns: numbers as they are, others as dummies beside their first value.

    Parameters
    ----------
    rows : pandas.DataFrame
        Shape (rows, keys).
    terms : sequence of str
        Keys.

    Returns
    -------
    x : numpy.ndarray
        Shape (rows, p).
    names : list of str
        Shape (p,): the key, or ``key=value``.

    Raises
    ------
    InputError
        If a term has one value only.
    """
    columns, names = [], []
    for term in terms:
        values = rows[term]
        found = sorted(values.unique())
        if len(found) < 2:
            raise InputError(f"has the value {found[0]} only; a term needs two", field=term)
        if pd.api.types.is_numeric_dtype(values):
            columns.append(values.to_numpy(dtype=float))
            names.append(term)
        else:
            for value in found[1:]:
                columns.append((values == value).to_numpy(dtype=float))
                names.append(f"{term}={value}")
    return np.column_stack(columns), names


def make_result(
    names: Sequence[str],
    beta: np.ndarray,
    naive: np.ndarray,
    scores: np.ndarray,
    *,
    factor: bool,
    alpha: float,
    **rest: object,
) -> HazardModel:
    r"""Make the result from the scores summed by cluster.

    .. math:: V = \frac{G}{G-1}\, A^{-1} \Bigl(\sum_g s_g s_g'\Bigr) A^{-1}

    without the factor where ``factor`` is false.

    Parameters
    ----------
    names : sequence of str
        Shape (p,).
    beta : numpy.ndarray
        Shape (p,).
    naive : numpy.ndarray
        Shape (p, p): A⁻¹.
    scores : numpy.ndarray
        Shape (clusters, p), at the estimate, net of what other parameters take up.
    factor : bool
        Whether G/(G − 1) is applied.
    alpha : float
        One minus the level.
    **rest
        The other fields.

    Raises
    ------
    InputError
        If there is one cluster only.
    """
    g = len(scores)
    if g < 2:
        raise InputError("clustered errors need at least two clusters", field="cluster")
    v = naive @ (scores.T @ scores) @ naive * (g / (g - 1) if factor else 1.0)
    error = np.sqrt(np.diag(v))
    z = float(norm.ppf(1 - alpha / 2))
    t = np.divide(beta, error, out=np.zeros(len(beta)), where=error > 0)
    coefficients = tuple(
        Coefficient(
            term=name,
            estimate=float(b),
            std_error=float(e),
            statistic=float(s),
            p_value=float(2 * norm.sf(abs(s))),
            conf_int=(float(b - z * e), float(b + z * e)),
            df=float("inf"),
        )
        for name, b, e, s in zip(names, beta, error, t, strict=True)
    )
    return HazardModel(
        coefficients=coefficients,
        naive_std_error=tuple(float(s) for s in np.sqrt(np.diag(naive))),
        covariance=v,
        small_sample="G/(G−1), normal quantiles" if factor else "none, normal quantiles",
        n_clusters=g,
        alpha=alpha,
        **rest,  # type: ignore[arg-type]
    )
