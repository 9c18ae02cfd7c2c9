r"""Least squares with unit effects absorbed, for models in cohort and year.

In all of these models the regressors are the same for every unit of a cohort, apart from
covariates: :math:`y_{it} = \alpha_i + r_{g(i)t}'\theta + x_{it}'\beta + \varepsilon_{it}`. With
unit effects swept out, a cohort enters the normal equations only through a years × years matrix

.. math::
    A_g = \operatorname{diag}\Big(\sum_{i \in g} w_i\Big) - \sum_{i \in g} w_i w_i'/w_{i+}

so 29,000 units cost one matrix product, balanced or not, weighted or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.did.sample import Sample

__all__ = ["AbsorbedFit", "absorbed_least_squares", "cluster_factor", "year_columns"]


@dataclass(frozen=True)
class AbsorbedFit:
    """Coefficients with what is needed for any error of any combination of them.

    Parameters
    ----------
    coefficient : numpy.ndarray
        Shape (columns,): of the cohort-year regressors, then of the covariates.
    bread : numpy.ndarray
        Shape (columns, columns): the inverse of the normal matrix.
    scores : numpy.ndarray
        Shape (units, columns).
    residual : numpy.ndarray
        Shape (units, years), zero where the weight is zero.
    fitted : numpy.ndarray
        Shape (units, years): everything but the unit effect.
    unit_effect : numpy.ndarray
        Shape (units,); NaN for a unit without a weight.
    """

    coefficient: np.ndarray
    bread: np.ndarray
    scores: np.ndarray
    residual: np.ndarray
    fitted: np.ndarray
    unit_effect: np.ndarray

    def influence(self, columns: slice) -> np.ndarray:
        """Return the influence of each unit on some coefficients, (units, columns)."""
        psi: np.ndarray = self.scores @ self.bread[:, columns]
        return psi


def year_columns(n_years: int) -> np.ndarray:
    """Return dummies of every year but the first, shape (years, years - 1).

    Examples
    --------
    >>> year_columns(3).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(n_years)[:, 1:]


def cluster_factor(s: Sample, columns: int) -> tuple[float, int, str]:
    """Return the small-sample factor of R's ``fixest`` for clustered errors.

    Parameters
    ----------
    s : Sample
        The sample.
    columns : int
        Coefficients, without the unit effects; the constant is added here.

    Returns
    -------
    factor : float
        ``G/(G−1)·(N−1)/(N−K)``, for the variance.
    df : int
        ``G − 1``.
    text : str
        The convention in words.

    Raises
    ------
    InputError
        If there are fewer than two clusters or no degrees of freedom.
    """
    n_clusters, n, k = s.n_clusters, s.n_obs, columns + 1
    if n_clusters < 2:
        raise InputError("there is one cluster; an error needs at least two", field="cluster")
    if n <= k:
        raise InputError(
            f"{n} observations leave no degrees of freedom for {k} coefficients", field=s.outcome
        )
    factor = n_clusters / (n_clusters - 1) * (n - 1) / (n - k)
    text = (
        f"G/(G−1)·(N−1)/(N−K) with G = {n_clusters}, N = {n}, K = {k} (year effects included; "
        f"unit effects are nested in the clusters); t({n_clusters - 1})"
    )
    return factor, n_clusters - 1, text


def _inverse(normal: np.ndarray, names: Sequence[str], sizes: np.ndarray) -> np.ndarray:
    """Invert the normal matrix, or name the column that the others already explain."""
    diagonal = np.diag(normal)
    # what is left of a covariate without its unit means is rounding if it never moves
    flat = (diagonal <= 0) | (diagonal < 1e-20 * np.where(np.isfinite(sizes), sizes, 0.0))
    if flat.any():
        name = names[int(np.flatnonzero(flat)[0])]
        raise InputError(
            f"{name} does not vary within units (or is never observed), so it cannot be told from "
            "the unit effects",
            field="covariates" if name.startswith("the covariate") else "cohort",
        )
    scale = 1 / np.sqrt(diagonal)
    correlation = normal * scale[:, None] * scale
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        root = np.zeros_like(correlation)
    if np.diag(root).min() < 1e-7:
        for k in range(1, len(names) + 1):
            if np.linalg.eigvalsh(correlation[:k, :k])[0] < 1e-12:
                break
        name = names[k - 1]
        raise InputError(
            f"{name} is collinear with the unit effects, the year effects and what comes before",
            field="covariates" if name.startswith("the covariate") else "cohort",
        )
    inverse: np.ndarray = np.linalg.inv(correlation) * scale[:, None] * scale
    return inverse


def absorbed_least_squares(
    s: Sample, designs: Sequence[np.ndarray], labels: Sequence[str], weight: np.ndarray
) -> AbsorbedFit:
    """Regress the outcome on cohort-year regressors and covariates, unit effects absorbed.

    Parameters
    ----------
    s : Sample
        The sample.
    designs : sequence of numpy.ndarray
        One (years, columns) matrix for never treated and then for each treated cohort,
        ascending.
    labels : sequence of str
        Names of the columns, for messages.
    weight : numpy.ndarray
        Shape (units, years); zero leaves an observation out.

    Returns
    -------
    AbsorbedFit
        The fit.

    Raises
    ------
    InputError
        If the regressors are collinear.
    """
    groups = [0, *s.cohorts]
    p, k = designs[0].shape[1], s.covariates.shape[2]
    total = weight.sum(axis=1)
    inverse = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    seen = weight > 0
    y = np.where(seen, s.y, 0.0)
    y = y - (inverse * np.einsum("it,it->i", weight, y))[:, None]
    x = np.where(seen[:, :, None], s.covariates, 0.0)
    x = x - (inverse[:, None] * np.einsum("it,itk->ik", weight, x))[:, None, :]
    wx = weight[:, :, None] * x
    normal, right = np.zeros((p + k, p + k)), np.zeros(p + k)
    rows = [np.flatnonzero(s.cohort == g) for g in groups]
    for r, design in zip(rows, designs, strict=True):
        w = weight[r]
        scaled = w * np.sqrt(inverse[r])[:, None]
        a = np.diag(w.sum(axis=0)) - scaled.T @ scaled
        normal[:p, :p] += design.T @ a @ design
        right[:p] += design.T @ np.einsum("it,it->t", w, y[r])
        if k:
            normal[:p, p:] += design.T @ wx[r].sum(axis=0)
    normal[p:, :p] = normal[:p, p:].T
    normal[p:, p:] = np.einsum("itk,itl->kl", wx, x)
    right[p:] = np.einsum("itk,it->k", wx, y)
    names = [*labels, *(f"the covariate {name}" for name in s.names)]
    sizes = np.append(
        [np.inf] * p,
        np.einsum("it,itk->k", weight, np.where(seen[:, :, None], s.covariates, 0) ** 2),
    )
    bread = _inverse(normal, names, sizes)
    coefficient = bread @ right
    fitted = np.empty_like(y)
    for r, design in zip(rows, designs, strict=True):
        fitted[r] = design @ coefficient[:p]
    if k:
        fitted = fitted + np.where(np.isfinite(s.covariates), s.covariates, 0.0) @ coefficient[p:]
    unit_effect = inverse * np.einsum("it,it->i", weight, np.where(seen, s.y, 0.0) - fitted)
    residual = np.where(seen, s.y - fitted - unit_effect[:, None], 0.0)
    score = weight * residual
    scores = np.empty((len(y), p + k))
    for r, design in zip(rows, designs, strict=True):
        scores[r, :p] = score[r] @ design
    if k:
        scores[:, p:] = np.einsum("it,itk->ik", score, x)
    return AbsorbedFit(
        coefficient=coefficient,
        bread=bread,
        scores=scores,
        residual=residual,
        fitted=fitted,
        unit_effect=np.where(total > 0, unit_effect, np.nan),
    )
