r"""The wild cluster bootstrap-t from per-cluster sums: no draw touches a row of the data.

With the regressors in an orthonormal basis Z, the coefficient of interest is a direction a
in it. A draw multiplies the residuals of cluster g by :math:`v_g`; the refitted coefficients
are :math:`\theta^* = \sum_g v_g Z_g'u_g` and the score of the coefficient in cluster g is
:math:`v_g a'Z_g'u_g - a'Z_g'Z_g\theta^*`. So a draw is a row of signs times a small matrix, year
effects and other regressors refitted exactly. The residuals under another null differ
from these along one direction only, so every null is a polynomial in the same sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.regression.cluster_robust import cr1
from evaluation.estimation.regression.least_squares import LeastSquares, cluster_sums

__all__ = ["Multiplier", "WildBootstrap", "wild_cluster_bootstrap"]

Multiplier = Literal["rademacher", "webb"]

STREAM = 256  # draws that share one stream of random numbers; part of what a seed means
CHUNK = 2048  # clusters whose signs are written out at a time; memory only
# the eight signs that each byte stands for, and Webb's six points
BYTES = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
WEBB = np.concatenate([-WEBB[::-1], WEBB])
TIE = 1e-9
FAR = 1e6  # t-statistics beyond which a bound is called infinite


@dataclass(frozen=True)
class WildBootstrap:
    """A coefficient with its wild cluster bootstrap test and interval.

    Parameters
    ----------
    term : str
        The coefficient.
    estimate, std_error, statistic : float
        The estimate, its CR1 error (fixest convention) and their ratio at the null.
    p_value : float
        Symmetric two-sided: of the draws, the real sample counted among them, the share that
        is at least as extreme. Restricted, all sign patterns hold the sample already.
    conf_int : tuple of float
        Restricted: the nulls that are not rejected, infinite where none is. Unrestricted:
        from the quantile of the absolute bootstrap t.
    t_star : numpy.ndarray
        Shape (draws,): bootstrap t-statistics at the null, with the same factor.
    null : float
        The value tested.
    restricted : bool
        Whether the null was imposed on the residuals.
    multiplier : str
        ``"rademacher"`` or ``"webb"``.
    enumerated : bool
        Whether all sign patterns were listed, so that no random number was used.
    seed : int or None
        Seed of the draws; None where all patterns were listed.
    alpha : float
        One minus the level.
    small_sample : str
        The convention in words.
    """

    term: str
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_int: tuple[float, float]
    t_star: np.ndarray = field(repr=False, compare=False)
    null: float
    restricted: bool
    multiplier: str
    enumerated: bool
    seed: int | None
    alpha: float
    small_sample: str

    @property
    def inference(self) -> str:
        """How the p-value and the interval were made, in words."""
        kind = "restricted" if self.restricted else "unrestricted"
        draws = f"{len(self.t_star)} {'sign patterns, all' if self.enumerated else 'draws'}"
        return f"wild cluster bootstrap-t ({kind}, {self.multiplier}, {draws})"


def _signs(
    n_clusters: int, draws: int, seed: int, block: int, multiplier: Multiplier
) -> Callable[[int, int], np.ndarray]:
    """Draw one stream's multipliers; return a reader of clusters lo to hi, shape (draws, hi−lo)."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
    if multiplier == "webb":
        points = rng.integers(0, 6, size=(STREAM, n_clusters), dtype=np.uint8)[:draws]
        return lambda lo, hi: WEBB[points[:, lo:hi]]
    width = -(-n_clusters // 8)
    coins = rng.integers(0, 256, size=(STREAM, width), dtype=np.uint8)[:draws]

    def read(lo: int, hi: int) -> np.ndarray:
        taken = np.take(BYTES, coins[:, lo // 8 : -(-hi // 8)], axis=0)
        return taken.reshape(draws, -1)[:, : hi - lo]

    return read


def _all_signs(n_clusters: int) -> Callable[[int, int], np.ndarray]:
    """List every sign pattern."""
    number = np.arange(2**n_clusters)
    return lambda lo, hi: 1.0 - 2.0 * ((number[:, None] >> np.arange(lo, hi)[None, :]) & 1)


@dataclass(frozen=True)
class _Moments:
    r"""What each draw needs at any null: numerator and variance as polynomials in δ.

    δ is the distance of the null from the estimate in units of the partialled-out
    regressor's length; numerator :math:`n_0 + n_1 δ`, variance
    :math:`v_0 + v_1 δ + v_2 δ^2`.
    """

    n0: np.ndarray
    n1: np.ndarray
    v0: np.ndarray
    v1: np.ndarray
    v2: np.ndarray

    def extreme(self, delta: float, base: float) -> int:
        """Count draws whose t is at least as far from zero as the sample's at the null δ."""
        numerator = (self.n0 + self.n1 * delta) ** 2 * base
        variance = self.v0 + (self.v1 + self.v2 * delta) * delta
        return int((numerator >= delta**2 * variance * (1 - TIE)).sum())


def _moments(
    signs: list[Callable[[], Callable[[int, int], np.ndarray]]],
    s: np.ndarray,
    c: np.ndarray,
    score: np.ndarray,
    leverage: np.ndarray,
    restricted: bool,
    unit_length: bool,
) -> _Moments:
    """Multiply the sign patterns into the per-cluster sums, stream by stream."""
    # with few distinct regressors (one adoption date, say) the leverages have low rank
    u, size, w = np.linalg.svd(leverage, full_matrices=False)
    rank = int((size > 1e-13 * size[0]).sum())
    u, size, w = u[:, :rank] * size[:rank], size[:rank], w[:rank].T
    along = score @ w
    parts = [s[:, None], along, s[:, None] * u]
    if restricted:
        parts += [c[:, None], u, c[:, None] * u]
    table = np.ascontiguousarray(np.hstack(parts))
    squares = np.column_stack([s * s, s * c, c * c])
    rows = []
    for make in signs:
        read = make()
        total: np.ndarray | float = 0.0
        own: np.ndarray | float = 0.0
        for lo in range(0, len(s), CHUNK):
            hi = min(lo + CHUNK, len(s))
            v = read(lo, hi)
            total = total + v @ table[lo:hi]
            own = own + (squares[lo:hi].sum(axis=0) if unit_length else (v * v) @ squares[lo:hi])
        rows.append(np.hstack([total, np.broadcast_to(own, (len(v), 3))]))
    sums = np.vstack(rows)
    own = sums[:, -3:]
    cut = [1, rank, rank]
    pieces = np.split(sums[:, :-3], np.cumsum(cut * 2 if restricted else cut)[:-1], axis=1)
    n0, t0, q0 = pieces[0][:, 0], pieces[1], pieces[2]
    v0 = own[:, 0] - 2 * (t0 * q0).sum(axis=1) + ((t0 * size) ** 2).sum(axis=1)
    zero = np.zeros_like(n0)
    if not restricted:
        return _Moments(n0, zero, v0, zero, zero)
    n1, t1, q1 = pieces[3][:, 0], pieces[4], pieces[5]
    v1 = 2 * (own[:, 1] - (t0 * q1 + t1 * q0).sum(axis=1) + (t0 * t1 * size**2).sum(axis=1))
    v2 = own[:, 2] - 2 * (t1 * q1).sum(axis=1) + ((t1 * size) ** 2).sum(axis=1)
    # the sample's own pattern and its mirror: exactly zero but for rounding
    v2[np.abs(v2) < 1e-12 * own[:, 2]] = 0.0
    v1[np.abs(v1) < 1e-12 * np.sqrt(own[:, 0] * own[:, 2])] = 0.0
    return _Moments(n0, n1, v0, v1, v2)


def _invert(moments: _Moments, base: float, alpha: float, extra: int, side: float) -> float:
    """Return how far δ goes to one side before the test rejects, by bisection."""
    draws = len(moments.n0) + extra

    def accepted(delta: float) -> bool:
        return moments.extreme(delta, base) + extra > alpha * draws * (1 + TIE)

    unit = side * np.sqrt(base)
    inside, outside = 0.0, 1.0
    while accepted(outside * unit):
        inside, outside = outside, 2 * outside
        if outside > FAR:
            return side * np.inf
    while outside - inside > 1e-12 * outside:
        middle = (inside + outside) / 2
        if accepted(middle * unit):
            inside = middle
        else:
            outside = middle
    return float(outside * unit)


def wild_cluster_bootstrap(
    fit: LeastSquares,
    term: str,
    *,
    null: float = 0.0,
    restricted: bool = True,
    multiplier: Multiplier = "rademacher",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> WildBootstrap:
    r"""Test one coefficient by the wild cluster bootstrap-t.

    .. math::
        t^* = \frac{\beta^* - \beta_0}{se(\beta^*)}, \qquad
        p = \frac{1 + \#\{|t^*| \ge |t|\}}{1 + B}

    where each draw multiplies the residuals of a whole cluster by one random sign, and
    everything is fitted again. Where there are no more than ``draws`` sign patterns (2^G),
    all are listed, and p is the plain share.

    Parameters
    ----------
    fit : LeastSquares
        From :func:`~evaluation.estimation.regression.least_squares.least_squares`;
        absorbed effects must lie within clusters.
    term : str
        The coefficient.
    null : float
        The value tested.
    restricted : bool
        Impose the null on the residuals (WCR; the interval inverts the test) or not (WCU;
        the interval comes from the quantile of |t*|).
    multiplier : {"rademacher", "webb"}
        ±1, or Webb's six points ±√½, ±1, ±√1½ for few clusters.
    draws : int
        How many.
    seed : int
        Every 256 draws have a stream of their own, so the numbers depend on the seed alone.
    alpha : float
        One minus the level.

    Returns
    -------
    WildBootstrap
        Test, interval and bootstrap statistics.

    Raises
    ------
    InputError
        If absorbed effects cross clusters, the term is unknown, or the residuals are zero.

    Notes
    -----
    The p-value is a step function of the null; a bound is where it first falls to alpha as
    bisection finds it. With few treated clusters the restricted form hardly ever rejects and
    the unrestricted one rejects too often (MacKinnon & Webb 2017).

    References
    ----------
    Cameron, C., Gelbach, J. & Miller, D. (2008). Review of Economics and Statistics 90(3).
    Roodman, D., MacKinnon, J., Nielsen, M. & Webb, M. (2019). Fast and wild. Stata Journal
    19(1). MacKinnon, J. (2023). Fast cluster bootstrap methods for linear regression models.
    Econometrics and Statistics 26. Webb, M. (2023). Reworking wild bootstrap-based inference
    for clustered errors. Canadian Journal of Economics 56(3).
    """
    if not fit.nested:
        raise InputError(
            "the wild bootstrap needs clusters that hold whole units, because the unit effects "
            "are absorbed; cluster by unit or by a larger group of units",
            field="cluster",
        )
    if draws < 1:
        raise InputError(f"{draws} draws are too few; at least 1 is needed", field="draws")
    if multiplier not in ("rademacher", "webb"):
        raise InputError(f"{multiplier!r} is not rademacher or webb", field="multiplier")
    j = fit.position(term)
    direction = fit.directions[j]
    length = float(np.linalg.norm(direction))
    z = fit.basis @ (direction / length)
    leverage = cluster_sums(fit.basis * z[:, None], fit.starts)
    score = fit.scores()
    s, c = score @ direction / length, leverage @ direction / length
    base = float(s @ s)
    if base <= 1e-24 * float((fit.coefficients[j] / length) ** 2) or base == 0.0:
        raise InputError("the residuals are zero, so there is nothing to test", field=term)
    estimate = float(fit.coefficients[j])
    delta = (estimate - null) / length
    g = fit.n_clusters
    enumerated = multiplier == "rademacher" and g < 60 and 2**g <= draws
    if enumerated:
        makers = [lambda: _all_signs(g)]
    else:
        counts = [min(STREAM, draws - b) for b in range(0, draws, STREAM)]
        makers = [
            lambda b=b, n=n: _signs(g, n, seed, b, multiplier)  # type: ignore[misc]
            for b, n in enumerate(counts)
        ]
    moments = _moments(makers, s, c, score, leverage, restricted, multiplier == "rademacher")
    at = delta if restricted else 0.0
    numerator = moments.n0 + moments.n1 * at
    variance = np.maximum(moments.v0 + (moments.v1 + moments.v2 * at) * at, 0.0)
    errors = cr1(fit)
    std_error = float(errors.std_error[j])
    factor = std_error / (length * np.sqrt(base))
    t_star = np.divide(
        numerator,
        factor * np.sqrt(variance),
        out=np.where(numerator == 0, 0.0, np.copysign(np.inf, numerator)),
        where=variance > 0,
    )
    statistic = (estimate - null) / std_error
    # restricted, the sample is one of all the sign patterns; unrestricted or drawn it is not
    extra = 0 if enumerated and restricted else 1
    if restricted:
        count = moments.extreme(delta, base)
        low = estimate - length * _invert(moments, base, alpha, extra, 1.0)
        high = estimate - length * _invert(moments, base, alpha, extra, -1.0)
    else:
        size = np.sort(np.abs(t_star))
        count = int((size >= abs(statistic) * (1 - TIE)).sum())
        # the largest |t| whose p-value is above alpha, as in the restricted form
        rank = int(np.floor(alpha * (len(size) + extra) * (1 + TIE))) - extra
        half = (float(size[-1 - rank]) if rank >= 0 else np.inf) * std_error
        low, high = estimate - half, estimate + half
    return WildBootstrap(
        term=term,
        estimate=estimate,
        std_error=std_error,
        statistic=statistic,
        p_value=(count + extra) / (len(t_star) + extra),
        conf_int=(low, high),
        t_star=t_star,
        null=null,
        restricted=restricted,
        multiplier=multiplier,
        enumerated=enumerated,
        seed=None if enumerated else seed,
        alpha=alpha,
        small_sample=f"t uses CR1, {errors.small_sample.partition(';')[0]}",
    )
