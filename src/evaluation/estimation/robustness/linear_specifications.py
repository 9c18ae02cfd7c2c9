r"""Many specifications of one difference-in-differences, as tables to look up.

A specification is an estimator, covariates, a sample, weights, a definition of the outcome and a
coding of the adoption years. All estimators here are linear in the outcome: with :math:`x_i` the
covariates and a constant, :math:`w_i` the unit's weight (zero outside the sample) and
:math:`d_i(g) = \sum_t a_g(t) Y_{it}` the unit's contrast,

.. math::
    \hat\tau = \sum_s \kappa_s \left( d_{i(s)}(g_s) - x_{i(s)}' \hat\beta_{g_s} \right), \quad
    \kappa_s \propto \lambda_s w_{i(s)} ,

where :math:`\hat\beta_g` regresses the controls' :math:`d(g)` on x. For another assignment only
:math:`i(s)` changes: the controls' moment matrix loses a few units, and the outcome is looked up.
What depends on the assignment, but not on the outcome, is computed once for all specifications
that share covariates, sample, weights and adoption years.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evaluation.errors import InputError

__all__ = ["ESTIMATORS", "Estimator", "LinearBlock", "orthonormal", "year_weights"]

Estimator = Literal["cs_cohort", "cs_simple", "before_after", "detrended", "twfe"]
ESTIMATORS: tuple[Estimator, ...] = (
    "cs_cohort",
    "cs_simple",
    "before_after",
    "detrended",
    "twfe",
)
# below this share of its moments left to the controls, a covariate is not identified
SINGULAR = 1e-9


@dataclass(frozen=True)
class LinearBlock:
    """Specifications that share covariates, sample, weights and adoption years.

    Parameters
    ----------
    choices : tuple of dict
        What each chose, by dimension.
    counts : tuple of tuple of int
        Units, treated units and unit-years of each.
    active : numpy.ndarray
        Positions among the grid's slots that this coding treats.
    group : numpy.ndarray
        Shape (active,): place of each one's adoption year among the distinct ones.
    basis : numpy.ndarray
        From :func:`orthonormal`, so that the moment matrix of all units is the identity.
    weight : numpy.ndarray
        Shape (units,): zero outside the sample.
    tables : tuple of tuple
        Per specification: the estimator; contrasts, shape (groups, units); slot weights, or for
        ``twfe`` the cross-products of the demeaned treatment paths, shape (groups, groups).
    """

    choices: tuple[dict[str, str], ...]
    counts: tuple[tuple[int, int, int], ...]
    active: np.ndarray
    group: np.ndarray
    basis: np.ndarray
    weight: np.ndarray
    tables: tuple[tuple[Estimator, np.ndarray, np.ndarray], ...] = field(repr=False)

    def evaluate(self, picks: np.ndarray) -> np.ndarray:
        """Return the estimates, shape (specifications, assignments)."""
        p = np.asarray(picks)[:, self.active]
        w = self.weight[p]
        x = self.basis[p]  # (draws, slots, k)
        left = np.eye(self.basis.shape[1]) - np.einsum("bs,bsk,bsl->bkl", w, x, x)
        identified = np.linalg.eigvalsh(left)[:, 0] > SINGULAR
        identified &= w.sum(axis=1) > 0
        left[~identified] = np.eye(left.shape[1])
        inverse = np.linalg.inv(left)
        known: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        out = np.full((len(self.tables), len(p)), np.nan)
        for row, (estimator, table, extra) in enumerate(self.tables):
            key = estimator.encode() if estimator == "twfe" else extra.tobytes()
            if key not in known:
                make = self._twfe_weights if estimator == "twfe" else self._contrast_weights
                known[key] = make(w, x, inverse, extra)
            on_picked, on_totals = known[key]
            values = np.zeros(len(p))
            for g in range(len(table)):
                values += np.einsum("bs,bs->b", on_picked[g], table[g][p])
                values -= on_totals[g] @ (self.basis.T @ (self.weight * table[g]))
            out[row, identified] = values[identified]
        return out

    def _contrast_weights(
        self, w: np.ndarray, x: np.ndarray, inverse: np.ndarray, slot_weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what each picked unit's contrast and the units' totals weigh, by cohort."""
        kappa = w * slot_weight
        total = kappa.sum(axis=1, keepdims=True)
        kappa = np.divide(kappa, total, out=np.zeros_like(kappa), where=total > 0)
        groups = int(self.group.max()) + 1
        picked = np.empty((groups, *w.shape))
        totals = np.empty((groups, len(w), x.shape[2]))
        for g in range(groups):
            own = kappa * (self.group == g)
            v = np.einsum("bkl,bl->bk", inverse, np.einsum("bs,bsk->bk", own, x))
            # the picked units' share of the totals is taken out again: they are no controls
            picked[g] = own + w * np.einsum("bsk,bk->bs", x, v)
            totals[g] = v
        return picked, totals

    def _twfe_weights(
        self, w: np.ndarray, x: np.ndarray, inverse: np.ndarray, cross: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        r"""Return the weights of :math:`\hat\beta = \sum w \tilde D y / \sum w \tilde D^2`."""
        del inverse
        groups = int(self.group.max()) + 1
        member = self.group[:, None] == np.arange(groups)  # (slots, groups)
        # what all units' means take away needs the sums by adoption year only
        sums = np.einsum("bs,bsk,sg->bgk", w, x, member.astype(float))
        shared = np.einsum("bgk,gh,bhk->b", sums, cross, sums, optimize=True)
        square = w @ np.diag(cross)[self.group] - shared
        kappa = np.divide(w, square[:, None], out=np.zeros_like(w), where=square[:, None] > 0)
        picked = np.stack([kappa * (self.group == g) for g in range(groups)])
        return picked, np.zeros((groups, len(w), x.shape[2]))


def year_weights(
    estimator: Estimator,
    years: np.ndarray,
    start: int,
    base: int | None = None,
    last: int | None = None,
) -> np.ndarray:
    """Return a cohort's weights over years, shape (years,).

    Parameters
    ----------
    estimator : str
        One of :data:`ESTIMATORS` but ``twfe``, which is no contrast of one unit's years.
    years : numpy.ndarray
        Shape (years,).
    start : int
        First treated year.
    base, last : int, optional
        Last unexposed year, the one before ``start`` by default, and last treated year, the
        last one by default. Years between base and start, and after the last, weigh nothing.

    Raises
    ------
    InputError
        If a line cannot be drawn through the years before.

    Examples
    --------
    >>> year_weights("before_after", np.arange(2000, 2004), 2002).tolist()
    [-0.5, -0.5, 0.5, 0.5]
    """
    base = start - 1 if base is None else base
    post = (years >= start) & (years <= (years[-1] if last is None else last))
    before = years <= base
    mean_after = post / post.sum()
    if estimator in {"cs_cohort", "cs_simple"}:
        return np.asarray(mean_after - (years == base))
    mean_before = before / before.sum()
    if estimator == "before_after":
        return np.asarray(mean_after - mean_before)
    if before.sum() < 2:
        raise InputError(
            f"detrended needs two years before adoption in {start}; the data begin in {years[0]}",
            field="estimators",
        )
    away = np.where(before, years - years[before].mean(), 0.0)
    slope = away / (away**2).sum()
    ahead = years[post].mean() - years[before].mean()
    return np.asarray(mean_after - mean_before - ahead * slope)


def orthonormal(x: np.ndarray, w: np.ndarray, name: str) -> np.ndarray:
    """Return covariates and a constant, made orthonormal under the weights.

    Parameters
    ----------
    x : numpy.ndarray
        Shape (units, covariates).
    w : numpy.ndarray
        Shape (units,): zero outside the sample.
    name : str
        The specification, for the error.

    Returns
    -------
    numpy.ndarray
        Shape (units, 1 + covariates), zero outside the sample.

    Raises
    ------
    InputError
        If a covariate does not vary or is a sum of others.
    """
    inside = w > 0
    design = np.column_stack([np.ones(len(w)), x])
    centre = np.average(design[inside, 1:], axis=0, weights=w[inside]) if x.size else 0.0
    design[:, 1:] -= centre
    root = np.sqrt(w[inside])[:, None] * design[inside]
    length = np.sqrt((root**2).sum(axis=0))
    if (length == 0).any() or np.linalg.matrix_rank(root / length) < root.shape[1]:
        raise InputError(
            f"{name}: the covariates do not vary, or one is a sum of others, within a sample",
            field="controls",
        )
    _, r = np.linalg.qr(root)
    basis: np.ndarray = np.linalg.solve(r.T, design.T).T
    basis[~inside] = 0.0
    return basis
