r"""Bias-corrected cluster variance with Satterthwaite degrees of freedom (CR2, Welch).

For a contrast between treated and controls, CR2 (Bell & McCaffrey 2002) is the sum of two
unbiased variances, the treated units' own and the controls' own, so it stays right when
treatment changes the variance. The degrees of freedom are Satterthwaite's with the two
estimated variances, as in Welch (1947): in the calibration they keep the level more evenly
than Bell and McCaffrey's, which take all variances as equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtr, stdtrit

from evaluation.estimation.few_treated.collapsed import Collapsed

__all__ = ["StudentTest", "welch"]


@dataclass(frozen=True)
class StudentTest:
    """A t-test for one or many panels.

    Parameters
    ----------
    estimate, std_error, df : numpy.ndarray
        Shape (draws,).
    """

    estimate: np.ndarray = field(repr=False)
    std_error: np.ndarray = field(repr=False)
    df: np.ndarray = field(repr=False)

    def p_value(self, effect: float = 0.0) -> np.ndarray:
        """Return the two-sided p-value of a hypothesised effect, shape (draws,)."""
        result: np.ndarray = 2 * stdtr(self.df, -np.abs(self.estimate - effect) / self.std_error)
        return result

    def half_width(self, alpha: float) -> np.ndarray:
        """Return half the width of the interval at level ``1 - alpha``, shape (draws,)."""
        result: np.ndarray = stdtrit(self.df, 1 - alpha / 2) * self.std_error
        return result


def welch(c: Collapsed) -> StudentTest:
    r"""Test with each side's own variance.

    .. math::
        \widehat{\mathrm{Var}} = \sum_s \frac{\lambda_s^2 (e_s - \hat\tau)^2}
        {1 - 2\lambda_s + \sum_r \lambda_r^2}
        + \sum_c \frac{\kappa_c^2 (D_c - \bar D)^2}{1 - 2\kappa_c + \sum \kappa^2}

    Without weights the second sum is :math:`\sum_c (D_c - \bar D)^2 / (N_0 (N_0 - 1))`, and
    all is CR2 of the regression of the contrasts on treatment. Treated units' effects may
    differ: their spread then adds to the variance, never takes from it.

    Parameters
    ----------
    c : Collapsed
        At least two treated units and two controls.

    Returns
    -------
    StudentTest
        Infinite errors where one unit is treated.

    References
    ----------
    Bell, R. & McCaffrey, D. (2002). Bias reduction in standard errors for linear
    regression with multi-stage samples. Survey Methodology 28(2). Welch, B. (1947). The
    generalization of Student's problem. Biometrika 34. Imbens, G. & Kolesár, M. (2016).
    Robust standard errors in small samples. Review of Economics and Statistics 98(4).
    """
    weight = c.estimator.weight
    controls, others = c.control_variance()
    leverage = 1 - 2 * weight + (weight**2).sum()
    if len(weight) < 2 or (leverage <= 0).any():
        infinite = np.full_like(c.estimate, np.inf)
        return StudentTest(c.estimate, infinite, np.ones_like(c.estimate))
    factor = weight**2 / leverage
    treated = ((c.effect - c.estimate[:, None]) ** 2) @ factor
    # degrees of freedom of the treated part, profiles weighing by the controls' spread
    residual = np.eye(len(weight)) - weight[None, :]
    form = residual.T @ (factor[:, None] * residual)
    scaled = form[None] * c.spread()[:, None, :]
    trace = np.einsum("rss->r", scaled)
    own = trace**2 / np.einsum("rst,rts->r", scaled, scaled)
    total = treated + controls
    df = total**2 / (treated**2 / own + controls**2 / others)
    return StudentTest(c.estimate, np.sqrt(total), df)
