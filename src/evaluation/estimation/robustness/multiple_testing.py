"""Several outcomes at once: Holm, Benjamini–Hochberg and the stepdown of Romano and Wolf.

Holm and Benjamini–Hochberg need the p-values only and come from ``statsmodels``. Romano and
Wolf use how the outcomes move together, which draws made under the same assignments for all
outcomes show; no maintained library takes such draws, so that one is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates, tie
from evaluation.language import listed
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MultipleTesting",
    "adjust_outcomes",
    "benjamini_hochberg",
    "holm",
    "multiple_testing",
    "romano_wolf",
]


@dataclass(frozen=True)
class MultipleTesting:
    """What is left of each outcome's significance once all outcomes are looked at.

    Parameters
    ----------
    outcome : tuple of str
        The family of hypotheses, one outcome each.
    statistic : tuple of float
        The estimate or the t-statistic that was tested, two-sided.
    p_value : tuple of float
        Not adjusted.
    holm, benjamini_hochberg, romano_wolf : tuple of float
        Adjusted p-values: the first and the third control the probability of a single false
        rejection, the second the expected share of false ones among the rejections.
    n_draws : int
        Draws that were compared, the real one not counted.
    inference : str
        How the draws were made.
    alpha : float
        Level of the tests.
    seed : int, optional
        Seed of the draws.
    data_hash : tuple of str
        SHA-256 of each outcome's data, where the caller knows them.
    """

    outcome: tuple[str, ...]
    statistic: tuple[float, ...]
    p_value: tuple[float, ...]
    holm: tuple[float, ...]
    benjamini_hochberg: tuple[float, ...]
    romano_wolf: tuple[float, ...]
    n_draws: int
    inference: str
    alpha: float = 0.05
    seed: int | None = None
    data_hash: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per outcome."""
        import pandas as pd

        columns = ("outcome", "statistic", "p_value", "holm", "benjamini_hochberg", "romano_wolf")
        return pd.DataFrame({c: list(getattr(self, c)) for c in columns})

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "rows": self.tidy().to_dict("records"),
            "n_draws": self.n_draws,
            "inference": self.inference,
            "alpha": self.alpha,
            "seed": self.seed,
            "data_hash": list(self.data_hash),
        }

    def check(self) -> Check:
        """Return whether every outcome that is significant alone stays so in the family.

        Returns
        -------
        Check
            ``passed`` is None where none is significant alone: there is nothing to lose.
        """
        alone = [o for o, p in zip(self.outcome, self.p_value, strict=True) if p <= self.alpha]
        kept = [o for o, p in zip(self.outcome, self.romano_wolf, strict=True) if p <= self.alpha]
        lost = [o for o in alone if o not in kept]
        total = len(self.outcome)
        if not alone:
            sv = f"Inget av {total} utfall är signifikant ens för sig."
            en = f"None of {total} outcomes is significant even by itself."
        else:
            sv = (
                f"{len(alone)} av {total} utfall är signifikanta var för sig, "
                f"{len(alone) - len(lost)} när alla prövas tillsammans (Romano–Wolf)"
                + (f"; {listed(lost, 'sv')} faller bort." if lost else ".")
            )
            en = (
                f"{len(alone)} of {total} outcomes are significant one by one, "
                f"{len(alone) - len(lost)} when all are tested together (Romano–Wolf)"
                + (f"; {listed(lost, 'en')} no longer." if lost else ".")
            )
        return Check(
            "multiple_testing",
            None if not alone else not lost,
            sv,
            en,
            float(len(alone) - len(lost)),
            float(len(alone)),
        )


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


def _statistics(
    statistic: Sequence[float] | np.ndarray, draws: np.ndarray, studentize: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Check the input; return absolute statistics and draws on one scale."""
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
    hypothesis testing. Journal of the American Statistical Association 100(469), algorithm
    3.1. Romano, J. & Wolf, M. (2016). Efficient computation of adjusted p-values for
    resampling-based stepdown multiple testing. Statistics & Probability Letters 113,
    algorithm 4.1.

    Examples
    --------
    >>> draws = np.array([[1.0, 2.0], [2.0, 0.5], [0.5, 0.5]])
    >>> romano_wolf([3.0, 1.0], draws, studentize=False).tolist()
    [0.25, 0.5]
    """
    real, drawn = _statistics(statistic, draws, studentize)
    order = np.argsort(-real, kind="stable")
    # the maximum over the hypotheses not yet passed, from the smallest statistic up
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    count = (largest >= real[order] - tie(drawn)).sum(axis=0)
    p = np.empty(len(real))
    p[order] = np.maximum.accumulate((1 + count) / (1 + len(drawn)))
    return p


def multiple_testing(
    outcome: Sequence[str],
    statistic: Sequence[float] | np.ndarray,
    draws: np.ndarray,
    *,
    inference: str,
    studentize: bool = True,
    alpha: float = 0.05,
    seed: int | None = None,
    data_hash: Sequence[str] = (),
) -> MultipleTesting:
    """Test a family of outcomes on joint draws, with all three adjustments.

    Parameters
    ----------
    outcome : sequence of str
        Names, shape (hypotheses,).
    statistic, draws, studentize
        As in :func:`romano_wolf`; the p-values that Holm and Benjamini–Hochberg adjust are
        those of the same draws.
    inference : str
        How the draws were made.
    alpha : float
        Level of the tests.
    seed : int, optional
        Seed of the draws.
    data_hash : sequence of str
        SHA-256 of each outcome's data.

    Returns
    -------
    MultipleTesting
        One row per outcome.

    Raises
    ------
    InputError
        As :func:`romano_wolf`, or if the names do not fit.
    """
    real, drawn = _statistics(statistic, draws, studentize)
    names = tuple(str(o) for o in outcome)
    if len(names) != len(real) or len(set(names)) != len(names):
        raise InputError(
            f"{len(names)} names for {len(real)} statistics; one name of its own each is needed",
            field="outcome",
        )
    count = np.array([(drawn[:, k] >= real[k] - tie(drawn[:, k])).sum() for k in range(len(real))])
    p = (1 + count) / (1 + len(drawn))

    def plain(values: np.ndarray) -> tuple[float, ...]:
        return tuple(float(v) for v in values)

    return MultipleTesting(
        outcome=names,
        statistic=plain(np.asarray(statistic, dtype=float)),
        p_value=plain(p),
        holm=plain(holm(p)),
        benjamini_hochberg=plain(benjamini_hochberg(p)),
        romano_wolf=plain(romano_wolf(real, drawn, studentize=False)),
        n_draws=len(drawn),
        inference=inference,
        alpha=alpha,
        seed=seed,
        data_hash=tuple(data_hash),
    )


def adjust_outcomes(
    parts: Mapping[str, Contrasts],
    picks: np.ndarray,
    *,
    seed: int,
    mechanism: str,
    alpha: float = 0.05,
    data_hash: Sequence[str] = (),
) -> MultipleTesting:
    """Test the same aggregate of several outcomes by permutation, and adjust.

    Parameters
    ----------
    parts : mapping of str to Contrasts
        The aggregate's contrasts by outcome: same units, same treated units.
    picks : numpy.ndarray
        Shape (assignments, slots): the other assignments, the same for every outcome.
    seed : int
        Seed they were drawn with.
    mechanism : str
        The assignment mechanism in words.
    alpha : float
        Level of the tests.
    data_hash : sequence of str
        SHA-256 of each outcome's data.

    Returns
    -------
    MultipleTesting
        The unadjusted p-values are those of
        :func:`evaluation.estimation.few_treated.permutation.permutation_test`.

    Raises
    ------
    InputError
        If there is no outcome, or the outcomes differ in units or treated units.
    """
    if not parts:
        raise InputError("at least one outcome is needed", field="outcomes")
    first_name, first = next(iter(parts.items()))
    for name, c in parts.items():
        if c.units != first.units or c.slots != first.slots:
            raise InputError(
                f"{name} and {first_name} differ in units or in who is treated; joint draws need "
                "the same",
                field="outcomes",
            )
    return multiple_testing(
        tuple(parts),
        [c.estimate() for c in parts.values()],
        np.column_stack([placebo_estimates(c, c.d, picks) for c in parts.values()]),
        inference=f"permutation: {mechanism}",
        alpha=alpha,
        seed=seed,
        data_hash=data_hash,
    )
