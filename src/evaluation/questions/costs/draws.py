"""Draws of the parameters and of the effect: each from its own stream, by inverse distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from evaluation.data.twin.streams import stream
from evaluation.questions.costs.parameters import CostPlan, Parameter
from evaluation.questions.costs.symbols import Symbol

__all__ = ["Draws", "central", "quantiles", "uncertain", "uniforms"]

Draws = Mapping[str, dict[Any, np.ndarray]]
"""By parameter and key (None for a single number), one value per draw, shape (draws,)."""


def uncertain(plan: CostPlan) -> tuple[str, ...]:
    """Return the parameters that have a distribution.

    Parameters
    ----------
    plan : CostPlan
        The parameters.

    Returns
    -------
    tuple of str
        In the file's order.

    Examples
    --------
    >>> from evaluation.questions.costs import load_costs
    >>> uncertain(load_costs("by_hand"))
    ()
    """
    return tuple(n for n, p in plan.parameters.items() if p.distribution.kind != "fixed")


def uniforms(seed: int, name: str, n: int, columns: int = 1) -> np.ndarray:
    """Return uniform numbers that depend on the seed, the name and the draw's number only.

    Parameters
    ----------
    seed : int
        The one seed.
    name : str
        What they are for.
    n : int
        How many draws.
    columns : int
        Numbers per draw.

    Returns
    -------
    numpy.ndarray
        Shape (n, columns), strictly between 0 and 1; the first are the same for any n.

    Examples
    --------
    >>> bool((uniforms(1, "rent", 5)[:3] == uniforms(1, "rent", 3)).all())
    True
    """
    drawn = stream(seed, f"costs {name}").random((n, columns))
    return np.clip(drawn, 1e-12, 1 - 1e-12)


def quantiles(parameter: Parameter, symbol: Symbol, u: np.ndarray) -> dict[Any, np.ndarray]:
    r"""Return a parameter's values at given probabilities.

    A value by year moves as one: every year is taken at the same probability of its own
    distribution, :math:`v_t = F_t^{-1}(u)`. The mean of beta, gamma and uncut normal is
    the value: beta has :math:`\alpha = \mu\nu,\ \beta = (1-\mu)\nu,\ \nu = \mu(1-\mu)/\sigma^2-1`,
    gamma shape :math:`\mu^2/\sigma^2`; triangular has its mode there. Dirichlet shares are
    gamma variates of shape concentration · share over their sum, those who never leave among
    them.

    Parameters
    ----------
    parameter : Parameter
        Value and distribution.
    symbol : Symbol
        Its bounds.
    u : numpy.ndarray
        Probabilities, shape (draws, columns): one column, for dirichlet one per key and one
        for the rest.

    Returns
    -------
    dict
        By key, shape (draws,).

    Examples
    --------
    >>> from evaluation.questions.costs.symbols import SYMBOLS
    >>> p = Parameter(value=0.5, unit="share", year=2019, status="assumed", source="x",
    ...               distribution={"kind": "uniform", "low": 0.4, "high": 0.6})
    >>> quantiles(p, SYMBOLS["staying"], np.array([[0.25]]))[None].round(3).tolist()
    [0.45]
    """
    d = parameter.distribution
    if d.kind == "dirichlet":
        assert d.concentration is not None
        return _dirichlet(parameter.keyed, d.concentration, u)
    one = u[:, 0]
    return {key: _quantile(parameter, symbol, value, one) for key, value in parameter.keyed.items()}


def _quantile(parameter: Parameter, symbol: Symbol, mean: float, u: np.ndarray) -> np.ndarray:
    d = parameter.distribution
    found: np.ndarray
    if d.low is not None and d.high is not None:
        low, width = d.low, d.high - d.low
        if d.kind == "uniform":
            return low + width * u
        turn = (mean - low) / width
        left = low + np.sqrt(u * width * (mean - low))
        right = d.high - np.sqrt((1 - u) * width * (d.high - mean))
        return np.where(u < turn, left, right)
    if d.sd is None:
        return np.full(u.shape, mean)
    if d.kind == "beta":
        nu = mean * (1 - mean) / d.sd**2 - 1
        found = special.betaincinv(mean * nu, (1 - mean) * nu, u)
    elif d.kind == "gamma":
        found = special.gammaincinv((mean / d.sd) ** 2, u) * d.sd**2 / mean
    else:
        low_p, high_p = special.ndtr((np.array([symbol.lowest, symbol.highest]) - mean) / d.sd)
        found = mean + d.sd * special.ndtri(low_p + u * (high_p - low_p))
    return found


def _dirichlet(keyed: Mapping[Any, float], total: float, u: np.ndarray) -> dict[Any, np.ndarray]:
    shares = [*keyed.values(), max(1 - sum(keyed.values()), 0.0)]
    parts = np.zeros_like(u)
    for i, share in enumerate(shares):
        if share > 1e-12:
            parts[:, i] = special.gammaincinv(total * share, u[:, i])
    parts /= parts.sum(axis=1, keepdims=True)
    return {key: parts[:, i] for i, key in enumerate(keyed)}


def central(plan: CostPlan, n: int = 1) -> dict[str, dict[Any, np.ndarray]]:
    """Return every parameter at its stated value, n times.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    n : int
        How many rows.

    Returns
    -------
    dict
        By parameter and key, shape (n,).
    """
    return {
        name: {k: np.full(n, v, dtype=float) for k, v in p.keyed.items()}
        for name, p in plan.parameters.items()
    }
