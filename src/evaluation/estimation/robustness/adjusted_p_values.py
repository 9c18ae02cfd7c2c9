"""P-values adjusted for several hypotheses: Holm, Benjamini–Hochberg, Romano–Wolf.

The first two need the p-values only and come from ``statsmodels``. Romano and Wolf use how the
hypotheses move together, which draws made under the same assignments for all of them show; no
maintained library takes such draws, so that one is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.permutation import tie

__all__ = ["benjamini_hochberg", "holm", "on_one_scale", "romano_wolf"]


def _probabilities(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or p.size == 0:
        raise InputError("a list with at least one p-value is needed", field="p_values")
    bad = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if bad.size:
        raise InputError(
            f"value {int(bad[0]) + 1} is {p[bad[0]]}; a p-value lies between 0 and 1",
            field="p_values",
        )
    return p


def _adjusted(p_values: Sequence[float] | np.ndarray, method: str) -> np.ndarray:
    from statsmodels.stats.multitest import multipletests

    adjusted: np.ndarray = multipletests(_probabilities(p_values), method=method)[1]
    return adjusted


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    r"""Adjust p-values by Holm's stepdown.

    .. math::
        \tilde p_{(j)} = \max_{i \le j} \min\{1, (S - i + 1)\, p_{(i)}\}

    Parameters
    ----------
    p_values : sequence of float
        Shape (hypotheses,).

    Returns
    -------
    numpy.ndarray
        Shape (hypotheses,), in the order given.

    Raises
    ------
    InputError
        If there is none, or one is missing or not between 0 and 1.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Scandinavian Journal of Statistics 6(2).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    r"""Adjust p-values to the false discovery rate.

    .. math::
        \tilde p_{(j)} = \min_{i \ge j} \min\{1, S\, p_{(i)} / i\}

    Parameters
    ----------
    p_values : sequence of float
        Shape (hypotheses,).

    Returns
    -------
    numpy.ndarray
        Shape (hypotheses,), in the order given.

    Raises
    ------
    InputError
        As :func:`holm`.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of
    the Royal Statistical Society B 57(1). Holds under independence and positive dependence.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    return _adjusted(p_values, "fdr_bh")


def on_one_scale(
    statistic: Sequence[float] | np.ndarray, draws: np.ndarray, studentize: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return absolute statistics and draws, divided by each column's root mean square if asked.

    Raises
    ------
    InputError
        If the shapes do not fit, a value is not finite, or a hypothesis never varies.
    """
    real = np.asarray(statistic, dtype=float)
    drawn = np.asarray(draws, dtype=float)
    if real.ndim != 1 or drawn.ndim != 2 or drawn.shape[1] != len(real) or not drawn.size:
        raise InputError(
            f"shape {drawn.shape} for {real.size} statistics; one row per draw and one column "
            "per hypothesis are needed",
            field="draws",
        )
    if not np.isfinite(real).all() or not np.isfinite(drawn).all():
        raise InputError("statistics and draws must be finite", field="draws")
    if studentize:
        # the real assignment is one of the draws of the mechanism: with it in the scale, no
        # draw is treated differently from it, and the test stays exact
        scale = np.sqrt((real**2 + (drawn**2).sum(axis=0)) / (1 + len(drawn)))
        if (scale == 0).any():
            raise InputError(
                f"hypothesis {int(np.flatnonzero(scale == 0)[0]) + 1} is zero in every draw",
                field="draws",
            )
        real, drawn = real / scale, drawn / scale
    return np.abs(real), np.abs(drawn)


def romano_wolf(
    statistic: Sequence[float] | np.ndarray, draws: np.ndarray, *, studentize: bool = True
) -> np.ndarray:
    r"""Adjust p-values by the stepdown of Romano and Wolf, two-sided.

    With the hypotheses sorted so that :math:`|t_{(1)}| \ge \dots \ge |t_{(S)}|`,

    .. math::
        \tilde p_{(j)} = \max_{i \le j}
        \frac{1 + \#\{b : \max_{k \ge i} |t^b_{(k)}| \ge |t_{(i)}|\}}{1 + B} .

    The probability of one false rejection or more is at most alpha, as with Holm, but outcomes
    that move together cost less.

    Parameters
    ----------
    statistic : sequence of float
        Shape (hypotheses,): estimates or t-statistics.
    draws : numpy.ndarray
        Shape (draws, hypotheses): the same statistics under the null, each row made by one
        assignment (or one bootstrap sample) for all hypotheses. Bootstrap draws must be
        centred by the caller.
    studentize : bool
        Divide each column by its root mean square, the real statistic counted, so that
        outcomes in different units can be compared. Say False for t-statistics.

    Returns
    -------
    numpy.ndarray
        Shape (hypotheses,), in the order given.

    Raises
    ------
    InputError
        If the shapes do not fit, a value is not finite, or a hypothesis never varies.

    References
    ----------
    Romano, J. & Wolf, M. (2005). Exact and approximate stepdown methods for multiple
    hypothesis testing. Journal of the American Statistical Association 100(469). Romano, J. &
    Wolf, M. (2016). Efficient computation of adjusted p-values for resampling-based stepdown
    multiple testing. Statistics & Probability Letters 113.

    Examples
    --------
    >>> draws = np.array([[1.0, 2.0], [2.0, 0.5], [0.5, 0.5]])
    >>> romano_wolf([3.0, 1.0], draws, studentize=False).tolist()
    [0.25, 0.5]
    """
    real, drawn = on_one_scale(statistic, draws, studentize)
    order = np.argsort(-real, kind="stable")
    # the maximum over the hypotheses not yet passed, from the smallest statistic up
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    count = (largest >= real[order] - tie(drawn)).sum(axis=0)
    p = np.empty(len(real))
    p[order] = np.maximum.accumulate((1 + count) / (1 + len(drawn)))
    return p
