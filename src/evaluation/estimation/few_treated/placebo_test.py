"""A test that holds the estimate against placebo estimates, for one or many panels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evaluation.estimation.few_treated.permutation import tie

__all__ = ["PlaceboTest"]


@dataclass(frozen=True)
class PlaceboTest:
    r"""An estimate and what it would be without any effect.

    The placebo estimates do not depend on the effect that is tested, so

    .. math::
        p(\delta) = \frac{1 + \#\{b : |T_b| \ge |\hat\tau - \delta|\}}{1 + B}

    and its inversion is an interval as wide as one order statistic.

    Parameters
    ----------
    estimate : numpy.ndarray
        Shape (draws,).
    placebo : numpy.ndarray
        Shape (draws, placebos).
    convention : str
        How the placebo estimates were made, in words.
    """

    estimate: np.ndarray = field(repr=False)
    placebo: np.ndarray = field(repr=False)
    convention: str

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that there can be."""
        return 1.0 / (1 + int(self.placebo.shape[1]))

    def p_value(self, effect: float = 0.0) -> np.ndarray:
        """Return the two-sided p-value of a hypothesised effect, shape (draws,).

        The real study counts among the placebos, so it is never zero.
        """
        size = np.abs(self.placebo)
        distance = np.abs(self.estimate - effect)[:, None] - tie(size)
        result: np.ndarray = (1 + (size >= distance).sum(axis=1)) / (1 + size.shape[1])
        return result

    def half_width(self, alpha: float) -> np.ndarray:
        """Return half the width of the interval at level ``1 - alpha``, shape (draws,).

        Infinite where there are too few placebos for the level.
        """
        count = self.placebo.shape[1]
        rank = int(np.floor(alpha * (count + 1) + 1e-9))
        if rank < 1:
            return np.full(len(self.estimate), np.inf)
        result: np.ndarray = np.partition(np.abs(self.placebo), count - rank, axis=1)[
            :, count - rank
        ]
        return result
