"""How often the corrected bound covers the truth: the twin's stance miscoded, over and over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.data.registry import REGISTRY
from evaluation.data.twin.activity import NEVER, Activity, make_activity
from evaluation.data.twin.aggregates import count_world, from_persons
from evaluation.data.twin.country import Country, make_country
from evaluation.data.twin.people import make_people
from evaluation.data.twin.streams import stream
from evaluation.data.twin.world import make_setting, make_world
from evaluation.design.coding.error_rates import CoderCalls, MiscodingRates, miscoding_rates
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.corrected_bound import corrected_bound
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import matched_assignments, permutation_test
from evaluation.plan import SimulatedData
from evaluation.results import Estimate

__all__ = ["DONORS", "DRAWS", "miscoding_study"]

DRAWS = 999
DONORS = 8
OUTCOME = "N00973"


@dataclass(frozen=True)
class _Country:
    """One made-up country: the outcome with and without the effect, and what is true of it."""

    codes: list[str]
    kept: np.ndarray
    years: list[int]
    with_effect: np.ndarray
    without: np.ndarray
    persons: pd.Series
    activity: Activity
    att: float


def _make(seed: int) -> tuple[SimulatedData, Country, _Country]:
    """Make the twin's country once; the coding touches nothing of it."""
    settings = SimulatedData(seed=seed, persons=False)
    first, last = settings.years
    country = make_country(seed, first, last)
    activity = make_activity(settings, country)
    people = make_people(seed, country)
    setting = make_setting(country, people)
    exposed = activity.exposure(people.place, people.month, spillover=0.0, fade=None)
    shown = (country.years >= first) & (country.years <= last)
    drift = np.zeros((len(country.codes), len(country.years)))
    values, few = [], np.zeros(len(country.codes), dtype=bool)
    threshold = getattr(REGISTRY[OUTCOME].small_cell, "threshold", 1)
    for exposure in (np.zeros(len(exposed)), exposed):
        world = make_world(setting, settings, exposure, drift)
        table, behind = from_persons(count_world(setting, world))
        values.append(table[OUTCOME, "T"][:, shown])
        persons = behind[OUTCOME, "T"][:, shown]
        few |= (persons < threshold).any(axis=1)
    years = [int(y) for y in country.years[shown]]
    start = _first_years(activity.start)
    effect = values[1] - values[0]
    own = [
        effect[i, np.array(years) >= start[i]].mean()
        for i in np.flatnonzero(activity.active & ~few)
    ]
    codes = list(country.codes)
    size = pd.Series(persons.mean(axis=1), codes)
    made = _Country(codes, ~few, years, values[1], values[0], size, activity, float(np.mean(own)))
    return settings, country, made


def _first_years(start: np.ndarray) -> np.ndarray:
    """Return the first treated year of the outcome, 0 for never."""
    year = -(-start // 12) + REGISTRY[OUTCOME].lag_years
    return np.asarray(np.where(start < NEVER, year, 0))


def _two_coders(
    made: _Country, seed: int, error: float, falsely: np.ndarray, *, settled: bool
) -> tuple[np.ndarray, np.ndarray, CoderCalls]:
    """Let two coders code every municipality, and settle rightly where they differ, or not at all.

    Returns the coded starts, who is in neither group, and the counts.
    """
    rng = stream(seed, f"two coders {error} {settled}")
    active = made.activity.active
    wrong = error * active.sum() / (~active).sum()
    shape = (2, len(active))
    says = np.where(active, rng.random(shape) >= error, rng.random(shape) < wrong)
    both, none = says.all(axis=0), ~says.any(axis=0)
    split = np.asarray(~both & ~none)
    out = np.zeros_like(split) if settled else split
    calls = CoderCalls(
        int(both.sum()),
        int(none.sum()),
        int((split & active).sum()) if settled else 0,
        int((split & ~active).sum()) if settled else 0,
        0 if settled else int(split.sum()),
        0,
    )
    coded = both | (split & active & ~out)
    start = np.where(active, made.activity.start, falsely)
    return np.where(coded, start, NEVER), out, calls


def _tests(
    made: _Country, y: np.ndarray, first: np.ndarray, out: np.ndarray, seed: int, alphas: set[float]
) -> dict[float, tuple[Estimate, Estimate]] | None:
    """Estimate by the rule and by permutation, at every level; None with nobody treated."""
    use = made.kept & ~out
    codes = [c for c, u in zip(made.codes, use, strict=True) if u]
    cohort = pd.Series(first[use], codes)
    treated = [c for c in codes if cohort[c]]
    controls = [c for c in codes if not cohort[c]]
    if not treated:
        return None
    values = pd.DataFrame(np.round(y[use], REGISTRY[OUTCOME].decimals), codes, made.years)
    panel = Panel(OUTCOME, values)
    c = contrasts(panel, cohort, "cohort")
    donors = min(DONORS, len(controls) // len(treated))
    picks = matched_assignments(
        c, matched_sets(treated, controls, made.persons, donors), DRAWS, seed
    )
    found = {}
    for alpha in alphas:
        rule = auto_inference(panel, cohort, size=made.persons[codes], alpha=alpha).result
        permuted = permutation_test(
            c, picks, seed=seed, alpha=alpha, like=rule, mechanism="matched sets"
        ).result
        found[alpha] = permuted, rule
    return found


def _codings(
    seed: int, shares: Sequence[float]
) -> Iterator[tuple[_Country, dict[str, Any], np.ndarray, np.ndarray, MiscodingRates | None]]:
    """Yield every coding of one country: label, first years, who is out, and the rates."""
    settings, country, made = _make(seed)
    for missed in shares:
        for false in shares:
            changed = {"miscoded": missed, "falsely_active": false}
            coding = make_activity(settings.model_copy(update=changed), country).coded
            label = {"rates": "stated", "missed": missed, "false": false}
            yield made, label, _first_years(coding), np.zeros(len(coding), bool), None
    everywhere = {"falsely_active": 1.0}
    falsely = make_activity(settings.model_copy(update=everywhere), country).coded
    # a start for whoever is called active without being it; drawn anew where the twin has none
    spare = 12 * stream(seed, "spare starts").integers(*settings.adoption, len(falsely))
    falsely = np.where(falsely < NEVER, falsely, spare)
    for error in shares:
        for settled in (False, True):
            start, out, calls = _two_coders(made, seed, error, falsely, settled=settled)
            kind = "coders, settled" if settled else "coders, unsettled"
            label = {"rates": kind, "missed": error, "false": error}
            yield made, label, _first_years(start), out, miscoding_rates(calls)


def _shares(made: _Country, first: np.ndarray, out: np.ndarray) -> MiscodingRates:
    """Return the rates as they are among those that the estimate uses."""
    use = made.kept & ~out
    coded, active = first > 0, made.activity.active
    m = (coded & ~active & use).sum() / (coded & use).sum()
    s = (~coded & active & use).sum() / (~coded & use).sum()
    return MiscodingRates((0.0, float(m)), (0.0, float(s)))


def miscoding_study(
    seeds: Sequence[int], shares: Sequence[float] = (0.0, 0.1, 0.3), *, alpha: float = 0.05
) -> pd.DataFrame:
    """Miscode the twin's stance, and see whether the intervals cover the real effect.

    Every seed is a country of its own: 290 municipalities, 24 of them active from day one since
    some year in 2012–2017, outcome N00973 with and without the effect. Miscoded are a share of the
    active (missed) and, as a share of the active, others (false), in every pair. «Stated» rates are
    ranges from 0 to the real shares, which the bound is given. With «coders» two coders err
    independently everywhere with the same rates; what they differ on is settled rightly, or left
    unsettled and in neither group; the bound knows only their counts.

    Parameters
    ----------
    seeds : sequence of int
        Of the countries.
    shares : sequence of float
        Shares of miscoded.
    alpha : float
        One minus the level.

    Returns
    -------
    pandas.DataFrame
        One row per seed, coding and effect: ``seed``, ``rates``, ``missed``, ``false``,
        ``effect``, ``truth`` (mean real effect over the truly active), ``n_treated``,
        ``false_active`` and ``hidden_active`` (the real shares), ``permutation``, ``rule`` and
        ``bound`` (whether each interval covers the truth), and their lengths ``length_…``.

    Raises
    ------
    InputError
        If there are no seeds or no shares.
    """
    if not len(seeds) or not len(shares):
        raise InputError("at least one seed and one share are needed", field="seeds")
    rows = []
    for seed in seeds:
        for made, label, first, out, rates in _codings(seed, shares):
            given = rates or (
                _shares(made, first, out) if (first[made.kept & ~out]).any() else None
            )
            if given is None:
                continue
            for effect, y, truth in (
                ("effect", made.with_effect, made.att),
                ("zero", made.without, 0.0),
            ):
                needed = alpha - given.miss
                found = _tests(made, y, first, out, seed, {alpha, needed})
                if found is None:
                    continue
                permuted, rule = found[needed]
                bound = corrected_bound(permuted, given, beside=[rule], alpha=alpha)
                intervals = {
                    "permutation": found[alpha][0].conf_int,
                    "rule": found[alpha][1].conf_int,
                    "bound": bound.conf_int,
                }
                real = _shares(made, first, out)
                rows.append(
                    {"seed": seed, **label, "effect": effect, "truth": truth}
                    | {
                        "n_treated": permuted.n_treated_units,
                        "false_active": real.false_active[1],
                        "hidden_active": real.hidden_active[1],
                    }
                    | {k: bool(low <= truth <= high) for k, (low, high) in intervals.items()}
                    | {f"length_{k}": high - low for k, (low, high) in intervals.items()}
                )
    return pd.DataFrame(rows)
