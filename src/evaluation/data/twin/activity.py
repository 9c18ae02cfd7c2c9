"""Who becomes active, when, and what a coder sees of it.

Nobody is waiting here: a municipality is active from day one since a month, or it is not
known to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from evaluation.data.observations import SIMULATED
from evaluation.data.twin.country import Country
from evaluation.data.twin.streams import stream
from evaluation.plan import SimulatedData

__all__ = ["ACTIVE", "NEVER", "NOT_KNOWN", "Activity", "make_activity"]

ACTIVE: Final = "active_day_one"
NOT_KNOWN: Final = "not known to be active"
NEVER: Final = 12 * 10_000


@dataclass(frozen=True)
class Activity:
    """Start of activity by municipality, true and coded.

    Parameters
    ----------
    start : numpy.ndarray
        Shape (n,): month of the start, counted from January of year 0; ``NEVER`` without.
    coded : numpy.ndarray
        Shape (n,): the same as the coding has it.
    county_start : numpy.ndarray
        Shape (n,): the earliest start in the municipality's county.
    """

    start: np.ndarray = field(repr=False)
    coded: np.ndarray = field(repr=False)
    county_start: np.ndarray = field(repr=False)

    @property
    def active(self) -> np.ndarray:
        """Shape (n,): who becomes active."""
        return np.asarray(self.start < NEVER)

    def first_whole_year(self) -> np.ndarray:
        """Return the first year that is active from January on, 0 for never; shape (n,)."""
        return np.where(self.active, -(-self.start // 12), 0)

    def exposure(
        self, place: np.ndarray, month: np.ndarray, *, spillover: float, fade: int | None
    ) -> np.ndarray:
        r"""Return how far each person is exposed from day one.

        1 for those received in an active municipality, once it is active; the share
        ``spillover`` for those received in the same county; 0 for others, those received
        before the start included. With ``fade`` = k, exposure is halved for every year of
        activity after k: :math:`2^{-\max(0, (m - m_0)/12 - k)}`.

        Parameters
        ----------
        place : numpy.ndarray
            Shape (persons,): municipality of reception, by position.
        month : numpy.ndarray
            Shape (persons,): month of reception, counted as in ``start``.
        spillover : float
            Share that reaches others in the county.
        fade : int or None
            Whole years of full effect.

        Returns
        -------
        numpy.ndarray
            Shape (persons,), between 0 and 1.
        """
        own = month >= self.start[place]
        near = month >= self.county_start[place]
        since = np.where(own, self.start[place], self.county_start[place])
        level = np.where(own, 1.0, np.where(near, spillover, 0.0))
        if fade is not None:
            level = level * 0.5 ** np.clip((month - since) / 12 - fade, 0, None)
        return np.asarray(level)

    def table(self, country: Country) -> pd.DataFrame:
        """Return the stance as coded, and the truth beside it.

        Returns
        -------
        pandas.DataFrame
            ``code, stance, coded_active, coded_year, coded_month, active, adoption_year,
            adoption_month, data``: years and months whole, missing where there is none.
        """
        coded = self.coded < NEVER
        found = {
            "code": list(country.codes),
            "stance": np.where(coded, ACTIVE, NOT_KNOWN),
            "coded_active": coded,
            **_parts("coded", self.coded),
            "active": self.active,
            **_parts("adoption", self.start),
            "data": SIMULATED,
        }
        table = pd.DataFrame(found)
        table.attrs["data"] = SIMULATED
        return table


def _parts(name: str, month: np.ndarray) -> dict[str, pd.Series]:
    known = pd.Series(month).where(pd.Series(month < NEVER)).astype("Int64")
    return {f"{name}_year": known // 12, f"{name}_month": known % 12 + 1}


def _starts(seed: int, part: str, n: int, settings: SimulatedData) -> np.ndarray:
    """Draw a start for everyone, used or not, so that one's does not depend on the others."""
    rng = stream(seed, part)
    year = rng.integers(settings.adoption[0], settings.adoption[1] + 1, n)
    late = rng.random(n) < settings.mid_year
    return np.asarray(12 * year + np.where(late, rng.integers(1, 12, n), 0))


def _standardised(x: np.ndarray) -> np.ndarray:
    return np.asarray((x - x.mean()) / x.std())


def make_activity(settings: SimulatedData, country: Country) -> Activity:
    r"""Draw who becomes active, and code it.

    The ``active`` municipalities with the largest
    :math:`s (z_{level} + z_{\log size}) + \varepsilon` become active, with ε Gumbel: draws
    without replacement whose log odds rise by ``selection`` = s with each standard
    deviation (Efraimidis & Spirakis 2006).

    Parameters
    ----------
    settings : SimulatedData
        ``active``, ``adoption``, ``mid_year``, ``selection``, ``miscoded`` and
        ``falsely_active`` count here.
    country : Country
        Levels and sizes.

    Returns
    -------
    Activity
        True and coded starts.
    """
    n = len(country.codes)
    size = _standardised(np.log(country.population.mean(axis=1)))
    leaning = settings.selection * (_standardised(country.permanent) + size)
    rank = np.argsort(-(leaning + stream(settings.seed, "stance").gumbel(size=n)))
    active, others = rank[: settings.active], rank[settings.active :]

    start = np.full(n, NEVER)
    start[active] = _starts(settings.seed, "adoption", n, settings)[active]
    coded = start.copy()
    missed = stream(settings.seed, "missed").permutation(settings.active)
    coded[active[missed[: round(settings.miscoded * settings.active)]]] = NEVER
    wrong = others[stream(settings.seed, "falsely active").permutation(len(others))]
    wrong = wrong[: round(settings.falsely_active * settings.active)]
    coded[wrong] = _starts(settings.seed, "false adoption", n, settings)[wrong]

    earliest = np.full(int(country.county.max()) + 1, NEVER)
    np.minimum.at(earliest, country.county, start)
    return Activity(start, coded, earliest[country.county])
