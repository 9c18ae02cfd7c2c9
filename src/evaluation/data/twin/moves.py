"""Moving: whether, when and where to."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.data.twin.country import METROPOLITAN, Country
from evaluation.data.twin.people import People

__all__ = ["ABROAD", "DEATH", "KINDS", "NEVER_MOVES", "destinations", "month_of_move"]

KINDS: Final = ("within county", "metropolitan", "elsewhere", "abroad", "death")
ABROAD, DEATH = 3, 4
NEVER_MOVES: Final = 12 * 10_000
# made up
_SHARES: Final = (0.30, 0.35, 0.27, 0.07, 0.01)
# just under 90 per cent were left at the end of the year of reception and 68 three years later
# (SCB, 15 October 2020, received in 2016): 0.68^((1/6)^0.7) = 0.90 after half a year
_SHAPE: Final = 0.7
_STAY_BOUNDS: Final = (0.02, 0.995)


def month_of_move(
    people: People, country: Country, exposure: np.ndarray, points: float
) -> np.ndarray:
    r"""Return the month in which each person leaves the municipality of reception.

    .. math:: S(t) = R^{(t/36)^{0.7}},\quad R = \Lambda(\ell_{my}) + e\,\delta

    with ``t`` months since reception, R the share that stays three years, ℓ the
    municipality's log odds, e the exposure and δ the effect; solved for t at a uniform
    number.

    Parameters
    ----------
    people : People
        Who.
    country : Country
        The municipality's log odds of staying.
    exposure : numpy.ndarray
        Shape (persons,).
    points : float
        Effect on staying three years, percentage points.

    Returns
    -------
    numpy.ndarray
        Shape (persons,): months counted from January of year 0; ``NEVER_MOVES`` beyond a
        century.
    """
    odds = country.leaving[people.place, people.year - country.start]
    stay = np.clip(1 / (1 + np.exp(-odds)) + points / 100 * exposure, *_STAY_BOUNDS)
    # log1p(-u) and not log(u): u may be zero and is never one
    after = 36 * (np.log1p(-people.leave) / np.log(stay)) ** (1 / _SHAPE)
    month = people.month + np.ceil(np.minimum(after, 1200)).astype(np.int64)
    return np.where(after < 1200, month, NEVER_MOVES)


def _within(
    weight: np.ndarray, low: np.ndarray, high: np.ndarray, out: np.ndarray, u: np.ndarray
) -> np.ndarray:
    """Draw from a block of cells with a smaller block inside left out, by weight.

    ``low`` and ``high`` bound the block, ``out`` (two rows) the part left out.
    """
    total = np.concatenate([[0.0], np.cumsum(weight)])
    gap = total[out[1]] - total[out[0]]
    at = total[low] + u * (total[high] - total[low] - gap)
    at = np.where(at >= total[out[0]], at + gap, at)
    # rounding at an edge must not lead into a neighbouring block
    found = np.clip(np.searchsorted(total, at, "right") - 1, low, high - 1)
    inside = (found >= out[0]) & (found < out[1])
    return np.asarray(np.where(inside, np.where(out[1] < high, out[1], out[0] - 1), found))


def destinations(people: People, country: Country) -> tuple[np.ndarray, np.ndarray]:
    """Return where each person would move to, would the person move.

    Within the county, to Stockholm, Malmö or Göteborg, elsewhere in the country, abroad, or
    death; inside a group by population. Where a county has one municipality only, the
    move goes elsewhere.

    Parameters
    ----------
    people : People
        Who, with the random numbers.
    country : Country
        Municipalities, a county being one block.

    Returns
    -------
    kind : numpy.ndarray
        Shape (persons,): position in ``KINDS``.
    place : numpy.ndarray
        Shape (persons,): municipality, −1 abroad and for death.
    """
    kind = np.searchsorted(np.cumsum(_SHARES)[:-1], people.kind, "right")
    first = np.searchsorted(country.county, country.county, "left")[people.place]
    last = np.searchsorted(country.county, country.county, "right")[people.place]
    kind = np.where((kind == 0) & (last - first == 1), 2, kind)
    size = country.population[:, 0]
    here = people.place
    zero, end = np.zeros_like(here), np.full_like(here, len(size))

    near = _within(size, first, last, np.stack([here, here + 1]), people.destination)
    far = _within(size, zero, end, np.stack([first, last]), people.destination)
    cities = np.array([country.codes.index(c) for c in METROPOLITAN])
    own = np.searchsorted(cities, here)
    is_city = np.isin(here, cities)
    left_out = np.stack([own, own + is_city])
    three = np.full_like(here, len(cities))
    metro = cities[_within(size[cities], zero, three, left_out, people.destination)]
    place = np.select([kind == 0, kind == 1, kind == 2], [near, metro, far], -1)
    return kind.astype(np.int8), place
