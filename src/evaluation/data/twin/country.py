"""The made-up country: how many each municipality receives, and its local conditions.

Codes and sizes are those of the 290 municipalities; everything else is drawn, so that a
code says nothing about the place that bears it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from evaluation.data import embedded
from evaluation.data.twin.streams import stream

__all__ = ["METROPOLITAN", "RECEIVED", "WARM_UP", "Country", "autoregressive", "make_country"]

METROPOLITAN: Final = ("0180", "1280", "1480")
WARM_UP: Final = 5
"""Years of reception before the first year of the indicators: programme and assistance last."""
_AHEAD: Final = 2

# Persons received in the nation. Made up after the shape that is commonly described: few around
# 2010, most in 2016 (about 70,000: SCB, 15 October 2020), few again from 2020.
RECEIVED: Mapping[int, int] = MappingProxyType(
    {
        1995: 12_000, 2003: 12_000, 2005: 14_000, 2006: 24_000, 2007: 20_000, 2008: 18_000,
        2009: 15_000, 2010: 14_000, 2011: 14_000, 2012: 19_000, 2013: 33_000, 2014: 46_000,
        2015: 52_000, 2016: 70_000, 2017: 66_000, 2018: 40_000, 2019: 24_000, 2020: 17_000,
        2021: 15_000, 2022: 14_000, 2023: 14_000, 2045: 14_000,
    }
)  # fmt: skip
"""National totals by year; years between are interpolated."""


@dataclass(frozen=True)
class Country:
    """Municipalities and their conditions.

    Parameters
    ----------
    codes : tuple of str
        The n municipalities, ascending, so that a county is one block.
    county : numpy.ndarray
        Shape (n,): number of the county.
    years : numpy.ndarray
        Shape (T,): calendar years, warm-up and two years ahead included.
    population : numpy.ndarray
        Shape (n, T): inhabitants.
    received : numpy.ndarray
        Shape (n, T): persons received; zero in the years ahead.
    permanent : numpy.ndarray
        Shape (n,): the lasting part of the local level, percentage points.
    local : numpy.ndarray
        Shape (n, T): the local level of work or studies against the nation's, percentage
        points.
    leaving : numpy.ndarray
        Shape (n, T): log odds of still living there three years after reception.
    target : numpy.ndarray
        Shape (T,): the nation's share in work or studies after 90 days, per cent, which
        the country without activity is calibrated to.
    """

    codes: tuple[str, ...]
    county: np.ndarray = field(repr=False)
    years: np.ndarray = field(repr=False)
    population: np.ndarray = field(repr=False)
    received: np.ndarray = field(repr=False)
    permanent: np.ndarray = field(repr=False)
    local: np.ndarray = field(repr=False)
    leaving: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)

    @property
    def start(self) -> int:
        """The first calendar year of the axis T."""
        return int(self.years[0])


def autoregressive(
    rng: np.random.Generator, rows: int, years: int, sd: float, rho: float
) -> np.ndarray:
    r"""Draw stationary first-order autoregressions.

    .. math:: e_t = \rho e_{t-1} + \sqrt{1-\rho^2}\,\sigma u_t,\quad u_t \sim N(0,1)

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    rows, years : int
        Shape.
    sd, rho : float
        Standard deviation and autocorrelation.

    Returns
    -------
    numpy.ndarray
        Shape (rows, years).
    """
    u = sd * rng.standard_normal((rows, years))
    out = np.empty_like(u)
    out[:, 0] = u[:, 0]
    for t in range(1, years):
        out[:, t] = rho * out[:, t - 1] + np.sqrt(1 - rho**2) * u[:, t]
    return out


def _target(years: np.ndarray, seed: int) -> np.ndarray:
    """Take the nation's row where there is one; hold its ends, with jumps of one point, beyond."""
    table = embedded.load("establishment_90_days").set_index("code").drop(columns="name")
    level = table.astype(float).loc["0000"].to_numpy()
    known = dict(zip(map(int, table.columns), level, strict=True))
    first, last = min(known), max(known)
    jumps = stream(seed, "nation").standard_normal(200)
    path = [
        known[y] if y in known else known[first if y < first else last] + jumps[y - 1950]
        for y in map(int, years)
    ]
    return np.array(path)


def make_country(seed: int, first: int, last: int) -> Country:
    """Draw the country.

    Parameters
    ----------
    seed : int
        The twin's seed.
    first, last : int
        Years of the indicators.

    Returns
    -------
    Country
        From ``first - WARM_UP`` to two years after ``last``.
    """
    places = embedded.municipalities().sort_index()
    codes = tuple(map(str, places.index))
    n = len(codes)
    years = np.arange(first - WARM_UP, last + _AHEAD + 1)
    _, county = np.unique([c[:2] for c in codes], return_inverse=True)
    size = places["population_2017"].to_numpy(dtype=float)

    growth = stream(seed, "population").normal(0.006, 0.006, n)
    population = np.rint(size[:, None] * np.exp(growth[:, None] * (years - 2017)))

    # received per inhabitant falls with size, and differs between places and years
    rng = stream(seed, "reception")
    log_share = 0.8 * np.log(size) + rng.normal(0, 0.4, n)
    share = np.exp(log_share[:, None] + autoregressive(rng, n, len(years), 0.25, 0.7))
    totals = np.interp(years, list(RECEIVED), list(RECEIVED.values()))
    received = rng.poisson(share / share.sum(axis=0) * totals)
    received[:, years > last] = 0

    rng = stream(seed, "level")
    counties = int(county.max()) + 1
    permanent = rng.normal(0, 4.2, counties)[county] + rng.normal(0, 5.0, n)
    shocks = autoregressive(rng, counties, len(years), 3.5, 0.5)[county]
    local = permanent[:, None] + shocks + autoregressive(rng, n, len(years), 3.5, 0.5)

    rng = stream(seed, "retention")
    z = (np.log(size) - np.log(size).mean()) / np.log(size).std()
    stay = 0.35 * z + rng.normal(0, 0.55, n)
    leaving = stay[:, None] + autoregressive(rng, n, len(years), 0.15, 0.5)
    leaving += _national_odds(leaving, received) - leaving.mean()
    return Country(
        codes, county, years, population, received, permanent, local, leaving, _target(years, seed)
    )


_STAY: Final = 0.68


def _national_odds(odds: np.ndarray, received: np.ndarray) -> float:
    """Return the mean log odds at which 68 per cent of all received stay three years.

    SCB, 15 October 2020: of those received in 2016, 68 per cent lived in the same
    municipality in 2019.
    """
    centred = odds - odds.mean()
    low, high = -5.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        share = np.average(1 / (1 + np.exp(-(centred + middle))), weights=received)
        low, high = (middle, high) if share < _STAY else (low, middle)
    return (low + high) / 2
