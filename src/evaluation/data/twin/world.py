"""What becomes of the persons in a country with activity, or in the same country without."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluation.data.twin.country import Country
from evaluation.data.twin.moves import ABROAD, NEVER_MOVES, destinations, month_of_move
from evaluation.data.twin.people import FOLLOW_UPS, WOMEN, People
from evaluation.plan import SimulatedData

__all__ = ["ASSISTED_MONTHS", "Setting", "World", "make_setting", "make_world"]

ASSISTED_MONTHS: Final = 12 * FOLLOW_UPS
_BOUNDS: Final = (0.01, 0.99)
# made up: a person in work or studies after 90 days works with 70 per cent, and further percentage
# points find work or studies one, two and three years after the programme
_WORK_SHARE: Final = 0.7
_GROWTH: Final = (0.0, 0.08, 0.15, 0.20)
# 75–80 per cent of those who leave without work or studies need assistance, for three years
# (Hässleholm's planning assumption, Kristianstadsbladet 2019)
_NEED: Final = 0.775
_LANGUAGE: Final = 0.45
_LANGUAGE_EFFECT: Final = 0.5


@dataclass(frozen=True)
class Setting:
    """What both worlds share.

    Parameters
    ----------
    country : Country
        The municipalities.
    people : People
        The persons.
    kind, destination : numpy.ndarray
        Shape (persons,): where each would move to; see :func:`moves.destinations`.
    level : numpy.ndarray
        Shape (n, T): probability of work or studies for a person without points of the
        person's own, by municipality of residence and year of leaving, per cent.
    """

    country: Country
    people: People
    kind: np.ndarray = field(repr=False)
    destination: np.ndarray = field(repr=False)
    level: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class World:
    """One world, shape (persons,) unless said otherwise.

    Parameters
    ----------
    exposure : numpy.ndarray
        How far each person is exposed, 0 to 1.
    moved : numpy.ndarray
        Month of the first move.
    residence : numpy.ndarray
        Municipality in December of the year in which the programme ended, by position; −1
        outside the country.
    leaver : numpy.ndarray
        Whether the person took part in the programme and counts among those who left it.
    success, work : numpy.ndarray
        Shape (1 + FOLLOW_UPS, persons): in work or studies, and in work, 90 days and one,
        two and three years after the programme.
    assisted : numpy.ndarray
        Months of social assistance from the end of the programme on, 0 to 36.
    amount : numpy.ndarray
        Kronor per assisted month.
    language : numpy.ndarray
        Whether two courses of Swedish were done within two years.
    """

    exposure: np.ndarray = field(repr=False)
    moved: np.ndarray = field(repr=False)
    residence: np.ndarray = field(repr=False)
    leaver: np.ndarray = field(repr=False)
    success: np.ndarray = field(repr=False)
    work: np.ndarray = field(repr=False)
    assisted: np.ndarray = field(repr=False)
    amount: np.ndarray = field(repr=False)
    language: np.ndarray = field(repr=False)


def _residence(people: People, moved: np.ndarray, destination: np.ndarray) -> np.ndarray:
    december = 12 * (people.end // 12) + 11
    return np.where(moved <= december, destination, people.place)


def make_setting(country: Country, people: People) -> Setting:
    r"""Calibrate the country without activity to the nation's level in every year.

    The probability is :math:`p_i = s_t + a_{mt} + x_i`, cut at 1 and 99 per cent; the
    shift :math:`s_t` is what makes its mean over the year's leavers the target, found by
    fixed point iteration.

    Parameters
    ----------
    country : Country
        Local levels :math:`a_{mt}` and the target.
    people : People
        The persons' own points :math:`x_i`.

    Returns
    -------
    Setting
        What both worlds share.
    """
    kind, destination = destinations(people, country)
    moved = month_of_move(people, country, np.zeros(len(people.place)), 0.0)
    where = _residence(people, moved, destination)
    counts = people.adult & (where >= 0)
    t = (people.end // 12 - country.start)[counts]
    own = country.local[where[counts], t] + people.points[counts]
    years = len(country.years)
    many = np.maximum(np.bincount(t, minlength=years), 1)
    shift = country.target.copy()
    low, high = 100 * _BOUNDS[0], 100 * _BOUNDS[1]
    for _ in range(12):
        mean = np.bincount(t, np.clip(shift[t] + own, low, high), years) / many
        shift += np.where(mean > 0, country.target - mean, 0)
    return Setting(country, people, kind, destination, shift + country.local)


def make_world(
    setting: Setting, settings: SimulatedData, exposure: np.ndarray, drift: np.ndarray
) -> World:
    """Let the persons live in a world of this exposure.

    Parameters
    ----------
    setting : Setting
        What both worlds share.
    settings : SimulatedData
        Effects at full exposure.
    exposure : numpy.ndarray
        Shape (persons,); zero in the world without activity.
    drift : numpy.ndarray
        Shape (n, T): percentage points that a place drifts by in either world.

    Returns
    -------
    World
        What becomes of them.
    """
    country, people = setting.country, setting.people
    moved = month_of_move(people, country, exposure, settings.effect_retention)
    residence = _residence(people, moved, setting.destination)
    leaver = people.adult & (residence >= 0)
    t = people.end // 12 - country.start
    effect = np.where(people.sex == WOMEN, settings.effect.women, settings.effect.men) * exposure
    base = (setting.level + drift)[residence, t] + people.points + effect
    p = np.clip(base / 100, *_BOUNDS)
    success = np.empty_like(people.success, dtype=bool)
    abroad = setting.kind >= ABROAD
    here = np.where(abroad, np.maximum(moved - people.end, 0), NEVER_MOVES)
    for k, growth in enumerate(_GROWTH):
        counts = leaver & (here > 12 * k)
        success[k] = counts & (people.success[k] < np.minimum(p + growth, _BOUNDS[1]))
    work = success & (people.work < _WORK_SHARE)

    needs = leaver & ~success[0] & (people.need < _NEED)
    assisted = np.where(needs, np.minimum(ASSISTED_MONTHS, here), 0)
    for k in range(FOLLOW_UPS, 0, -1):
        found = 12 * (k - 1) + people.turn[k - 1]
        assisted = np.where(needs & success[k], np.minimum(assisted, found), assisted)
    amount = people.amount * (1 - settings.effect_cost / 100 * exposure)
    points = country.local[people.place, t] / 3 + people.points / 2 + _LANGUAGE_EFFECT * effect
    language = people.adult & (people.language < _LANGUAGE + points / 100)
    return World(
        exposure=exposure,
        moved=moved,
        residence=np.where(leaver, residence, -1),
        leaver=leaver,
        success=success,
        work=work,
        assisted=assisted,
        amount=amount,
        language=language,
    )
