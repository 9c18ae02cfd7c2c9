r"""Panels without any effect, of known variance law: where a test's level is measured.

:math:`Y_{it} = \sqrt{V_i}\,\varepsilon_{it}` with ε normal, independent between units and
AR(1) over years; unit and year effects are left out because every estimator here takes
them away exactly. The sizes are real: the 290 municipalities, or the 33 of Skåne.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator

__all__ = ["GRID", "YEARS", "Cell", "cell_studies", "null_panels", "pick_treated", "relative_size"]

YEARS = 15
FIRST_YEAR = 2000
SIMULTANEOUS = 7
STAGGERED = (5, 7, 9, 11)
SETS = 40
"""Sets of treated units per cell; the draws are shared among them."""


@dataclass(frozen=True)
class Cell:
    """One design of the calibration.

    Parameters
    ----------
    n_units, n_treated : int
        Units in all, and treated among them.
    variance : str
        ``equal``, ``size`` (proportional to 1/n), ``mixed`` (half of each) or ``root``
        (proportional to its square root).
    treated : str
        ``random``, ``small`` or ``large`` (drawn from the smallest or largest quarter),
        ``smallest`` or ``largest`` (the very ones).
    adoption : {"simultaneous", "staggered"}
        All in the same year, or in four years in turn.
    autocorrelation : float
        Of the year errors.
    years : int
        Years in the panel.
    """

    n_units: int
    n_treated: int
    variance: str
    treated: str
    adoption: str
    autocorrelation: float
    years: int = YEARS

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def starts(self) -> np.ndarray:
        """Return the position of the first treated year by treated unit."""
        if self.adoption == "simultaneous" or self.n_treated == 1:
            return np.full(self.n_treated, SIMULTANEOUS * self.years // YEARS)
        steps = [s * self.years // YEARS for s in STAGGERED]
        return np.resize(steps, self.n_treated)


GRID: tuple[Cell, ...] = tuple(
    Cell(n, k, variance, treated, adoption, rho)
    for n, k, variance, treated, adoption, rho in product(
        (33, 290),
        (1, 2, 4, 8, 16),
        ("equal", "size"),
        ("random", "small", "large"),
        ("simultaneous", "staggered"),
        (0.0, 0.5),
    )
)
"""The design grid: 240 cells. One treated unit has one adoption year, named both ways."""


def relative_size(law: str, size: np.ndarray) -> np.ndarray:
    """Return each unit's variance under a law, one for a unit of middling size.

    Raises
    ------
    InputError
        If the law is unknown.
    """
    h = np.median(size) / size
    laws = {"equal": np.ones_like(h), "size": h, "mixed": 0.5 + 0.5 * h, "root": np.sqrt(h)}
    if law not in laws:
        raise InputError(f"{law!r} is none of {', '.join(laws)}", field="variance")
    result: np.ndarray = laws[law]
    return result


def null_panels(
    rng: np.random.Generator,
    draws: int,
    variance: np.ndarray,
    years: int,
    autocorrelation: float,
) -> np.ndarray:
    """Draw panels without effect.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draws.
    draws, years : int
        Panels and years.
    variance : numpy.ndarray
        Shape (units,).
    autocorrelation : float
        Of neighbouring years; the process is stationary.

    Returns
    -------
    numpy.ndarray
        Shape (draws, units, years).
    """
    z = rng.standard_normal((draws, len(variance), years))
    fresh = np.sqrt(1 - autocorrelation**2)
    for t in range(1, years):
        z[:, :, t] = autocorrelation * z[:, :, t - 1] + fresh * z[:, :, t]
    z *= np.sqrt(variance)[None, :, None]
    return z


def pick_treated(rng: np.random.Generator, size: np.ndarray, k: int, who: str) -> np.ndarray:
    """Choose treated units by size.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw.
    size : numpy.ndarray
        Shape (units,).
    k : int
        How many.
    who : str
        As in :class:`Cell`.

    Returns
    -------
    numpy.ndarray
        Positions, shape (k,).
    """
    order = np.argsort(size, kind="stable")
    pool = max(len(size) // 4, k)
    among = {
        "random": order,
        "small": order[:pool],
        "large": order[::-1][:pool],
        "smallest": order[:k],
        "largest": order[::-1][:k],
    }
    if who not in among:
        raise InputError(f"{who!r} is none of {', '.join(among)}", field="treated")
    return np.asarray(rng.choice(among[who], k, replace=False))


def cell_studies(
    cell: Cell,
    size: np.ndarray,
    *,
    draws: int,
    seed: int,
    method: str = "cs",
    estimand: str = "cohort",
    sample: Callable[[np.random.Generator, int], np.ndarray] | None = None,
) -> Iterator[tuple[LinearEstimator, np.ndarray]]:
    """Draw the studies of a cell, one block of panels per set of treated units.

    Parameters
    ----------
    cell : Cell
        The design.
    size : numpy.ndarray
        Shape (units,): persons behind each value.
    draws : int
        Panels in all.
    seed : int
        Every block has a child of this seed.
    method, estimand : str
        The estimator.
    sample : callable, optional
        ``sample(rng, draws)`` returns panels of shape (draws, units, years) instead of
        those of :func:`null_panels`.

    Yields
    ------
    tuple of LinearEstimator and numpy.ndarray
        The estimator and panels of shape (draws of the block, units, years).
    """
    variance = relative_size(cell.variance, size)
    codes = [f"{i:04d}" for i in range(len(size))]
    years = list(range(FIRST_YEAR, FIRST_YEAR + cell.years))
    blocks = min(SETS, draws)
    counts = np.diff(np.linspace(0, draws, blocks + 1).astype(int))
    for child, count in zip(np.random.SeedSequence(seed).spawn(blocks), counts, strict=True):
        rng = np.random.default_rng(child)
        treated = pick_treated(rng, size, cell.n_treated, cell.treated)
        if sample is None:
            y = null_panels(rng, int(count), variance, cell.years, cell.autocorrelation)
        else:
            y = sample(rng, int(count))
        first = np.zeros(len(codes), dtype=int)
        first[treated] = FIRST_YEAR + cell.starts()
        cohort = pd.Series(first, index=codes)
        panel = Panel("null", pd.DataFrame(y[0], index=codes, columns=years))
        yield linear_estimator(panel, cohort, method=method, estimand=estimand), y
