"""Deciding under uncertainty: the plane, the acceptability curve and the worth of knowing more."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["acceptability", "partial_information", "perfect_information", "quadrants"]


def quadrants(gained: np.ndarray, cost: np.ndarray) -> dict[str, float]:
    """Return the share of draws in each quarter of the cost-effectiveness plane.

    Parameters
    ----------
    gained : numpy.ndarray
        More people in work or studies, shape (draws,).
    cost : numpy.ndarray
        What that costs the municipality net, kronor, shape (draws,).

    Returns
    -------
    dict of str to float
        ``more_cheaper, more_dearer, fewer_cheaper, fewer_dearer``; they sum to 1. A draw that
        changes nobody counts as fewer, one without cost as cheaper.

    Examples
    --------
    >>> quadrants(np.array([1.0, 1.0, -1.0, 2.0]), np.array([-5.0, 5.0, 5.0, 5.0]))
    {'more_cheaper': 0.25, 'more_dearer': 0.5, 'fewer_cheaper': 0.0, 'fewer_dearer': 0.25}
    """
    more, dearer = gained > 0, cost > 0
    return {
        "more_cheaper": float((more & ~dearer).mean()),
        "more_dearer": float((more & dearer).mean()),
        "fewer_cheaper": float((~more & ~dearer).mean()),
        "fewer_dearer": float((~more & dearer).mean()),
    }


def perfect_information(benefit: np.ndarray) -> float:
    r"""Return the expected value of perfect information about a yes or no.

    .. math:: EVPI = E[\max(0, NB)] - \max(0, E[NB])

    Parameters
    ----------
    benefit : numpy.ndarray
        Net benefit of going ahead, kronor, shape (draws,).

    Returns
    -------
    float
        Kronor, 0 or more (Claxton 1999).

    Examples
    --------
    >>> perfect_information(np.array([10.0, -4.0])), perfect_information(np.array([10.0, 4.0]))
    (2.0, 0.0)
    """
    return max(float(np.maximum(benefit, 0).mean() - max(0.0, float(benefit.mean()))), 0.0)


def partial_information(benefit: np.ndarray, u: np.ndarray, *, degree: int = 3) -> float:
    r"""Return the expected value of perfect information about one quantity.

    The conditional mean of the net benefit is regressed on a polynomial of the quantity's
    normal score (Strong, Oakley & Brennan 2014, with a polynomial for the spline):
    :math:`E[\max(0, \hat m(\theta))] - \max(0, E[NB])`.

    Parameters
    ----------
    benefit : numpy.ndarray
        Net benefit, shape (draws,).
    u : numpy.ndarray
        The quantity's uniform numbers, shape (draws, columns); the columns enter additively.
    degree : int
        Of the polynomial.

    Returns
    -------
    float
        Kronor, 0 or more.
    """
    from scipy import special

    score = special.ndtri(u)
    powers = [score**k for k in range(1, degree + 1)]
    design = np.concatenate([np.ones((len(u), 1)), *powers], axis=1)
    # the normal equations: a few columns, well scaled, and ten times the speed of lstsq
    fitted = design @ np.linalg.solve(design.T @ design, design.T @ benefit)
    return max(float(np.maximum(fitted, 0).mean() - max(0.0, float(benefit.mean()))), 0.0)


def acceptability(
    gained: np.ndarray, cost: np.ndarray, highest: float, *, steps: int = 51
) -> pd.DataFrame:
    r"""Return how likely the programme is worth its cost, by what a success may cost.

    .. math:: NB(\lambda) = \lambda\,\Delta E - \Delta C,\qquad CEAC(\lambda) = P(NB > 0)

    Parameters
    ----------
    gained, cost : numpy.ndarray
        As for :func:`quadrants`.
    highest : float
        The highest willingness to pay, kronor per person more in work or studies.
    steps : int
        Points from 0 on.

    Returns
    -------
    pandas.DataFrame
        Columns ``willingness``, ``probability``, ``net_benefit`` (its mean) and ``evpi``.

    Examples
    --------
    >>> acceptability(np.array([1.0, 1.0]), np.array([5.0, -5.0]), 10.0, steps=2)
       willingness  probability  net_benefit  evpi
    0          0.0          0.5          0.0   2.5
    1         10.0          1.0         10.0   0.0
    """
    rows = []
    for at in np.linspace(0, highest, steps):
        benefit = at * gained - cost
        rows.append(
            (at, float((benefit > 0).mean()), float(benefit.mean()), perfect_information(benefit))
        )
    return pd.DataFrame(rows, columns=["willingness", "probability", "net_benefit", "evpi"])
