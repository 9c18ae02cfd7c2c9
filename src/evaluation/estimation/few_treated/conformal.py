r"""Conformal inference for one treated unit (Chernozhukov, Wüthrich & Zhu 2021).

Under a hypothesised effect the treated unit's untreated path is known in every year. A
model of that path, fitted over all years with the null imposed, leaves residuals; if they
are stationary, those after adoption look like those before, and shifting them in time
leaves their law unchanged. What varies here is time, so one treated unit is enough; many
years are needed instead.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.simplex import simplex_ridge
from evaluation.results import Estimate

__all__ = ["Conformal", "Permutations", "Proxy", "conformal"]

Proxy = Literal["mean", "synthetic"]
Permutations = Literal["moving_block", "iid"]
GRID = 201
WIDENINGS = 12
TIE = 1e-10
RIDGE = 1e-6


@dataclass(frozen=True)
class Conformal:
    """An effect with its conformal test, inverted on a grid.

    Parameters
    ----------
    result : Estimate
        The interval is from the lowest to the highest effect that is not rejected; a bound
        is infinite where no effect on that side is.
    grid, p_values : numpy.ndarray
        Constant effects that were tested, ascending, and their p-values.
    residual : numpy.ndarray
        Shape (years,): under no effect.
    smallest_p : float
        The smallest p-value that the permutations can give.
    """

    result: Estimate
    grid: np.ndarray = field(repr=False, compare=False)
    p_values: np.ndarray = field(repr=False, compare=False)
    residual: np.ndarray = field(repr=False, compare=False)
    smallest_p: float


def _orders(years: int, after: int, kind: str, draws: int, seed: int) -> tuple[np.ndarray, str]:
    """Return which years stand in the place of those after adoption, the real ones first."""
    if kind == "moving_block":
        shift = np.arange(years)[:, None]
        return (np.arange(after, years)[None, :] + shift) % years, f"all {years} cyclic shifts"
    length = years - after
    total = math.comb(years, length)
    real = np.arange(after, years)
    if total <= draws + 1:
        every = np.array(list(itertools.combinations(range(years), length)))
        others = every[(every != real).any(axis=1)]
        return np.vstack([real, others]), f"all {total} choices of {length} years"
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = rng.random((draws, years)).argsort(axis=1)[:, :length]
    return np.vstack([real, drawn]), f"{draws} random orders of the years"


def _share(residual: np.ndarray, orders: np.ndarray, power: float) -> np.ndarray:
    """Return the p-value of each row of residuals, shape (effects,)."""
    size = np.abs(residual) ** power
    taken = np.zeros((len(orders), residual.shape[1]))
    taken[np.arange(len(orders))[:, None], orders] = 1.0
    statistic = size @ taken.T
    real = statistic[:, :1]
    result: np.ndarray = (statistic >= real * (1 - TIE)).mean(axis=1)
    return result


def _grid(
    p_values: Callable[[np.ndarray], np.ndarray], centre: float, spread: float, alpha: float
) -> np.ndarray:
    """Lay effects around the estimate, wide enough for both ends to be rejected if they can be."""
    half = 4 * spread
    for _ in range(WIDENINGS):
        if (p_values(np.array([centre - half, centre + half])) <= alpha).all():
            break
        half *= 2
    return centre + half * np.linspace(-1, 1, GRID)


def _bounds(
    p_values: Callable[[np.ndarray], np.ndarray],
    grid: np.ndarray,
    p: np.ndarray,
    alpha: float,
    refine: bool,
) -> tuple[float, float, bool]:
    """Return the lowest and highest effect not rejected, and whether some between them are."""
    inside = p > alpha
    ends = []
    first, last = int(inside.argmax()), len(inside) - 1 - int(inside[::-1].argmax())
    for at, step, edge in ((first, -1, 0), (last, 1, len(grid) - 1)):
        if at == edge:
            ends.append(step * np.inf)
            continue
        kept, out = float(grid[at]), float(grid[at + step])
        while refine and abs(out - kept) > 1e-9 * float(grid[-1] - grid[0]):
            middle = (kept + out) / 2
            if p_values(np.array([middle]))[0] > alpha:
                kept = middle
            else:
                out = middle
        ends.append(kept)
    return ends[0], ends[1], not inside[first : last + 1].all()


def conformal(
    panel: Panel,
    unit: str,
    first_year: int,
    controls: Sequence[str],
    *,
    proxy: Proxy = "mean",
    permutations: Permutations = "moving_block",
    power: float = 1.0,
    alpha: float = 0.05,
    draws: int = 9999,
    seed: int = 1,
    grid: Sequence[float] | None = None,
) -> Conformal:
    r"""Test constant effects on one unit by permuting residuals over time.

    .. math::
        \hat u_t(\delta) = Y_{1t} - \delta D_t - \hat P_t(\delta), \qquad
        S(\hat u) = \Big( \sum_{t \ge g} |\hat u_t|^q \Big)^{1/q}, \qquad
        p(\delta) = \frac{1}{|\Pi|} \#\{\pi : S(\hat u_\pi) \ge S(\hat u)\}

    with the proxy :math:`\hat P` fitted over all years under the null.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    unit : str
        The treated unit.
    first_year : int
        Its first treated year.
    controls : sequence of str
        Untreated units.
    proxy : {"mean", "synthetic"}
        The controls' mean and a constant (difference-in-differences), or weights on the
        simplex (synthetic control), with a ridge of 1e-6 of the controls' mean square per
        year, which makes the weights unique.
    permutations : {"moving_block", "iid"}
        All cyclic shifts, which serially correlated residuals allow, or any order of the
        years, which takes the residuals as exchangeable.
    power : float
        q; the paper recommends 1 for effects that last.
    alpha : float
        One minus the level.
    draws, seed : int
        Of ``iid``, where not all choices of years can be listed.
    grid : sequence of float, optional
        Effects to test; otherwise 201 around the estimate, widened until both ends are
        rejected or have been found not to be.

    Returns
    -------
    Conformal
        The test of no effect and the interval.

    Raises
    ------
    InputError
        If a unit is unknown, there are no years before or after adoption, the residuals are
        zero, the grid is no ascending list, or the level is below the smallest p-value: with
        moving blocks one over the number of years, so 5 % takes 20 years.

    Notes
    -----
    Where the treated years are as many as the others or more, a proxy fitted under a false
    null fits them better than the others, and the test has little power or none; bounds
    are then infinite. The constant is part of the proxy, so a level difference between the
    unit and the controls is no effect (mean); it is with synthetic weights.

    References
    ----------
    Chernozhukov, V., Wüthrich, K. & Zhu, Y. (2021). An exact and robust conformal inference
    method for counterfactual and synthetic controls. JASA 116(536), sections 2 and 3.
    """
    if proxy not in get_args(Proxy):
        raise InputError(f"{proxy!r} is not mean or synthetic", field="proxy")
    if permutations not in get_args(Permutations):
        raise InputError(f"{permutations!r} is not moving_block or iid", field="permutations")
    if not power > 0:
        raise InputError(f"{power:g} must be above zero", field="power")
    if draws < 1:
        raise InputError(f"{draws} draws are too few; at least 1 is needed", field="draws")
    known = set(panel.units)
    for code in (unit, *controls):
        if code not in known:
            raise InputError(f"unit {code} is not in the panel", field="controls")
    if unit in controls or len(controls) == 0:
        raise InputError("the controls must be other units, one or more", field="controls")
    years = np.array(panel.years)
    post = years >= first_year
    if post.all() or not post.any():
        raise InputError(
            f"{first_year} leaves no year before or after adoption in {years[0]}–{years[-1]}",
            field="first_year",
        )
    own = panel.values.loc[unit].to_numpy(dtype=float)
    others = panel.values.loc[list(controls)].to_numpy(dtype=float)
    if not (np.isfinite(own).all() and np.isfinite(others).all()):
        raise InputError("a balanced panel is needed", field=panel.outcome)
    after = int(post.argmax())
    orders, words = _orders(len(years), after, permutations, draws, seed)
    smallest = 1 / len(orders)
    if smallest > alpha:
        raise InputError(
            f"the smallest p-value of {words} is {smallest:.3f}, so a test at {100 * alpha:g} % "
            f"cannot be given; it takes {math.ceil(1 / alpha)} of them",
            field="alpha",
        )
    penalty = RIDGE * float((others - others.mean(axis=0)).var()) * len(years)

    def residuals(effects: np.ndarray) -> np.ndarray:
        path = own - effects[:, None] * post
        if proxy == "mean":
            gap = path - others.mean(axis=0)
            return np.asarray(gap - gap.mean(axis=1, keepdims=True))
        return np.array([p - simplex_ridge(others.T, p, penalty) @ others for p in path])

    def p_values(effects: np.ndarray) -> np.ndarray:
        return _share(residuals(effects), orders, power)

    if proxy == "mean":
        gap = own - others.mean(axis=0)
        estimate = float(gap[post].mean() - gap[~post].mean())
    else:
        if penalty == 0:
            raise InputError(
                "the controls do not differ, so no weights can be found", field=panel.outcome
            )
        before = simplex_ridge(others[:, ~post].T, own[~post], penalty)
        estimate = float((own - before @ others)[post].mean())
    residual = residuals(np.zeros(1))[0]
    if np.abs(residual).max() <= 1e-12 * max(1.0, float(np.abs(own).max())):
        raise InputError("the residuals are zero, so there is nothing to test", field=panel.outcome)
    if grid is None:
        spread = float(residuals(np.array([estimate]))[0].std())
        tested = _grid(p_values, estimate, spread or abs(estimate), alpha)
    else:
        tested = np.asarray(grid, dtype=float)
        if tested.ndim != 1 or len(tested) < 2 or not (np.diff(tested) > 0).all():
            raise InputError("the effects to test must be two or more, ascending", field="grid")
    p = p_values(tested)
    notes: tuple[str, ...] = ()
    if (p > alpha).any():
        low, high, gaps = _bounds(p_values, tested, p, alpha, refine=grid is None)
        if gaps:
            notes = ("the effects that are not rejected have gaps; the interval spans them",)
    elif grid is None:
        low, high = -np.inf, np.inf
        notes = (
            "every constant effect is rejected, so there is no interval: the effect is not "
            "constant, or the years after adoption vary more than those before",
        )
    else:
        raise InputError(
            "every effect on the grid is rejected; take a wider or finer one", field="grid"
        )
    name = {"mean": "mean of the controls", "synthetic": "synthetic control"}[proxy]
    kind = {"moving_block": "moving blocks", "iid": "iid"}[permutations]
    result = Estimate(
        term="att",
        estimate=estimate,
        conf_int=(low, high),
        method=f"conformal, {name}",
        inference=f"conformal permutation of residuals over time ({kind}, {words})",
        estimand=f"mean effect on {unit} from {first_year}",
        statistic=float((np.abs(residual[post]) ** power).sum() ** (1 / power)),
        p_value=float(p_values(np.zeros(1))[0]),
        n_obs=(1 + len(controls)) * len(years),
        n_units=1 + len(controls),
        n_treated_units=1,
        n_clusters=1 + len(controls),
        small_sample=f"smallest possible p-value {smallest:.4g}; null imposed on the proxy",
        alpha=alpha,
        seed=seed if words.startswith(f"{draws} random") else None,
        data_hash=panel.hash(),
        notes=notes,
    )
    return Conformal(result, tested, p, residual, smallest)
