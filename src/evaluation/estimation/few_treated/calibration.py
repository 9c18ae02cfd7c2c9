"""How often each test rejects where nothing happened, and how often where something did.

The design grid of :mod:`evaluation.estimation.few_treated.simulation`, cell by cell. The
table that ``make calibration`` writes ships with the package, so that a report can cite the
cell that its own design falls into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from evaluation.data import embedded
from evaluation.estimation.few_treated.auto import FEWEST_UNITS, auto_p_values
from evaluation.estimation.few_treated.coefficients import LinearEstimator
from evaluation.estimation.few_treated.collapsed import Collapsed, collapse
from evaluation.estimation.few_treated.simulation import Cell, cell_studies, relative_size

__all__ = ["Cited", "analytic_p", "calibrate", "cite", "free_permutation_p", "oracle_error"]

ALPHA = 0.05
ASSIGNMENTS = 199
EFFECTS = (2.0, 3.0)
"""Effects at which power is measured, in standard errors of the estimate."""


def oracle_error(est: LinearEstimator, variance: np.ndarray, autocorrelation: float) -> float:
    """Return the estimate's true standard error.

    Parameters
    ----------
    est : LinearEstimator
        The estimator.
    variance : numpy.ndarray
        Shape (units,).
    autocorrelation : float
        Of the AR(1) year errors.

    Returns
    -------
    float
        In the outcome's unit.
    """
    years = np.arange(est.profile.shape[1])
    r = autocorrelation ** np.abs(years[:, None] - years[None, :])
    own = np.einsum("st,tu,su->s", est.profile, r, est.profile) * variance[est.treated]
    mean = est.weight @ est.profile
    controls = float(mean @ r @ mean) * variance[est.controls].sum() / len(est.controls) ** 2
    return float(np.sqrt(est.weight**2 @ own + controls))


def analytic_p(c: Collapsed) -> np.ndarray:
    """Return the p-value of the influence-function error of the cohort aggregate.

    Parameters
    ----------
    c : Collapsed
        Equal weights.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); normal quantiles, divisor n, as in R's ``did``.
    """
    s = len(c.estimator.weight)
    treated = ((c.effect - c.estimate[:, None]) ** 2).sum(axis=1) / s**2
    error = np.sqrt((c.composite**2).sum(axis=1) / c.n_controls**2 + treated)
    result: np.ndarray = 2 * norm.sf(np.abs(c.estimate) / error)
    return result


def free_permutation_p(c: Collapsed, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the p-value of permuting the treatment freely over all units.

    Parameters
    ----------
    c : Collapsed
        From the same panels.
    y : numpy.ndarray
        Shape (draws, units, years).
    rng : numpy.random.Generator
        Source of the assignments; one treated unit takes every other unit in turn.

    Returns
    -------
    numpy.ndarray
        Shape (draws,).
    """
    est = c.estimator
    n, s = est.n_units, len(est.weight)
    if s == 1:
        picks = est.controls[:, None]
    else:
        picks = np.argsort(rng.random((ASSIGNMENTS, n)), axis=1)[:, :s]
    contrast = np.einsum("rnt,st->rsn", y, est.profile)
    own = contrast[:, np.arange(s)[None, :], picks]
    taken = np.stack([contrast[:, :, p].sum(axis=2) for p in picks], axis=1)
    rest = (contrast.sum(axis=2)[:, None, :] - taken) / (n - s)
    placebo = np.abs((own - rest) @ est.weight)
    count = (placebo >= np.abs(c.estimate)[:, None] * (1 - 1e-12)).sum(axis=1)
    result: np.ndarray = (1 + count) / (1 + len(picks))
    return result


def calibrate(
    cell: Cell,
    size: np.ndarray,
    *,
    draws: int,
    seed: int,
    method: str = "cs",
    sample: Callable[[np.random.Generator, int], np.ndarray] | None = None,
    peers: bool = True,
) -> dict[str, float | int | str]:
    """Measure a cell.

    Parameters
    ----------
    cell : Cell
        The design.
    size : numpy.ndarray
        Shape (units,).
    draws, seed : int
        Panels and their seed.
    method : str
        The estimator; its aggregate is ``cohort``.
    sample : callable, optional
        As in :func:`cell_studies`.
    peers : bool
        Whether the analytic and the free permutation test are measured too.

    Returns
    -------
    dict
        The cell's fields; ``size``: share rejected at 5 % by the rule with sizes known;
        ``without_sizes``: by the rule without; ``refused``: share without a p-value;
        ``power_2``, ``power_3``: share rejected at an effect of two and three true
        standard errors; ``oracle_2``, ``oracle_3``: the same for a z-test that knows the
        error; ``analytic``, ``permutation``: share rejected by the usual tests.
    """
    found: dict[str, list[np.ndarray]] = {}
    variance = relative_size(cell.variance, size)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    for est, y in cell_studies(cell, size, draws=draws, seed=seed, method=method, sample=sample):
        c = collapse(y, est)
        p = {"size": auto_p_values(c, y, size), "without_sizes": auto_p_values(c, y, None)}
        if sample is None:
            error = oracle_error(est, variance, cell.autocorrelation)
            for k in EFFECTS:
                # an effect added to the treated is a hypothesis moved the other way
                p[f"power_{k:g}"] = auto_p_values(c, y, size, effect=-k * error)
        if peers:
            p["analytic"] = analytic_p(c)
            p["permutation"] = free_permutation_p(c, y, rng)
        for name, values in p.items():
            found.setdefault(name, []).append(values)
    row: dict[str, float | int | str] = {**cell.to_dict(), "method": method, "draws": draws}
    for name, parts in found.items():
        values = np.concatenate(parts)
        valid = ~np.isnan(values)
        if name == "size":
            row["refused"] = float(1 - valid.mean())
        row[name] = float((values[valid] < ALPHA).mean()) if valid.any() else float("nan")
    if sample is None:
        for k in EFFECTS:
            z = norm.ppf(1 - ALPHA / 2)
            row[f"oracle_{k:g}"] = float(norm.sf(z - k) + norm.cdf(-z - k))
    return row


@dataclass(frozen=True)
class Cited:
    """The cells of the calibration nearest to a design.

    Parameters
    ----------
    n_units, n_treated : int
        Of the cells.
    treated : str
        ``random``, ``small`` or ``large``.
    adoption : str
        ``simultaneous`` or ``staggered``.
    draws : int
        Panels per cell.
    lowest, highest : float
        Share rejected at 5 % by the rule over the variance laws and autocorrelations.
    analytic : tuple of float
        The same for the analytic test.
    """

    n_units: int
    n_treated: int
    treated: str
    adoption: str
    draws: int
    lowest: float
    highest: float
    analytic: tuple[float, float]


def _nearest(known: pd.Series, wanted: int) -> int:
    ratio = np.abs(np.log(known / wanted))
    return int(known[ratio.idxmin()])


def cite(n_controls: int, rank: np.ndarray, n_years: int) -> Cited | None:
    """Return what the calibration says of a design like this.

    Parameters
    ----------
    n_controls : int
        Controls.
    rank : numpy.ndarray
        Shape (treated,): each treated unit's place by size among all units, 0 to 1.
    n_years : int
        How many adoption years there are.

    Returns
    -------
    Cited or None
        None for fewer units than the rule takes.
    """
    k = len(rank)
    if k + n_controls < FEWEST_UNITS:
        return None
    table = embedded.load("calibration")
    near = {
        column: _nearest(table[column].astype(int), wanted)
        for column, wanted in (("n_units", k + n_controls), ("n_treated", k))
    }
    middle = float(np.mean(rank))
    who = "small" if middle < 1 / 3 else "large" if middle > 2 / 3 else "random"
    adoption = "staggered" if n_years > 1 else "simultaneous"
    rows = table[
        (table["n_units"].astype(int) == near["n_units"])
        & (table["n_treated"].astype(int) == near["n_treated"])
        & (table["treated"] == who)
        & (table["adoption"] == adoption)
    ]
    level = rows["size"].astype(float)
    usual = rows["analytic"].astype(float)
    return Cited(
        near["n_units"],
        near["n_treated"],
        who,
        adoption,
        int(pd.to_numeric(rows["draws"]).min()),
        float(level.min()),
        float(level.max()),
        (float(usual.min()), float(usual.max())),
    )
