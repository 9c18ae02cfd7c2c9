r"""Bounds for an outcome that is seen only among those who stay (Lee 2009).

Staying is itself an outcome: if activity makes more people stay, the stayers of an active kommun
are another selection than those of the others. Under *monotonicity* (activity moves everybody's
staying in one direction, or nobody's) the effect on those who would stay either way lies between
two bounds, found by trimming the side with more stayers by the excess.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from evaluation.errors import InputError
from evaluation.language import interval, number, per_cent

__all__ = ["LeeBounds", "lee_bounds"]


@dataclass(frozen=True, repr=False)
class LeeBounds:
    """Bounds of the effect on those who would stay either way.

    Parameters
    ----------
    lower, upper : float
        The bounds, in the outcome's unit.
    std_errors : tuple of float
        Of the lower and of the upper bound.
    conf_int : tuple of float
        Imbens and Manski's interval: covers the *effect* with probability 1 − alpha.
    bounds_conf_int : tuple of float
        Covers *both bounds*: lower − z·se, upper + z·se with the two-sided quantile.
    naive : float
        Difference in means among stayers, which mistakes selection for effect.
    trimmed : float
        Share of the observed that is trimmed.
    side : {"treated", "comparison", "neither"}
        Where it is trimmed.
    stay_treated, stay_comparison : float
        Shares that stay.
    n_treated, n_comparison : int
        All, stayers or not.
    n_clusters : int
        Independent groups behind the errors.
    method, inference, estimand, small_sample : str
        What was done.
    alpha : float
        One minus the level.
    data_hash : str
        SHA-256 of what entered.
    notes : tuple of str
        The assumptions.
    """

    lower: float
    upper: float
    std_errors: tuple[float, float]
    conf_int: tuple[float, float]
    bounds_conf_int: tuple[float, float]
    naive: float
    trimmed: float
    side: str
    stay_treated: float
    stay_comparison: float
    n_treated: int
    n_comparison: int
    n_clusters: int
    method: str
    inference: str
    estimand: str
    small_sample: str
    alpha: float
    data_hash: str = field(repr=False)
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per bound."""
        return pd.DataFrame(
            {
                "bound": ["lower", "upper"],
                "estimate": [self.lower, self.upper],
                "std_error": list(self.std_errors),
                "conf_low": [self.conf_int[0]] * 2,
                "conf_high": [self.conf_int[1]] * 2,
                "trimmed": [self.trimmed] * 2,
                "side": [self.side] * 2,
            }
        )

    @property
    def sentence_sv(self) -> str:
        """The result in one sentence, in Swedish."""
        return (
            f"{per_cent(self.stay_treated, 'sv', 1)} stannar mot "
            f"{per_cent(self.stay_comparison, 'sv', 1)}; bland dem som stannar i båda fallen "
            f"ligger effekten mellan {number(self.lower, 'sv')} och {number(self.upper, 'sv')} "
            f"(intervall för effekten {interval(*self.conf_int, 'sv')}), om aktivitet påverkar "
            "allas kvarboende åt samma håll."
        )

    @property
    def sentence_en(self) -> str:
        """The result in one sentence, in English."""
        return (
            f"{per_cent(self.stay_treated, 'en', 1)} stay against "
            f"{per_cent(self.stay_comparison, 'en', 1)}; among those who would stay either way the "
            f"effect lies between {number(self.lower, 'en')} and {number(self.upper, 'en')} "
            f"(interval for the effect {interval(*self.conf_int, 'en')}), if activity moves "
            "everybody's staying in one direction."
        )

    def __repr__(self) -> str:
        return f"<LeeBounds {self.lower:.4f} to {self.upper:.4f}>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


@dataclass(frozen=True)
class _Side:
    """A side of the comparison: outcome (0 where not seen), seen, and its shares."""

    y: np.ndarray
    seen: np.ndarray

    @property
    def stays(self) -> float:
        return float(self.seen.mean())

    @property
    def of_stay(self) -> np.ndarray:
        """Influence of each person on the share that stays."""
        return np.asarray((self.seen - self.stays) / len(self.seen))

    def mean(self) -> tuple[float, np.ndarray]:
        """Return the mean among the seen and each person's influence on it."""
        m = float(self.y[self.seen].mean())
        return m, np.asarray(np.where(self.seen, self.y - m, 0.0) / self.seen.sum())

    def trimmed(self, p: float, of_p: np.ndarray, *, top: bool) -> tuple[float, np.ndarray]:
        """Return the mean of the highest (or lowest) 1 − p among the seen, and the influences.

        ``of_p`` are this side's own influences on p. Ties at the cut are trimmed by their share.
        """
        sign = 1.0 if top else -1.0
        v = np.sort(sign * self.y[self.seen])
        n = len(v)
        cut = v[min(int(np.floor(p * n + 1e-12)), n - 1)]
        above = np.maximum(v - cut, 0.0).mean()
        mean = cut + above / (1 - p)
        own = np.maximum(sign * self.y - cut, 0.0) - above
        influence = np.where(self.seen, own, 0.0) / (n * (1 - p)) + of_p * (mean - cut) / (1 - p)
        return sign * mean, np.asarray(sign * influence)

    def slope(self, p: float, *, top: bool) -> float:
        """How the trimmed mean moves with p."""
        sign = 1.0 if top else -1.0
        v = np.sort(sign * self.y[self.seen])
        cut = v[min(int(np.floor(p * len(v) + 1e-12)), len(v) - 1)]
        mean = cut + np.maximum(v - cut, 0.0).mean() / (1 - p)
        return float(sign * (mean - cut) / (1 - p))


def lee_bounds(
    outcome: np.ndarray,
    observed: np.ndarray,
    treated: np.ndarray,
    *,
    cluster: np.ndarray | None = None,
    alpha: float = 0.05,
) -> LeeBounds:
    r"""Bound the effect on an outcome that is seen only among stayers.

    With q the shares that stay and :math:`p = (q_1 - q_0)/q_1` (treated stay more):

    .. math::
        E[Y \mid T{=}1, Y \le y_{1-p}] - E[Y \mid T{=}0] \;\le\; \Delta \;\le\;
        E[Y \mid T{=}1, Y \ge y_p] - E[Y \mid T{=}0],

    all among stayers; the comparison side is trimmed where it stays more. Ties at the cut are
    trimmed by their share, so that the bounds hold for a yes or no as well.

    Parameters
    ----------
    outcome : numpy.ndarray
        Shape (persons,); not read where it is not observed.
    observed : numpy.ndarray
        Shape (persons,), bool: stayed, so that the outcome is seen.
    treated : numpy.ndarray
        Shape (persons,), bool. Who is treated is taken to be as good as random.
    cluster : numpy.ndarray, optional
        Shape (persons,): groups independent of each other; persons without it.
    alpha : float
        One minus the level.

    Returns
    -------
    LeeBounds
        Errors from influence functions, which for independent persons are Lee's (his
        proposition 3) and count that the trimmed share is estimated.

    Raises
    ------
    InputError
        If the lengths differ, a side has nobody or no stayers, an observed outcome is missing,
        or ``alpha`` is no level.

    References
    ----------
    Lee, D. (2009). Training, wages, and sample selection. Review of Economic Studies 76(3).
    Imbens, G. & Manski, C. (2004). Confidence intervals for partially identified parameters.
    Econometrica 72(6), section 4.

    Examples
    --------
    >>> y = np.array([1., 2., 3., 4., 2., 3.]); seen = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    >>> b = lee_bounds(np.r_[y, 0, 0], seen, np.array([1, 1, 1, 1, 0, 0, 0, 0], bool))
    >>> b.trimmed, b.lower, b.upper  # half of 1, 2, 3, 4 goes: 1.5 − 2.5 and 3.5 − 2.5
    (0.5, -1.0, 1.0)
    """
    y = np.asarray(outcome, dtype=float)
    seen, t = np.asarray(observed, dtype=bool), np.asarray(treated, dtype=bool)
    if not y.shape == seen.shape == t.shape or y.ndim != 1:
        raise InputError("outcome, observed and treated must have one value per person each")
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    if not np.isfinite(y[seen]).all():
        row = int(np.flatnonzero(seen & ~np.isfinite(y))[0])
        raise InputError(f"person {row + 1} is observed and has no number", field="outcome")
    for side, name in ((t, "treated"), (~t, "comparison")):
        if not (seen & side).any():
            raise InputError(f"the {name} side has nobody whose outcome is seen", field="observed")
    y = np.where(seen, y, 0.0)
    one, zero = _Side(y[t], seen[t]), _Side(y[~t], seen[~t])
    more, less, sign = (one, zero, 1.0) if one.stays >= zero.stays else (zero, one, -1.0)
    p = 1 - less.stays / more.stays
    of_p_more = less.stays / more.stays**2 * more.of_stay
    of_p_less = -less.of_stay / more.stays
    mean, influence_less = less.mean()
    bounds, influences = [], []
    for top in (False, True):
        value, own = more.trimmed(p, of_p_more, top=top)
        other = of_p_less * more.slope(p, top=top) - influence_less
        joint = np.empty(len(y))
        joint[t if sign > 0 else ~t], joint[~t if sign > 0 else t] = own, other
        bounds.append(sign * (value - mean))
        influences.append(sign * joint)
    order = (0, 1) if sign > 0 else (1, 0)
    lower, upper = (float(bounds[i]) for i in order)
    groups = np.arange(len(y)) if cluster is None else pd.factorize(np.asarray(cluster))[0]
    if len(groups) != len(y):
        raise InputError("needs one value per person", field="cluster")
    n_clusters = int(groups.max()) + 1
    if n_clusters < 2:
        raise InputError("errors need at least two clusters", field="cluster")
    factor = 1.0 if cluster is None else n_clusters / (n_clusters - 1)
    low_error, high_error = (
        float(np.sqrt(factor * (np.bincount(groups, weights=influences[i]) ** 2).sum()))
        for i in order
    )
    c = _imbens_manski(upper - lower, max(low_error, high_error), alpha)
    z = float(norm.ppf(1 - alpha / 2))
    h = hashlib.sha256()
    for a in (y, seen, t, groups):
        h.update(np.ascontiguousarray(a).tobytes())
    name = "treated" if sign > 0 else "comparison"
    return LeeBounds(
        lower=lower,
        upper=upper,
        std_errors=(low_error, high_error),
        conf_int=(lower - c * low_error, upper + c * high_error),
        bounds_conf_int=(lower - z * low_error, upper + z * high_error),
        naive=one.mean()[0] - zero.mean()[0],
        trimmed=float(p),
        side=name if p > 0 else "neither",
        stay_treated=one.stays,
        stay_comparison=zero.stays,
        n_treated=int(t.sum()),
        n_comparison=int((~t).sum()),
        n_clusters=n_clusters,
        method="Lee bounds",
        inference="influence functions; Imbens–Manski interval"
        + ("" if cluster is None else "; clustered"),
        estimand="effect on the outcome of those who would stay either way",
        small_sample="none" if cluster is None else "G/(G−1), normal quantiles",
        alpha=alpha,
        data_hash=h.hexdigest(),
        notes=(
            "monotonicity: activity moves everybody's staying in one direction, or nobody's",
            "who was received by an active kommun is as good as random",
        ),
    )


def _imbens_manski(width: float, error: float, alpha: float) -> float:
    r"""Solve :math:`\Phi(C + w/s) - \Phi(-C) = 1 - \alpha` for C."""
    if error == 0:
        return 0.0
    gap = width / error

    def coverage(c: float) -> float:
        return float(norm.cdf(c + gap) - norm.cdf(-c) - (1 - alpha))

    return float(brentq(coverage, 0.0, 20.0)) if coverage(0.0) < 0 else 0.0
