"""The indicators that follow from the person records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluation.data.twin.people import FOLLOW_UPS, PROGRAMME
from evaluation.data.twin.world import Setting, World

__all__ = ["BY_SEX", "RETENTION", "Counts", "Table", "count_world", "from_persons"]

Table = dict[tuple[str, str], np.ndarray]
"""Values by indicator and sex, each of shape (n, T); NaN where there is none."""
BY_SEX: Final = ("K", "M")
RETENTION: Final = 36


@dataclass(frozen=True)
class Counts:
    """How many persons, by sex, municipality and year: shape (2, n, T).

    Parameters
    ----------
    leavers, success, work : numpy.ndarray
        Left the programme, by residence in December and year of leaving; in work or studies
        after 90 days; in work.
    employed : numpy.ndarray
        In work in the year, among all who left in it or before, by residence in the
        December of the year of leaving.
    received, stayed : numpy.ndarray
        Received in the year; still living there three years later, in that later year.
    beginners, passed : numpy.ndarray
        Adults received two years before; done with two courses of Swedish since.
    enrolled : numpy.ndarray
        Adults in the programme at some time in the year, by municipality of reception.
    paid : numpy.ndarray
        Shape (n, T): kronor of social assistance to those who have left the programme, by
        residence in the December of the year of leaving.
    """

    leavers: np.ndarray = field(repr=False)
    success: np.ndarray = field(repr=False)
    work: np.ndarray = field(repr=False)
    employed: np.ndarray = field(repr=False)
    received: np.ndarray = field(repr=False)
    stayed: np.ndarray = field(repr=False)
    beginners: np.ndarray = field(repr=False)
    passed: np.ndarray = field(repr=False)
    enrolled: np.ndarray = field(repr=False)
    paid: np.ndarray = field(repr=False)


def _later(x: np.ndarray, years: int) -> np.ndarray:
    """Shift the last axis forward by whole years."""
    out = np.zeros_like(x)
    out[..., years:] = x[..., : x.shape[-1] - years]
    return out


def count_world(setting: Setting, world: World) -> Counts:
    """Count the persons of a world.

    Parameters
    ----------
    setting : Setting
        Municipalities and persons.
    world : World
        What became of the persons.

    Returns
    -------
    Counts
        By sex, municipality and year.
    """
    country, people = setting.country, setting.people
    n, T = len(country.codes), len(country.years)

    def count(place: np.ndarray, t: np.ndarray, who: np.ndarray) -> np.ndarray:
        cell = (people.sex[who].astype(np.int64) * n + place[who]) * T + t[who]
        many: np.ndarray = np.bincount(cell, minlength=2 * n * T).astype(float)
        return many.reshape(2, n, T)

    came = people.year - country.start
    left = came + PROGRAMME // 12
    employed = np.zeros((2, n, T))
    for k in range(1 + FOLLOW_UPS):
        found = _later(count(world.residence, left, world.work[k]), k)
        employed += found.cumsum(axis=2) if k == FOLLOW_UPS else found
    adults = count(people.place, came, people.adult)
    everyone = np.ones(len(came), dtype=bool)
    still = world.moved > people.month + RETENTION
    return Counts(
        leavers=count(world.residence, left, world.leaver),
        success=count(world.residence, left, world.success[0]),
        work=count(world.residence, left, world.work[0]),
        employed=employed,
        received=count(people.place, came, everyone),
        stayed=_later(count(people.place, came, still), RETENTION // 12),
        beginners=_later(adults, PROGRAMME // 12),
        passed=_later(count(people.place, came, world.language), PROGRAMME // 12),
        enrolled=adults + _later(adults, 1) + _later(adults, 2),
        paid=_paid(setting, world),
    )


def _paid(setting: Setting, world: World) -> np.ndarray:
    """Sum the assistance that falls into each calendar year; shape (n, T), kronor."""
    country, people = setting.country, setting.people
    n, T = len(country.codes), len(country.years)
    who = np.flatnonzero(world.assisted > 0)
    begin = people.end[who] + 1
    stop = begin + world.assisted[who]
    out = np.zeros(n * T)
    for k in range(FOLLOW_UPS + 2):
        year = people.end[who] // 12 + k
        months = np.minimum(stop, 12 * year + 12) - np.maximum(begin, 12 * year)
        use = (months > 0) & (year <= country.years[-1])
        cell = world.residence[who[use]] * T + year[use] - country.start
        out += np.bincount(cell, months[use] * world.amount[who[use]], n * T)
    return out.reshape(n, T)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return per cent; NaN where there is nobody."""
    nobody = np.full_like(whole, np.nan)
    return np.asarray(100 * np.divide(part, whole, out=nobody, where=whole > 0))


def from_persons(counts: Counts) -> tuple[Table, Mapping[tuple[str, str], np.ndarray]]:
    """Return the indicators that are counts and shares of persons.

    Parameters
    ----------
    counts : Counts
        Of one world.

    Returns
    -------
    values : dict
        By indicator and sex; ``retention_3_years`` and ``work_or_studies_gap`` included.
    behind : mapping
        How many persons each share rests on.
    """
    values: Table = {}
    behind: Table = {}
    groups = {"K": slice(0, 1), "M": slice(1, 2), "T": slice(0, 2)}
    for sex, rows in groups.items():
        c = {name: getattr(counts, name)[rows].sum(axis=0) for name in _PERSONS}
        values["N00964", sex] = c["leavers"]
        values["N01986", sex] = c["received"]
        values["N00960", sex] = c["enrolled"]
        for id_, part, whole in (
            ("N00973", c["success"], c["leavers"]),
            ("N00971", c["work"], c["leavers"]),
            ("N00972", c["success"] - c["work"], c["leavers"]),
            ("N18409", c["passed"], c["beginners"]),
        ):
            values[id_, sex] = _share(part, whole)
            behind[id_, sex] = whole
    values["work_or_studies_gap", "T"] = values["N00973", "K"] - values["N00973", "M"]
    came = _later(counts.received.sum(axis=0), RETENTION // 12)
    values["N00732", "T"] = counts.stayed.sum(axis=0)
    values["retention_3_years", "T"] = _share(values["N00732", "T"], came)
    behind["retention_3_years", "T"] = came
    return values, behind


_PERSONS: Final = (
    "leavers",
    "success",
    "work",
    "received",
    "enrolled",
    "beginners",
    "passed",
)
