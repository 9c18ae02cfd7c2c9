"""The persons received: what they are, and the random numbers that decide what becomes of them.

Drawn once. The world with activity and the world without it are two readings of the same
numbers, so that their difference is the effect on the same persons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluation.data.twin.country import Country
from evaluation.data.twin.streams import stream

__all__ = ["EDUCATION", "FOLLOW_UPS", "MEN", "PROGRAMME", "WOMEN", "People", "make_people"]

WOMEN, MEN = 0, 1
PROGRAMME: Final = 24
"""Months of the establishment programme."""
FOLLOW_UPS: Final = 3
"""Years after the programme in which status is followed."""
EDUCATION: Final = ("short", "secondary", "higher")

# made up
_EDUCATION_SHARE: Final = (0.45, 0.25, 0.30)
_EDUCATION_POINTS: Final = (-6.0, 2.0, 7.0)
# 42 per cent of participants were women in June 2016, 57 per cent in 2018–2019
# (Arbetsförmedlingen; 2020/21:RFR7): linear between those received in 2014 and in 2017
_SHARE_WOMEN: Final = ((2014, 2017), (0.42, 0.57))
# 41 per cent of women and 52 of men in Luleå (mal2040.lulea.se)
_GENDER_POINTS: Final = {WOMEN: -5.5, MEN: 5.5}
_AGE_POINTS: Final = -0.35
_WORKING_AGE: Final = (20, 64)
_KEEP: Final = 0.7


@dataclass(frozen=True)
class People:
    """Everybody received, shape (persons,) unless said otherwise.

    Parameters
    ----------
    place : numpy.ndarray
        Municipality of reception, by position.
    month : numpy.ndarray
        Month of reception, counted from January of year 0.
    sex : numpy.ndarray
        0 women, 1 men.
    age : numpy.ndarray
        Years at reception.
    education : numpy.ndarray
        Position in ``EDUCATION``.
    points : numpy.ndarray
        What sex, age and education add to the probability of work or studies, percentage
        points.
    adult : numpy.ndarray
        Whether aged 20–64 at reception: these enter the programme.
    leave, kind, destination : numpy.ndarray
        Uniform numbers: whether and when the person moves, where to, which municipality.
    success, work : numpy.ndarray
        Shape (1 + FOLLOW_UPS, persons): uniform numbers for work or studies, and for work
        among these, 90 days and one, two and three years after the programme.
    turn : numpy.ndarray
        Shape (FOLLOW_UPS, persons): month of the year in which a follow-up's new status
        began, 1 to 12.
    need, amount : numpy.ndarray
        Uniform number for needing assistance; kronor a month while assisted.
    language : numpy.ndarray
        Uniform number for two courses of Swedish within two years.
    """

    place: np.ndarray = field(repr=False)
    month: np.ndarray = field(repr=False)
    sex: np.ndarray = field(repr=False)
    age: np.ndarray = field(repr=False)
    education: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    adult: np.ndarray = field(repr=False)
    leave: np.ndarray = field(repr=False)
    kind: np.ndarray = field(repr=False)
    destination: np.ndarray = field(repr=False)
    success: np.ndarray = field(repr=False)
    work: np.ndarray = field(repr=False)
    turn: np.ndarray = field(repr=False)
    need: np.ndarray = field(repr=False)
    amount: np.ndarray = field(repr=False)
    language: np.ndarray = field(repr=False)

    @property
    def year(self) -> np.ndarray:
        """Year of reception."""
        return self.month // 12

    @property
    def end(self) -> np.ndarray:
        """Month in which the programme ends."""
        return self.month + PROGRAMME


def _sticky(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw uniform numbers that stay the same from one follow-up to the next with 70 per cent."""
    u = rng.random((1 + FOLLOW_UPS, n))
    keep = rng.random((FOLLOW_UPS, n)) < _KEEP
    for k in range(FOLLOW_UPS):
        u[k + 1] = np.where(keep[k], u[k], u[k + 1])
    return u


def make_people(seed: int, country: Country) -> People:
    """Draw the persons.

    Parameters
    ----------
    seed : int
        The twin's seed.
    country : Country
        How many are received where and when.

    Returns
    -------
    People
        Sorted by municipality and year of reception.
    """
    many = country.received.ravel()
    cell = np.repeat(np.arange(many.size), many)
    place, t = np.divmod(cell, len(country.years))
    year = country.years[t]
    n = len(cell)

    def uniform(part: str) -> np.ndarray:
        return stream(seed, part).random(n)

    month = 12 * year + stream(seed, "month").integers(0, 12, n)
    sex = (uniform("sex") >= np.interp(year, *_SHARE_WOMEN)).astype(np.int8)
    # two in five are children, three in a hundred older than the programme takes
    u = uniform("age")
    adult_age = 20 + np.floor(45 * stream(seed, "adult age").beta(1.2, 2.6, n))
    age = np.where(u < 0.4, np.floor(u / 0.4 * 20), adult_age)
    age = np.where(u >= 0.97, 65 + np.floor((u - 0.97) / 0.03 * 20), age).astype(np.int16)
    education = np.searchsorted(np.cumsum(_EDUCATION_SHARE)[:-1], uniform("education"), "right")
    points = (
        np.where(sex == WOMEN, _GENDER_POINTS[WOMEN], _GENDER_POINTS[MEN])
        + np.take(_EDUCATION_POINTS, education)
        + _AGE_POINTS * (age - 33)
    )
    return People(
        place=place,
        month=month,
        sex=sex,
        age=age,
        education=education.astype(np.int8),
        points=points,
        adult=(age >= _WORKING_AGE[0]) & (age <= _WORKING_AGE[1]),
        leave=uniform("leave"),
        kind=uniform("kind of move"),
        destination=uniform("destination"),
        success=_sticky(stream(seed, "success"), n),
        work=_sticky(stream(seed, "work"), n),
        turn=stream(seed, "turn").integers(1, 13, (FOLLOW_UPS, n)),
        need=uniform("need"),
        amount=np.rint(4500 * np.exp(stream(seed, "amount").normal(0, 0.25, n))),
        language=uniform("language"),
    )
