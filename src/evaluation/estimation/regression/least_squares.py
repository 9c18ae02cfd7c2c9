"""Least squares reduced to what every error below needs: scores and leverages per cluster.

The regressors are turned into an orthonormal basis once; a coefficient is then a
direction in it (Frisch & Waugh 1933), and no matrix is larger than rows × regressors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_triangular

from evaluation.errors import InputError

__all__ = ["LeastSquares", "cluster_sums", "demean", "independent_columns", "least_squares"]

ABSORBED = 1e-10  # what is left of a column, as a share of its length, that counts as nothing
COLLINEAR = 1e-8
EXACT = 1e-13


@dataclass(frozen=True)
class LeastSquares:
    r"""A fitted linear model in an orthonormal basis, rows sorted by cluster.

    With :math:`X = Z R` and :math:`Z'Z = I` the coefficients are :math:`R^{-1} Z'y`.

    Parameters
    ----------
    names : tuple of str
        The terms that are reported, length k.
    coefficients : numpy.ndarray
        Shape (k,).
    basis : numpy.ndarray
        Shape (rows, K), K counting year effects and other nuisance columns too. Rows are
        scaled by the root of their weight and freed of the absorbed effect.
    directions : numpy.ndarray
        Shape (k, K): coefficient c is ``directions[c] @ basis.T @ y``.
    residuals : numpy.ndarray
        Shape (rows,), scaled by the root of the weight.
    starts : numpy.ndarray
        Shape (clusters,): the first row of each cluster.
    labels : tuple of str
        Shape (clusters,): names of the clusters, in order.
    n_absorbed : int
        How many effects were taken out by demeaning.
    nested : bool
        Whether every absorbed effect lies within one cluster.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    basis: np.ndarray = field(repr=False)
    directions: np.ndarray = field(repr=False)
    residuals: np.ndarray = field(repr=False)
    starts: np.ndarray = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    n_absorbed: int
    nested: bool

    @property
    def n_obs(self) -> int:
        """Rows."""
        return len(self.residuals)

    @property
    def n_clusters(self) -> int:
        """Clusters."""
        return len(self.starts)

    @property
    def n_parameters(self) -> int:
        """Columns and every absorbed effect."""
        return len(self.directions.T) + self.n_absorbed

    @property
    def n_parameters_nested(self) -> int:
        """Columns, and of absorbed effects that lie within clusters only their constant."""
        effects = min(self.n_absorbed, 1) if self.nested else self.n_absorbed
        return len(self.directions.T) + effects

    def position(self, term: str) -> int:
        """Return the place of a term among the coefficients.

        Raises
        ------
        InputError
            If there is no such term.
        """
        if term not in self.names:
            raise InputError(f"there is no term {term!r}; the model has {', '.join(self.names)}")
        return self.names.index(term)

    def scores(self) -> np.ndarray:
        """Return Z'e of each cluster, shape (clusters, K)."""
        return cluster_sums(self.basis * self.residuals[:, None], self.starts)

    def leverages(self, term: int) -> np.ndarray:
        r"""Return each cluster's part of the partialled-out regressor's sum of squares.

        Shape (clusters,); they add up to one. The inverse of their sum of squares is how
        many equal clusters carry the coefficient.
        """
        direction = self.directions[term]
        z = self.basis @ (direction / np.linalg.norm(direction))
        return cluster_sums((z * z)[:, None], self.starts)[:, 0]


def cluster_sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Add up rows by cluster.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (rows, columns), sorted by cluster.
    starts : numpy.ndarray
        Shape (clusters,): first row of each.

    Returns
    -------
    numpy.ndarray
        Shape (clusters, columns).

    Examples
    --------
    >>> cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 2])).ravel().tolist()
    [3.0, 4.0]
    """
    sums: np.ndarray = np.add.reduceat(values, starts, axis=0)
    return sums


def demean(values: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Take out group means.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (rows, columns).
    groups : numpy.ndarray
        Shape (rows,): codes 0, 1, ….
    weights : numpy.ndarray, optional
        Shape (rows,), above zero.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns).

    Examples
    --------
    >>> demean(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1])).ravel().tolist()
    [-1.0, 1.0, 0.0]
    """
    n = int(groups.max()) + 1
    out = np.empty_like(values, dtype=float)
    mass = np.bincount(groups, weights, n)
    for j in range(values.shape[1]):
        column = values[:, j] if weights is None else values[:, j] * weights
        out[:, j] = values[:, j] - (np.bincount(groups, column, n) / mass)[groups]
    return out


def independent_columns(columns: np.ndarray) -> np.ndarray:
    """Return which columns to keep so that none is a combination of earlier ones.

    Meant for dummies, whose lengths are alike.

    Parameters
    ----------
    columns : numpy.ndarray
        Shape (rows, m).

    Returns
    -------
    numpy.ndarray
        Positions, ascending.

    Examples
    --------
    >>> independent_columns(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [0, 2]
    """
    gram = columns.T @ columns
    length = np.diag(gram).copy()
    left = gram.copy()
    keep = []
    for j in range(len(gram)):
        if left[j, j] <= ABSORBED * max(length[j], length.max(initial=0.0) * ABSORBED):
            continue
        keep.append(j)
        left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return np.array(keep, dtype=int)


def _refuse_collinear(r: np.ndarray, names: Sequence[str], length: np.ndarray, m: int) -> None:
    """Name the first regressor that the effects or earlier regressors leave nothing of."""
    for j, name in enumerate(names):
        column = r[m:, m + j]
        own = float(np.linalg.norm(column))
        if own <= ABSORBED * length[j]:
            raise InputError("nothing of it is left beside the effects", field=name)
        if abs(column[j]) <= COLLINEAR * own:
            others = solve_triangular(r[m : m + j, m : m + j], column[:j])
            scale = np.linalg.norm(r[m : m + j, m : m + j], axis=0) / own
            part = [n for n, b in zip(names, np.abs(others) * scale, strict=False) if b > 1e-6]
            raise InputError(
                f"is a perfect linear combination of {' and '.join(part)}"
                f"{' and the effects' if m else ''}; leave one of them out",
                field=name,
            )


def least_squares(
    y: np.ndarray,
    x: np.ndarray,
    clusters: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    nuisance: np.ndarray | None = None,
    absorb: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> LeastSquares:
    r"""Fit :math:`y = X\beta + W\gamma + \alpha_{a(i)} + \varepsilon` by (weighted) least squares.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (rows,).
    x : numpy.ndarray
        Shape (rows, k): the regressors whose coefficients are reported.
    clusters : numpy.ndarray
        Shape (rows,): cluster of each row, any labels.
    names : sequence of str, optional
        Length k.
    nuisance : numpy.ndarray, optional
        Shape (rows, m): for example year dummies. Redundant columns are dropped.
    absorb : numpy.ndarray, optional
        Shape (rows,): an effect per label, taken out by demeaning.
    weights : numpy.ndarray, optional
        Shape (rows,), above zero: the variance of a row is taken as proportional to
        1/weight. Their scale does not matter.

    Returns
    -------
    LeastSquares
        The fit, rows sorted by cluster.

    Raises
    ------
    InputError
        If a regressor is absorbed by the effects or collinear with others, there is one
        cluster, no degree of freedom is left, or the fit is exact.

    Examples
    --------
    >>> y, x = np.array([1.0, 2.0, 4.0, 4.0]), np.array([[0.0], [1.0], [0.0], [2.0]])
    >>> fit = least_squares(y, x, np.array([1, 1, 2, 2]), absorb=np.array([1, 1, 2, 2]))
    >>> round(float(fit.coefficients[0]), 12)
    0.2
    """
    x = np.asarray(x, dtype=float)
    names = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(x.shape[1]))
    labels, code = np.unique(np.asarray(clusters), return_inverse=True)
    if len(labels) < 2:
        raise InputError("there is only one cluster; errors by cluster need at least two")
    order = np.argsort(code, kind="stable")
    code = code[order]
    starts = np.flatnonzero(np.r_[True, np.diff(code) > 0])
    w = np.zeros((len(y), 0)) if nuisance is None else np.asarray(nuisance, dtype=float)
    columns = np.column_stack([np.asarray(y, dtype=float), w, x])[order]
    m = w.shape[1]
    root = None if weights is None else np.sqrt(np.asarray(weights, dtype=float)[order])
    lengths = columns if root is None else columns * root[:, None]
    length = np.sqrt(np.einsum("ij,ij->j", lengths, lengths))
    size, length = length[0], length[1 + m :]
    nested, n_effects = True, 0
    if absorb is not None:
        effects = np.unique(np.asarray(absorb)[order], return_inverse=True)[1]
        n_effects = int(effects.max()) + 1
        # an effect is nested if the first and the last cluster it is seen in are the same
        first, last = np.full(n_effects, len(labels)), np.full(n_effects, -1)
        np.minimum.at(first, effects, code)
        np.maximum.at(last, effects, code)
        nested = bool((first == last).all())
        columns = demean(columns, effects, None if root is None else root**2)
    if root is not None:
        columns *= root[:, None]
    target, w, x = columns[:, 0], columns[:, 1 : 1 + m], columns[:, 1 + m :]
    if m:
        w = w[:, independent_columns(w)]
        m = w.shape[1]
    design = np.column_stack([w, x])
    n, k = design.shape
    # what the data must carry is every coefficient and every effect, nested or not
    if n <= k + n_effects:
        raise InputError(
            f"{n} usable rows cannot carry {k + n_effects} coefficients and effects; "
            "more rows or fewer regressors are needed"
        )
    r = np.asarray(np.linalg.qr(design, mode="r"))
    _refuse_collinear(r, names, length, m)
    inverse = solve_triangular(r, np.eye(k))
    basis = design @ inverse
    theta = basis.T @ target
    residuals = target - basis @ theta
    if np.linalg.norm(residuals) <= EXACT * size:
        raise InputError("the residuals are zero: the model says the outcome exactly")
    return LeastSquares(
        names=names,
        coefficients=inverse[m:] @ theta,
        basis=basis,
        directions=inverse[m:],
        residuals=residuals,
        starts=starts,
        labels=tuple(str(label) for label in labels),
        n_absorbed=n_effects,
        nested=nested,
    )
