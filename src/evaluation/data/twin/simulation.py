"""The twin, made: indicators, person records, stance and truth from one seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.data.observations import MISSING, OBSERVED, SIMULATED, SUPPRESSED, observations
from evaluation.data.registry import REGISTRY
from evaluation.data.twin.activity import NEVER, make_activity
from evaluation.data.twin.aggregates import Table, count_world, from_persons
from evaluation.data.twin.country import Country, make_country
from evaluation.data.twin.other import make_background, of_inhabitants
from evaluation.data.twin.people import make_people
from evaluation.data.twin.records import person_records
from evaluation.data.twin.truth import Truth, person_effects
from evaluation.data.twin.world import make_setting, make_world
from evaluation.data.twin.writing import write_twin
from evaluation.plan import SimulatedData

__all__ = ["STEPS", "Twin", "simulate"]

STEPS = ("country", "persons", "without activity", "with activity", "indicators", "truth")
"""What :func:`simulate` does, in order."""


@dataclass(frozen=True)
class Twin:
    """A made-up country with a known truth.

    Parameters
    ----------
    settings : SimulatedData
        What it was made from.
    observations : pandas.DataFrame
        The tidy form, for the codes, indicators and sexes of the live data. Its form has no
        column to spare: ``attrs["data"]`` says SIMULATED, and every file has the column.
    persons : pandas.DataFrame or None
        One row per person received; None where the settings ask for none.
    stance : pandas.DataFrame
        By code: stance, its start, as coded and as it is.
    truth : Truth
        The realised effects.
    """

    settings: SimulatedData
    observations: pd.DataFrame = field(repr=False)
    persons: pd.DataFrame | None = field(repr=False)
    stance: pd.DataFrame = field(repr=False)
    truth: Truth = field(repr=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the settings, the observations and the stance."""
        # whether the person records are kept changes nothing else
        settings = self.settings.model_dump(exclude={"persons"})
        h = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for frame in (self.observations, self.stance):
            for name, column in frame.items():
                h.update(str(name).encode())
                if column.dtype == np.float64:
                    h.update(column.to_numpy(dtype="<f8").tobytes())
                else:
                    # the distinct values once, and which of them stands where
                    place, values = pd.factorize(column, sort=True)
                    h.update("\n".join(map(str, values)).encode())
                    h.update(place.astype("<i8").tobytes())
        return h.hexdigest()

    def write(self, folder: str | Path) -> Path:
        """Write the twin into a folder; see :func:`evaluation.data.twin.writing.write_twin`."""
        return write_twin(
            folder,
            observations=self.observations,
            persons=self.persons,
            stance=self.stance,
            truth=self.truth.to_dict() | {"hash": self.hash},
        )


def _observed(
    country: Country, values: Table, behind: Table, first: int, last: int
) -> pd.DataFrame:
    """Round, suppress and stack what the live data would show."""
    shown = (country.years >= first) & (country.years <= last)
    years = country.years[shown]
    n = len(country.codes)
    parts = []
    for id_, indicator in REGISTRY.items():
        if indicator.kolada is None:
            continue
        for sex in indicator.sexes:
            value = np.round(values[id_, sex][:, shown], indicator.decimals)
            state = np.where(np.isnan(value), MISSING, OBSERVED)
            if indicator.small_cell is not None:
                persons = value if indicator.scale == "count" else behind.get((id_, sex))
                if persons is not None:
                    persons = persons if persons is value else persons[:, shown]
                    few = (persons > 0) & (persons < indicator.small_cell.threshold)
                    state = np.where(few, SUPPRESSED, state)
            parts.append(
                pd.DataFrame(
                    {
                        "indicator": id_,
                        "code": np.repeat(country.codes, len(years)),
                        "year": np.tile(years, n),
                        "sex": sex,
                        "value": np.where(state == OBSERVED, value, np.nan).ravel(),
                        "state": state.ravel(),
                    }
                )
            )
    frame = observations(pd.concat(parts, ignore_index=True))
    frame.attrs["data"] = SIMULATED
    return frame


def simulate(settings: SimulatedData, *, progress: Callable[[str], None] = lambda _: None) -> Twin:
    """Make the twin.

    Parameters
    ----------
    settings : SimulatedData
        Seed, years, effects and switches.
    progress : callable
        Called with the name of each step of ``STEPS`` as it begins.

    Returns
    -------
    Twin
        The same for the same settings, on every run.

    Examples
    --------
    >>> twin = simulate(SimulatedData(seed=1, years=(2008, 2016), adoption=(2011, 2012)))
    >>> sorted(set(twin.stance["stance"])), len(twin.truth.first_year)
    (['active_day_one', 'not known to be active'], 24)
    """
    first, last = settings.years
    progress(STEPS[0])
    country = make_country(settings.seed, first, last)
    activity = make_activity(settings, country)
    # the drift is in both worlds: it is no effect, and looks like one
    drift = settings.pre_trend * activity.active[:, None] * (country.years - country.years.mean())
    progress(STEPS[1])
    people = make_people(settings.seed, country)
    setting = make_setting(country, people)
    exposure = activity.exposure(
        people.place, people.month, spillover=settings.spillover, fade=settings.fade
    )
    progress(STEPS[2])
    without = make_world(setting, settings, np.zeros(len(exposure)), drift)
    count_without = count_world(setting, without)
    progress(STEPS[3])
    active = make_world(setting, settings, exposure, drift)
    counts = count_world(setting, active)
    progress(STEPS[4])
    background = make_background(settings.seed, country, count_without)
    cost = settings.activity_cost * _received_while_active(country, activity.first_whole_year())
    values, behind = from_persons(counts)
    values |= of_inhabitants(country, background, counts, count_without, cost)
    zero, _ = from_persons(count_without)
    zero |= of_inhabitants(country, background, count_without, count_without, 0 * cost)
    table = _observed(country, values, dict(behind), first, last)
    progress(STEPS[5])
    shown = (country.years >= first) & (country.years <= last)
    whole = activity.first_whole_year()
    truth = Truth(
        parameters=settings.model_dump(mode="json"),
        codes=country.codes,
        years=tuple(range(first, last + 1)),
        first_year={c: int(y) for c, y in zip(country.codes, whole, strict=True) if y},
        effects={key: (values[key] - zero[key])[:, shown] for key in values},
        persons=person_effects(setting, settings, activity, active, without),
        partial=tuple(
            c
            for c, begins in zip(country.codes, activity.start, strict=True)
            if begins < NEVER and begins % 12
        ),
    )
    return Twin(
        settings=settings,
        observations=table,
        persons=person_records(setting, active, last) if settings.persons else None,
        stance=activity.table(country),
        truth=truth,
    )


def _received_while_active(country: Country, whole: np.ndarray) -> np.ndarray:
    """Count those received in whole years of activity; shape (n, T)."""
    on = (whole[:, None] > 0) & (country.years >= whole[:, None])
    return np.where(on, country.received, 0).astype(float)
