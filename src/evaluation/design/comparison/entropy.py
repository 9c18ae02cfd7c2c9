"""Entropy balancing: weights on the controls that give them the treated units' moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.comparison.covariates import Split, split
from evaluation.errors import InputError
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["EntropyBalance", "entropy_balance"]

_Array = npt.NDArray[np.float64]
# the largest gap at which a linear programme's solution counts as meeting the moments
_FEASIBLE = 1e-7


@dataclass(frozen=True)
class EntropyBalance:
    """Weights on the controls, and what they reach.

    Parameters
    ----------
    weights : pandas.Series
        Index of the controls; none negative, adding up to 1.
    moments : pandas.DataFrame
        One row per moment: ``covariate``, ``moment`` (``mean`` or ``variance``), ``target``
        (the treated units'), ``achieved``, ``before`` (under the base weights), and
        ``difference`` (achieved − target in the controls' standard deviations of that column).
    n_treated, n_controls : int
        The sample.
    effective_size : float
        1 / Σ w²: how many equally weighted controls carry as much.
    largest_share : float
        The weight of the heaviest control.
    based : bool
        Whether base weights were given.
    iterations : int
        Steps of the solver.
    data_hash : str
        SHA-256 of the covariates it was made from.
    method : str
        The estimator and its source.
    """

    weights: pd.Series = field(repr=False)
    moments: pd.DataFrame = field(repr=False)
    n_treated: int
    n_controls: int
    effective_size: float
    largest_share: float
    based: bool
    iterations: int
    data_hash: str
    method: str = "entropy balancing (Hainmueller 2012)"

    def tidy(self) -> pd.DataFrame:
        """Return one row per moment."""
        return self.moments.copy()

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "method": self.method,
            "moments": self.moments.to_dict("records"),
            "weights": {str(c): float(w) for c, w in self.weights.items()},
            "n_treated": self.n_treated,
            "n_controls": self.n_controls,
            "effective_size": self.effective_size,
            "largest_share": self.largest_share,
            "based": self.based,
            "iterations": self.iterations,
            "data_hash": self.data_hash,
        }

    def check(self, most: float = 0.2) -> Check:
        """Ask whether no control carries more than a share of the whole weight.

        Parameters
        ----------
        most : float
            The largest share allowed, between 0 and 1; the default is a convention, a fifth.

        Returns
        -------
        Check
            With the largest share as statistic.

        Raises
        ------
        InputError
            If the share is not between 0 and 1.
        """
        if not 0 < most < 1:
            raise InputError(f"must be a share between 0 and 1, not {most:g}", field="most")
        who = str(self.weights.index[int(np.argmax(self.weights.to_numpy()))])
        return Check(
            "weight_share",
            self.largest_share <= most,
            f"Jämförelsekommun {who} bär {per_cent(self.largest_share, 'sv', 1)} av vikten; de "
            f"{self.n_controls} väger som {number(self.effective_size, 'sv', 1)} lika tunga.",
            f"Comparison municipality {who} carries {per_cent(self.largest_share, 'en', 1)} of the "
            f"weight; the {self.n_controls} weigh as {number(self.effective_size, 'en', 1)} "
            f"of equal weight.",
            self.largest_share,
            most,
        )


def entropy_balance(
    table: pd.DataFrame,
    treated: Sequence[str],
    *,
    covariates: Sequence[str] | None = None,
    variances: bool = False,
    base: pd.Series | None = None,
    tolerance: float = 1e-8,
) -> EntropyBalance:
    r"""Weigh the controls so that their moments equal the treated units'.

    .. math:: \min_w \sum_i w_i \log(w_i / q_i) \quad\text{with}\quad
              \sum_i w_i c_{ri} = m_r,\; \sum_i w_i = 1

    solved in its dual, the convex function log Σ q exp(−λ'(c − m)) of one λ per moment, by
    Newton's method with backtracking (Hainmueller 2012, Political Analysis 20, section 3.2). The
    solver is that of ``diff_diff.balancing``.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows, from :func:`~evaluation.design.comparison.covariates.match_table`.
    treated : sequence of str
        Codes; all other rows are controls.
    covariates : sequence of str, optional
        What to balance; by default every column of numbers.
    variances : bool
        Whether the second moment about the treated units' mean is balanced too. Their variance
        has divisor n: it is the spread of these units, not an estimate for others.
    base : pandas.Series, optional
        Positive base weights q by control; equal by default.
    tolerance : float
        The largest standardised difference that counts as none, at most 1e-6.

    Returns
    -------
    EntropyBalance
        The weights, what they reach, and how many controls they amount to.

    Raises
    ------
    InputError
        If no weights can meet the moments (the error names the covariate and, where one alone
        is at fault, the controls' range), a covariate is constant among the controls or a
        combination of others, or as
        :func:`~evaluation.design.comparison.covariates.split`.

    Notes
    -----
    The weights are estimated: a standard error that takes them as given leaves their part out.
    A target on the very edge of what the controls span (all treated units of a kind that only some
    controls are) is met by those on that edge alone: the weights of the others end below the
    tolerance, and ``effective_size`` tells how few are left.

    Examples
    --------
    >>> table = pd.DataFrame({"level": [2.0, 1.0, 2.0, 4.0]}, index=list("tabc"))
    >>> found = entropy_balance(table, ["t"])
    >>> float(round((found.weights * table["level"]).sum(), 6))
    2.0
    """
    if not 0 < tolerance <= 1e-6:
        raise InputError(f"must be above 0 and at most 1e-6, not {tolerance:g}", field="tolerance")
    parts = split(table, treated, covariates)
    if variances and len(parts.treated) < 2:
        raise InputError(
            "the variance of one treated unit is 0; balance means only", field="treated"
        )
    q = _base(base, parts)
    c, target, labels = _moments(parts, variances)
    sd = c.std(axis=0)
    scale = np.abs(c).max(axis=0)
    if (sd <= 1e-12 * scale).any():
        name, kind = labels[int(np.argmax(sd <= 1e-12 * scale))]
        raise InputError(
            f"does not vary among the controls, so its {kind} cannot be balanced; leave it out",
            field=name,
        )
    z = (c - target) / sd
    _independent(z, labels)
    _in_range(c, target, sd, labels)
    weights, steps = _solve(z, q, tolerance, labels)
    achieved, before = weights @ c, q @ c
    moments = pd.DataFrame(labels, columns=["covariate", "moment"]).assign(
        target=target, before=before, achieved=achieved, difference=(achieved - target) / sd
    )
    return EntropyBalance(
        pd.Series(weights, index=list(parts.controls), name="weight"),
        moments,
        len(parts.treated),
        len(parts.controls),
        float(1 / (weights @ weights)),
        float(weights.max()),
        base is not None,
        steps,
        parts.data_hash,
    )


def _base(base: pd.Series | None, parts: Split) -> _Array:
    if base is None:
        return np.full(len(parts.controls), 1 / len(parts.controls))
    q = base.reindex(list(parts.controls)).to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(q) & (q > 0))
    if bad.any():
        who = parts.controls[int(np.argmax(bad))]
        raise InputError(f"control {who} has no base weight above 0", field="base")
    scaled: _Array = q / q.sum()
    return scaled


def _moments(parts: Split, variances: bool) -> tuple[_Array, _Array, list[tuple[str, str]]]:
    """Return each control's contributions, shape (controls, moments), and the targets."""
    mean = parts.x_treated.mean(axis=0)
    c, target = parts.x_controls, mean
    labels = [(name, "mean") for name in parts.covariates]
    if variances:
        # a binary covariate's variance follows from its mean
        more = [k for k in range(len(mean)) if len(np.unique(parts.x_controls[:, k])) > 2]
        c = np.hstack([c, (parts.x_controls[:, more] - mean[more]) ** 2])
        target = np.concatenate([target, parts.x_treated[:, more].var(axis=0)])
        labels += [(parts.covariates[k], "variance") for k in more]
    return c, target, labels


def _independent(z: _Array, labels: list[tuple[str, str]]) -> None:
    centred = z - z.mean(axis=0)
    # unit diagonal, so that the smallest eigenvalue tells collinearity whatever the units
    gram = np.corrcoef(centred, rowvar=False).reshape(len(labels), -1)
    for k in range(2, len(labels) + 1):
        if np.linalg.eigvalsh(gram[:k, :k])[0] <= 1e-10:
            name, kind = labels[k - 1]
            raise InputError(
                f"its {kind} is a combination of the moments before it among the controls, or "
                "there are too few controls; leave it out",
                field=name,
            )


def _in_range(c: _Array, target: _Array, sd: _Array, labels: list[tuple[str, str]]) -> None:
    low, high = c.min(axis=0), c.max(axis=0)
    # a mean of equal numbers may differ from them in the last digit
    bad = np.maximum(low - target, target - high) > 1e-10 * sd
    if bad.any():
        k = int(np.argmax(bad))
        name, kind = labels[k]
        what = "mean" if kind == "mean" else "squared distance from the treated units' mean"
        raise InputError(
            f"no overlap: the treated units' {kind} is {target[k]:.6g}, while the controls' "
            f"{what} goes from {low[k]:.6g} to {high[k]:.6g}"
            if kind == "variance"
            else f"no overlap: the treated units' mean is {target[k]:.6g}, while the controls go "
            f"from {low[k]:.6g} to {high[k]:.6g}",
            field=name,
        )


def _solve(
    z: _Array, q: _Array, tolerance: float, labels: list[tuple[str, str]]
) -> tuple[_Array, int]:
    """Return the weights under which z has mean 0, and the steps it took."""
    from diff_diff.balancing import BalanceError
    from diff_diff.balancing import entropy_balance as solve

    # its tolerance is in the unit of the data, so it is given standard deviations
    try:
        weights, told = solve(z, np.zeros(z.shape[1]), q, tol=tolerance)
    except BalanceError as error:
        raise _outside(z, labels, error.max_residual) from None
    return np.asarray(weights, dtype=np.float64), int(told["n_iter"])


def _outside(z: _Array, labels: list[tuple[str, str]], gap: float) -> InputError:
    """Name the moments that no weights can meet together, by a linear programme."""
    from scipy.optimize import linprog

    n, k = z.shape
    cost = np.concatenate([np.zeros(n), np.ones(2 * k)])
    equal = np.zeros((k + 1, n + 2 * k))
    equal[:k, :n], equal[:k, n : n + k], equal[:k, n + k :] = z.T, np.eye(k), -np.eye(k)
    equal[k, :n] = 1.0
    found = linprog(cost, A_eq=equal, b_eq=np.append(np.zeros(k), 1.0), method="highs")
    slack = np.abs(found.x[n : n + k] - found.x[n + k :])
    if slack.max() > _FEASIBLE:
        name, kind = labels[int(np.argmax(slack))]
        return InputError(
            f"no overlap: its {kind} cannot be met together with the other moments by any weights "
            f"on the {n} controls; the nearest misses by {slack.max():.3g} standard deviations",
            field=name,
        )
    return InputError(
        f"the solver stopped {gap:.2g} standard deviations from the moments: they lie at the "
        "edge of what the controls span; drop a covariate or the variances",
        field="covariates",
    )
