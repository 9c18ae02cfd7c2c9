r"""How far parallel trends may fail before a finding does: Rambachan & Roth (2023).

Two restrictions on the differential trend δ. Relative magnitudes,

.. math:: \Delta^{RM}(\bar M) = \{\delta : |\delta_{t+1} - \delta_t| \le \bar M
          \max_{s < -1} |\delta_{s+1} - \delta_s|, \; t \ge -1\},

says that a year after adoption departs from parallel trends at most M̄ times as much as the worst
year before it. Smoothness,

.. math:: \Delta^{SD}(M) = \{\delta : |(\delta_{t+1} - \delta_t) - (\delta_t - \delta_{t-1})|
          \le M\},

says that the trend's slope changes by at most M a year. The interval holds every effect that is
not rejected for some δ allowed; the breakdown value is the largest M̄ (or M) at which it excludes
zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.estimation.diagnostics.conditional_test import (
    DualVertices,
    accepted,
    dual_vertices,
    least_favourable_draws,
)
from evaluation.estimation.diagnostics.event_coefficients import EventCoefficients
from evaluation.estimation.diagnostics.fixed_length import fixed_length_interval
from evaluation.estimation.diagnostics.honest_intervals import HonestIntervals

__all__ = [
    "SmoothnessMethod",
    "honest_relative_magnitudes",
    "honest_smoothness",
]

SmoothnessMethod = Literal["flci", "c-lf"]

GRID_POINTS = 1000
"""Effects tested at once; the two ends of the interval are then refined."""
FIRST_HALF_WIDTH = 20.0
"""Half-width of the first grid in standard errors; it doubles until both ends are rejected."""
LARGEST = 2.0**12
"""No breakdown value beyond this many times the unit of M is looked for."""
LF_DRAWS = 10_000


def _first_differences(coefficients: int, n_pre: int) -> np.ndarray:
    """Write δ_{t+1} − δ_t as rows over the coefficients, the base (zero) left out."""
    step = np.diff(np.eye(coefficients + 1), axis=0)
    rows: np.ndarray = np.delete(step, n_pre, axis=1)
    return rows


def _relative(e: EventCoefficients, target: np.ndarray, m_bar: float) -> list[DualVertices]:
    """Give the polyhedra of Δ^RM: each year before adoption, in each direction, is the worst."""
    step = _first_differences(len(e.beta), e.n_pre)
    before, after = step[: e.n_pre], step[e.n_pre :]
    zero = np.zeros(len(after))
    return [
        dual_vertices(after, np.tile(m_bar * sign * worst, (len(after), 1)), zero, target, e.sigma)
        for worst in before
        for sign in (1.0, -1.0)
    ]


def _smooth(e: EventCoefficients, target: np.ndarray, m: float) -> list[DualVertices]:
    """Give the one polyhedron of Δ^SD, second differences that touch a post period."""
    bends = np.diff(_first_differences(len(e.beta), e.n_pre), axis=0)[e.n_pre - 1 :]
    return [dual_vertices(bends, np.zeros_like(bends), np.full(len(bends), m), target, e.sigma)]


def _invert(
    test: Callable[[np.ndarray], np.ndarray], centre: float, scale: float
) -> tuple[float, float]:
    """Return the outermost effects that are not rejected."""
    half = FIRST_HALF_WIDTH * scale
    for _ in range(60):
        grid = np.linspace(centre - half, centre + half, GRID_POINTS)
        kept = test(grid)
        if not (kept[0] or kept[-1]):
            break
        half *= 2
    if not kept.any() or kept[0] or kept[-1]:
        raise InputError("the test rejects every effect, or none, on any grid", field="sigma")
    first, last = np.flatnonzero(kept)[[0, -1]]
    ends = []
    for inside, outside in ((grid[first], grid[first - 1]), (grid[last], grid[last + 1])):
        # the outermost accepted of 32 points between, four times over: a millionth of a step
        for _ in range(4):
            between = np.linspace(inside, outside, 33)
            k = int(np.flatnonzero(test(between[1:-1])).max(initial=-1)) + 1
            inside, outside = between[k], between[k + 1]
        ends.append(float(inside))
    return ends[0], ends[1]


def _hybrid(
    e: EventCoefficients,
    polyhedra: Sequence[DualVertices],
    target: np.ndarray,
    noise: np.ndarray,
    alpha: float,
) -> tuple[float, float]:
    kappa = alpha / 10
    staged = [v.with_first_stage(noise, kappa) for v in polyhedra]
    return _invert(
        lambda theta: accepted(staged, e.beta, e.sigma, theta, alpha, kappa),
        float(target @ e.beta[e.n_pre :]),
        e.std_error(target),
    )


def _breakdown(find: Callable[[float], tuple[float, float]], unit: float) -> float:
    """Return the largest bound at which the interval excludes zero, to a ten-thousandth."""
    low, high = find(0.0)
    if low <= 0 <= high:
        return 0.0
    sign = 1.0 if low > 0 else -1.0

    def distance(m: float) -> float:
        """How far the near end lies from zero: almost linear in the bound, so quickly solved."""
        one, two = find(m)
        return one if sign > 0 else -two

    inside, outside = 0.0, unit
    while distance(outside) > 0:
        inside, outside = outside, 2 * outside
        if outside > LARGEST * unit:
            return math.inf
    near = 1e-4 * unit
    root = float(brentq(distance, inside, outside, xtol=near / 4, rtol=1e-12))
    return root if distance(root) > 0 else max(root - near, 0.0)


def _bounds(m: Sequence[float], name: str) -> tuple[float, ...]:
    values = tuple(float(v) for v in m)
    if not values or not all(math.isfinite(v) and v >= 0 for v in values):
        raise InputError(f"{name} must be numbers of zero or above, not {list(m)}", field=name)
    return values


def _result(
    e: EventCoefficients,
    target: np.ndarray,
    alpha: float,
    m: tuple[float, ...],
    find: Callable[[float], tuple[float, float]],
    *,
    restriction: str,
    method: str,
    unit: float,
    seed: int | None,
) -> HonestIntervals:
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, not {alpha}", field="alpha")
    estimate = float(target @ e.beta[e.n_pre :])
    half = float(norm.ppf(1 - alpha / 2)) * e.std_error(target)
    found = [find(v) for v in m]
    return HonestIntervals(
        restriction=restriction,
        method=method,
        m=m,
        conf_low=tuple(low for low, _ in found),
        conf_high=tuple(high for _, high in found),
        breakdown=_breakdown(find, unit),
        estimate=estimate,
        original=(estimate - half, estimate + half),
        target=tuple(float(w) for w in target),
        event_time=e.post,
        alpha=alpha,
        seed=seed,
        small_sample="none (coefficients taken as normal with known covariance matrix)",
        data_hash=e.data_hash,
        notes=e.notes,
    )


def honest_relative_magnitudes(
    e: EventCoefficients,
    m_bar: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
    *,
    target: Sequence[float] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> HonestIntervals:
    """Return intervals under Δ^RM(M̄), by the conditional least-favourable hybrid.

    Parameters
    ----------
    e : EventCoefficients
        Coefficients on the base of the year before adoption, with their covariance.
    m_bar : sequence of float
        Bounds, as multiples of the worst year before adoption.
    target : sequence of float, optional
        Weights of the post-period coefficients; the first by default.
    alpha : float
        One minus the level. The first stage of the hybrid takes α/10 of it.
    seed : int
        Seed of the 10,000 draws behind the least favourable critical value.

    Returns
    -------
    HonestIntervals
        The outermost effects not rejected, on a grid of 1,000 that widens until both its ends
        are rejected, refined. Only moments of post periods are used, as in R's
        ``HonestDiD``, whose printed ends are points of a grid of step 0.04 standard errors.

    Raises
    ------
    InputError
        If a bound is negative, or the weights do not fit.

    References
    ----------
    Rambachan, A. & Roth, J. (2023). A more credible approach to parallel trends. Review of
    Economic Studies 90(5), sections 2.4.1 and 3.

    Examples
    --------
    >>> e = EventCoefficients((-3, -2, 0), np.array([0.1, 0.0, 2.0]), 0.04 * np.eye(3))
    >>> found = honest_relative_magnitudes(e, [0, 1])
    >>> found.conf_low[0] > found.conf_low[1] > 0
    True
    """
    weights = e.target(target)
    noise = least_favourable_draws(e.sigma, LF_DRAWS, seed)

    def find(m: float) -> tuple[float, float]:
        return _hybrid(e, _relative(e, weights, m), weights, noise, alpha)

    return _result(
        e,
        weights,
        alpha,
        _bounds(m_bar, "m_bar"),
        find,
        restriction="relative magnitudes",
        method="conditional least-favourable hybrid (C-LF)",
        unit=1.0,
        seed=seed,
    )


def honest_smoothness(
    e: EventCoefficients,
    m: Sequence[float],
    *,
    target: Sequence[float] | None = None,
    alpha: float = 0.05,
    method: SmoothnessMethod = "flci",
    seed: int = 0,
) -> HonestIntervals:
    """Return intervals under Δ^SD(M).

    Parameters
    ----------
    e : EventCoefficients
        Coefficients on the base of the year before adoption, with their covariance.
    m : sequence of float
        Bounds on the yearly change of the trend's slope, in the outcome's unit. 0 allows a
        linear trend.
    target : sequence of float, optional
        Weights of the post-period coefficients; the first by default.
    alpha : float
        One minus the level.
    method : {"flci", "c-lf"}
        The shortest fixed-length interval (the authors' recommendation here), or the conditional
        least-favourable hybrid over post-period moments.
    seed : int
        Seed of the draws of ``"c-lf"``.

    Returns
    -------
    HonestIntervals
        The folded normal quantile of the fixed-length interval is exact; R's is simulated with
        an error of about 0.002 standard errors.

    Raises
    ------
    InputError
        If a bound is negative, the weights do not fit, or the method is neither of the two.

    References
    ----------
    Rambachan & Roth (2023), sections 2.4.2, 3 and 4.
    """
    weights = e.target(target)
    if method == "flci":

        def find(bound: float) -> tuple[float, float]:
            return fixed_length_interval(e.beta, e.sigma, e.n_pre, weights, bound, alpha)

    elif method == "c-lf":
        noise = least_favourable_draws(e.sigma, LF_DRAWS, seed)

        def find(bound: float) -> tuple[float, float]:
            return _hybrid(e, _smooth(e, weights, bound), weights, noise, alpha)

    else:
        raise InputError(f"{method!r} is neither flci nor c-lf", field="method")
    return _result(
        e,
        weights,
        alpha,
        _bounds(m, "m"),
        find,
        restriction="smoothness",
        method="fixed-length confidence interval (FLCI)"
        if method == "flci"
        else "conditional least-favourable hybrid (C-LF)",
        unit=e.std_error(weights),
        seed=None if method == "flci" else seed,
    )
