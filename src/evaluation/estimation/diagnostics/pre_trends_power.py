r"""What a test of pre-trends could have seen, and what passing it does (Roth 2022).

A pre-test passes when no coefficient before adoption is significant by itself. Against a linear
difference in trends of slope γ, δ_t = γ(t + 1), it does so with probability

.. math:: P(|\hat\beta_t| \le z\,s_t \text{ for all } t < -1),
          \qquad \hat\beta \sim N(\delta, \Sigma),

one minus its power. A weak test also makes matters worse: given that it passed, the expected
coefficients after adoption differ from the trend itself,

.. math:: E[\hat\beta_j \mid pass] = \delta_j
          + \sum_{t < -1} \Sigma_{jt}\,(f_t(-z s_t) - f_t(z s_t))

with f_t the density of the truncated coefficient at its bounds (Tallis 1961).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import norm
from scipy.stats.qmc import Sobol

from evaluation.errors import InputError
from evaluation.estimation.diagnostics.event_coefficients import EventCoefficients
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = [
    "PreTrendsPower",
    "mean_if_passed",
    "power_against",
    "pre_trends_power",
    "pre_trends_power_check",
]

POINTS = 2**15
"""Quasi-random points of each probability: an error of some 1e-6."""


@dataclass(frozen=True)
class PreTrendsPower:
    """What a pre-test could have seen, against a linear difference in trends.

    Parameters
    ----------
    power : tuple of float
        Powers asked for.
    slope : tuple of float
        The slope a year detected with that power, in the outcome's unit; never negative.
    event_time : tuple of int
        Event times of the coefficients.
    trend : numpy.ndarray
        Shape (powers, times): the trend of each slope.
    mean_if_passed : numpy.ndarray
        Shape (powers, times): expected coefficients given that the pre-test passed, if there is
        no effect.
    alpha : float
        Level of each single coefficient's test.
    n_pre : int
        Coefficients in the pre-test.
    observed : numpy.ndarray
        Shape (times,): the estimated coefficients.
    seed : int
        Seed of the quasi-random integration.
    data_hash : str
        SHA-256 of the data.
    """

    power: tuple[float, ...]
    slope: tuple[float, ...]
    event_time: tuple[int, ...]
    trend: np.ndarray
    mean_if_passed: np.ndarray
    alpha: float
    n_pre: int
    observed: np.ndarray
    seed: int
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per power and event time."""
        k = len(self.event_time)
        return pd.DataFrame(
            {
                "power": np.repeat(self.power, k),
                "slope": np.repeat(self.slope, k),
                "event_time": np.tile(self.event_time, len(self.power)),
                "estimate": np.tile(self.observed, len(self.power)),
                "trend": self.trend.ravel(),
                "mean_if_passed": self.mean_if_passed.ravel(),
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "alpha": self.alpha,
            "n_pre": self.n_pre,
            "seed": self.seed,
            "data_hash": self.data_hash,
            "rows": self.tidy().to_dict("records"),
        }


@lru_cache(maxsize=8)
def _points(dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return np.asarray(Sobol(dimensions, rng=rng).random(POINTS).T)


def _box(mean: np.ndarray, cov: np.ndarray, half: np.ndarray, seed: int) -> float:
    """P(|X| ≤ half) for a normal vector, one coordinate after the other given those before it.

    The same points serve every call, so that the probability is a smooth function of the mean
    (Genz 1992; the library's adaptive integration takes seconds from five dimensions on).
    """
    n = len(mean)
    if n == 0:
        return 1.0
    # a singular matrix, to rounding, must not stop it
    root = np.linalg.cholesky(cov + 1e-12 * np.diag(np.diag(cov)))
    inside = np.ones(1)
    drawn = np.zeros((n, 1))
    for i in range(n):
        centre = mean[i] + root[i, :i] @ drawn[:i]
        low = ndtr((-half[i] - centre) / root[i, i])
        high = ndtr((half[i] - centre) / root[i, i])
        inside = inside * (high - low)
        if i < n - 1:
            if i == 0:
                drawn = np.zeros((n, POINTS))
            spot = low + _points(n - 1, seed)[i] * (high - low)
            drawn[i] = ndtri(np.clip(spot, 1e-300, 1 - 1e-16))
    return float(inside.mean())


def _half_widths(e: EventCoefficients, alpha: float) -> np.ndarray:
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, not {alpha}", field="alpha")
    sd = np.sqrt(np.diag(e.sigma)[: e.n_pre])
    return np.asarray(norm.ppf(1 - alpha / 2) * sd)


def power_against(
    e: EventCoefficients, trend: np.ndarray, *, alpha: float = 0.05, seed: int = 0
) -> float:
    """Return the chance that some coefficient before adoption is significant under a trend.

    Parameters
    ----------
    e : EventCoefficients
        Only the covariance matrix is used.
    trend : numpy.ndarray
        Shape (times,): the differential trend δ at each event time.
    alpha : float
        Level of each single test.
    seed : int
        Seed of the quasi-random integration.

    Examples
    --------
    >>> e = EventCoefficients((-3, -2, 0), np.zeros(3), np.eye(3))
    >>> round(power_against(e, np.zeros(3)), 4)  # 1 - 0.95 ** 2
    0.0975
    """
    half = _half_widths(e, alpha)
    return 1 - _box(trend[: e.n_pre], e.sigma[: e.n_pre, : e.n_pre], half, seed)


def mean_if_passed(
    e: EventCoefficients, trend: np.ndarray, *, alpha: float = 0.05, seed: int = 0
) -> np.ndarray:
    """Return the expected coefficients under a trend, given that no pre-period is significant.

    Parameters
    ----------
    e : EventCoefficients
        Only the covariance matrix is used.
    trend : numpy.ndarray
        Shape (times,): the differential trend δ.
    alpha, seed
        As in :func:`power_against`.

    Returns
    -------
    numpy.ndarray
        Shape (times,).

    Raises
    ------
    InputError
        If the pre-test practically never passes under that trend.
    """
    n = e.n_pre
    half = _half_widths(e, alpha)
    cov = e.sigma[:n, :n]
    passed = _box(trend[:n], cov, half, seed)
    if passed < 1e-8:
        raise InputError("under this trend the pre-test practically never passes", field="trend")
    push = np.zeros(n)
    for t in range(n):
        rest = np.arange(n) != t
        sd = float(np.sqrt(cov[t, t]))
        load = cov[rest, t] / cov[t, t]
        inner = cov[np.ix_(rest, rest)] - np.outer(load, cov[t, rest])
        density = []
        for bound in (-half[t], half[t]):
            centre = trend[:n][rest] + load * (bound - trend[t])
            density.append(
                norm.pdf(bound, trend[t], sd) * _box(centre, inner, half[rest], seed) / passed
            )
        push[t] = density[0] - density[1]
    moved: np.ndarray = trend + e.sigma[:, :n] @ push
    return moved


def pre_trends_power(
    e: EventCoefficients,
    power: tuple[float, ...] = (0.5, 0.8),
    *,
    alpha: float = 0.05,
    seed: int = 0,
) -> PreTrendsPower:
    """Find the linear trends that the pre-test would detect with given power.

    Parameters
    ----------
    e : EventCoefficients
        Coefficients on the base of the year before adoption.
    power : tuple of float
        Powers, above the test's own size.
    alpha : float
        Level of each single coefficient's test.
    seed : int
        Seed of the quasi-random integration.

    Returns
    -------
    PreTrendsPower
        Slopes, their trends, and the coefficients to expect where the pre-test passes.

    Raises
    ------
    InputError
        If a power lies outside the test's size and one.

    References
    ----------
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel
    trends. American Economic Review: Insights 4(3).
    """
    distance = np.array(e.event_time, dtype=float) + 1
    size = power_against(e, 0 * distance, alpha=alpha, seed=seed)
    slopes = []
    for target in power:
        if not size < target < 1:
            raise InputError(
                f"a power between the pre-test's own size {size:.3f} and 1 is needed, not {target}",
                field="power",
            )

        def short(slope: float, target: float = target) -> float:
            return power_against(e, slope * distance, alpha=alpha, seed=seed) - target

        high = float(np.sqrt(np.diag(e.sigma)[: e.n_pre]).max())
        while short(high) < 0:
            high *= 2
        slopes.append(float(brentq(short, 0.0, high, xtol=1e-6 * high)))
    trends = np.outer(slopes, distance)
    return PreTrendsPower(
        power=tuple(power),
        slope=tuple(slopes),
        event_time=e.event_time,
        trend=trends,
        mean_if_passed=np.array([mean_if_passed(e, t, alpha=alpha, seed=seed) for t in trends]),
        alpha=alpha,
        n_pre=e.n_pre,
        observed=e.beta,
        seed=seed,
        data_hash=e.data_hash,
    )


def pre_trends_power_check(found: PreTrendsPower) -> Check:
    """Ask whether a trend the pre-test would miss one time in five could make the estimate.

    It passes where the mean coefficient from adoption on is larger than what the trend detected
    with the largest power asked for would show after a passed pre-test.
    """
    best = int(np.argmax(found.power))
    after = np.array(found.event_time) >= 0
    shown = float(found.mean_if_passed[best][after].mean())
    estimate = float(found.observed[after].mean())
    power, slope = found.power[best], found.slope[best]
    sv = (
        f"Förperiodernas test upptäcker en rak trend på {number(slope, 'sv')} om året med "
        f"{per_cent(power, 'sv')} sannolikhet; en sådan trend som klarat testet skulle efter "
        f"starten se ut som en effekt på {number(shown, 'sv')} i snitt (skattad: "
        f"{number(estimate, 'sv')})."
    )
    en = (
        f"The pre-periods' test detects a linear trend of {number(slope, 'en')} a year with "
        f"probability {per_cent(power, 'en')}; such a trend that passed the test would look like "
        f"an effect of {number(shown, 'en')} on average after the start (estimated: "
        f"{number(estimate, 'en')})."
    )
    return Check("pre_trends_power", abs(estimate) > abs(shown), sv, en, abs(estimate), abs(shown))
