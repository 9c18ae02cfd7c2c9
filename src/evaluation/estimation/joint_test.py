r"""Which of two effects closed a gap: a joint test that names one of four outcomes, or none.

With effects a on the group that lagged and b on the one that led, the gap closes by
:math:`a - b`. The plane of (a, b) falls into four convex cones without overlap:

================  =============================  ==================================
lagging_rose      :math:`a > b \ge 0`            closed, and the leading did not fall
both              :math:`a > 0 > b`              closed from both ends
leading_fell      :math:`b < a \le 0`            closed, and the lagging did not rise
not_closed        :math:`a \le b`                not closed
================  =============================  ==================================

Each cone is a hypothesis; the truth lies in exactly one of them, so each is tested at the full
level (partitioning: closed testing without adjustment), and an outcome is named where all three
others are rejected. Whatever the truth, a wrong outcome is named with probability at most alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import f as fisher

from evaluation.errors import InputError

__all__ = ["OUTCOMES", "GapMovement", "gap_movement", "region_p_values"]

_RAYS: Final = {
    "lagging_rose": ((1.0, 0.0), (1.0, 1.0)),
    "both": ((0.0, -1.0), (1.0, 0.0)),
    "leading_fell": ((-1.0, -1.0), (0.0, -1.0)),
    "not_closed": ((1.0, 1.0), (-1.0, -1.0)),
}
"""The edges of each cone, counter-clockwise."""
OUTCOMES: Final = tuple(_RAYS)
"""What can be named; ``cannot_tell`` where none can."""


@dataclass(frozen=True)
class GapMovement:
    """What the joint test says about how a gap moved.

    Parameters
    ----------
    outcome : str
        One of :data:`OUTCOMES`, or ``cannot_tell``.
    p_values : dict of str to float
        Of each outcome as a hypothesis; it is rejected at or below alpha.
    alpha : float
        Bound on the probability that a wrong outcome is named.
    inference : str
        Where the p-values come from.
    """

    outcome: str
    p_values: dict[str, float]
    alpha: float
    inference: str

    @property
    def possible(self) -> tuple[str, ...]:
        """The outcomes that the test does not reject."""
        return tuple(k for k, p in self.p_values.items() if p > self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "outcome": self.outcome,
            "p_values": self.p_values,
            "possible": list(self.possible),
            "alpha": self.alpha,
            "inference": self.inference,
        }


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    result: np.ndarray = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return result


def _squared_distance(x: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the squared distance of points to the convex cone between two unit edges."""
    if _cross(one, two) < 1e-12:
        # a half-plane, to the left of its first edge
        left: np.ndarray = np.minimum(_cross(np.broadcast_to(one, x.shape), x), 0.0) ** 2
        return left
    inside = (_cross(np.broadcast_to(one, x.shape), x) >= 0) & (
        _cross(x, np.broadcast_to(two, x.shape)) >= 0
    )
    length = (x**2).sum(axis=-1)
    edges = [length - np.maximum(x @ edge, 0.0) ** 2 for edge in (one, two)]
    result: np.ndarray = np.where(inside, 0.0, np.maximum(np.minimum(*edges), 0.0))
    return result


def _whitened(covariance: np.ndarray) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, ...]]]:
    """Return what takes out the covariance, and the cones' edges after it."""
    v = np.asarray(covariance, dtype=float)
    if v.shape != (2, 2) or not np.isfinite(v).all() or np.linalg.eigvalsh(v).min() <= 0:
        raise InputError(
            "the joint test needs a finite covariance of two effects that are not one and the same",
            field="covariance",
        )
    root = np.linalg.inv(np.linalg.cholesky(v))
    edges = {}
    for name, rays in _RAYS.items():
        turned = [root @ np.array(r) for r in rays]
        edges[name] = tuple(r / np.linalg.norm(r) for r in turned)
    return root, edges


def region_p_values(
    estimate: np.ndarray,
    covariance: np.ndarray,
    *,
    df: float = np.inf,
    placebo: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    r"""Return the p-value of each outcome as a hypothesis.

    The statistic is the squared distance of the estimate to the cone in the metric of the
    covariance. It is largest where the truth is the apex, and there

    .. math::
        P(\bar F > q) = \tfrac12 P(F_{1,df} > q) + \frac{\pi - \varphi}{2\pi} P(2 F_{2,df} > q)

    with :math:`\varphi` the cone's angle in that metric; for the half-plane it is the one-sided
    t-test of the gap.

    Parameters
    ----------
    estimate : numpy.ndarray
        Shape (..., 2): effects on the lagging and on the leading group.
    covariance : numpy.ndarray
        Shape (2, 2).
    df : float
        Degrees of freedom of the covariance.
    placebo : numpy.ndarray, optional
        Shape (assignments, 2): both effects under the same other assignments; the p-value is then
        the share of them, the real one included, that lie as far from the cone.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (...); one where the estimate lies in the cone.

    Raises
    ------
    InputError
        If the covariance is not finite or singular.

    References
    ----------
    Robertson, T., Wright, F. & Dykstra, R. (1988). Order Restricted Statistical Inference,
    section 2.3. Finner, H. & Strassburger, K. (2002). The partitioning principle. Annals of
    Statistics 30(4), section 2.
    """
    root, edges = _whitened(covariance)
    x = np.asarray(estimate, dtype=float) @ root.T
    out = {}
    for name, (one, two) in edges.items():
        q = _squared_distance(x, one, two)
        if placebo is not None:
            others = np.sort(_squared_distance(placebo @ root.T, one, two))
            # rounding must not make an equal placebo look nearer
            reach = np.searchsorted(others, q - 1e-9 * np.maximum(1.0, q), side="left")
            p = (1 + len(others) - reach) / (1 + len(others))
        else:
            angle = np.arctan2(_cross(one, two), one @ two)
            angle = np.pi if angle < 1e-12 else angle
            near, far = (
                (fisher.sf(q, 1, df), fisher.sf(q / 2, 2, df))
                if np.isfinite(df)
                else (fisher.sf(q, 1, 1e9), np.exp(-q / 2))
            )
            p = near / 2 + (np.pi - angle) / (2 * np.pi) * far
        out[name] = np.where(q == 0, 1.0, p)
    return out


def gap_movement(
    estimate: np.ndarray,
    covariance: np.ndarray,
    *,
    df: float = np.inf,
    placebo: np.ndarray | None = None,
    alpha: float = 0.05,
) -> GapMovement:
    """Say which effect closed a gap, as far as the two estimates can tell.

    Parameters
    ----------
    estimate : numpy.ndarray
        Shape (2,): effects on the lagging and on the leading group.
    covariance, df, placebo
        As in :func:`region_p_values`.
    alpha : float
        Bound on the probability of naming a wrong outcome.

    Returns
    -------
    GapMovement
        With the p-value of every outcome.

    Raises
    ------
    InputError
        If the covariance is not finite or singular, or alpha not between 0 and 1.

    Examples
    --------
    The lagging group rose by 6 and the leading one by 2.5, each with a standard error of 1:

    >>> gap_movement(np.array([6.0, 2.5]), np.eye(2)).outcome
    'lagging_rose'
    >>> gap_movement(np.array([3.0, 0.0]), np.eye(2)).possible
    ('lagging_rose', 'both')
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    found = region_p_values(estimate, covariance, df=df, placebo=placebo)
    p = {k: float(v) for k, v in found.items()}
    left = [k for k, v in p.items() if v > alpha]
    how = (
        f"permutation, {len(placebo)} assignments, the same for both"
        if placebo is not None
        else "each side's own covariance, F-bar"
    )
    return GapMovement(left[0] if len(left) == 1 else "cannot_tell", p, alpha, how)
