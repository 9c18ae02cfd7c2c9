"""Simulated studies on a real panel: who is declared treated, and how each study tests.

Used by :mod:`evaluation.questions.power`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import (
    assignments,
    free_assignments,
    placebo_estimates,
    tie,
)

__all__ = [
    "Inference",
    "Mechanism",
    "Study",
    "cohort_of",
    "draw_mechanism",
    "inference_study",
    "permutation_study",
    "refit_inference",
]

# p-values of "no effect", one for each effect that is added to the treated
Inference = Callable[[Panel, pd.Series, np.ndarray, np.random.Generator], np.ndarray]
# one simulated study: the p-values, by the draw's number and its random stream
Study = Callable[[int, np.random.Generator], np.ndarray]


def refit_inference(p_value: Callable[[Panel, pd.Series], float | None]) -> Inference:
    """Turn a test of one panel into an inference of simulated studies, by fitting it anew.

    Parameters
    ----------
    p_value : callable
        Called as ``p_value(panel, cohort)``; returns the p-value of no effect, or None where
        it refuses to give one.

    Returns
    -------
    callable
        Adds each effect to the treated years of the treated and asks ``p_value``.
    """

    def inference(
        panel: Panel, cohort: pd.Series, effects: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        del rng
        start = cohort[panel.units].to_numpy()[:, None]
        on = (start > 0) & (np.array(panel.years)[None, :] >= start)
        found = []
        for effect in effects:
            p = p_value(Panel(panel.outcome, panel.values + effect * on), cohort)
            found.append(math.nan if p is None else p)
        return np.array(found)

    return inference


@dataclass(frozen=True)
class Mechanism:
    """How the treated are drawn: one of each set, or any units where there are no sets.

    Parameters
    ----------
    panel : Panel
        The units that take part.
    n_treated : int
        Treated units of a study.
    sets : tuple of tuple of int
        Columns of ``panel.units``, disjoint; empty where any units may be treated.
    words : str
        The mechanism in words.
    """

    panel: Panel
    n_treated: int
    sets: tuple[tuple[int, ...], ...]
    words: str

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return the columns of one simulated study's treated units."""
        if self.sets:
            return np.array([s[rng.integers(len(s))] for s in self.sets])
        return rng.choice(len(self.panel.values), self.n_treated, replace=False)

    def reference(self, n: int, seed: int) -> tuple[np.ndarray, bool]:
        """Return assignments to compare with, and whether they are all there are."""
        if self.sets:
            first = np.array([[s[0] for s in self.sets]])
            others = assignments(self.sets, n, seed)
            complete = math.prod(len(s) for s in self.sets) - 1 <= n
            return (np.vstack([first, others]) if complete else others), complete
        units = len(self.panel.units)
        if math.comb(units, self.n_treated) - 1 <= n:
            every = itertools.combinations(range(units), self.n_treated)
            return np.array(list(every)), True
        return free_assignments(units, range(self.n_treated), n, seed), False


def draw_mechanism(
    panel: Panel,
    n_treated: int | None,
    treated_units: Sequence[str] | None,
    cohort_year: int,
    size: pd.Series | None,
    donors: int,
) -> Mechanism:
    """Return the mechanism of a design.

    Parameters
    ----------
    panel : Panel
        All units.
    n_treated : int or None
        Treated units, drawn from all; or
    treated_units : sequence of str or None
        the treated themselves, for whom units like them stand in.
    cohort_year : int
        First treated year.
    size : pandas.Series or None
        Size by unit, to find stand-ins; by default the variance before adoption.
    donors : int
        Stand-ins per treated unit.

    Returns
    -------
    Mechanism
        Named treated units are no longer in its panel: their own values may hold the effect.

    Raises
    ------
    InputError
        If not exactly one of both is given, a unit is unknown, or units are too few.
    """
    if (n_treated is None) == (treated_units is None):
        raise InputError("either a number of treated units or their names", field="treated")
    if treated_units is None:
        assert n_treated is not None
        if not 1 <= n_treated < len(panel.units):
            raise InputError(
                f"{n_treated} treated of {len(panel.units)} units; at least one on each side is "
                "needed",
                field="treated",
            )
        if size is not None:
            raise InputError("sizes are used with named treated units only", field="size")
        return Mechanism(panel, n_treated, (), "any units are treated")
    named = list(dict.fromkeys(treated_units))
    unknown = [u for u in named if u not in set(panel.units)]
    if unknown or not named:
        who = f"there is no unit {unknown[0]}" if unknown else "no unit is named"
        raise InputError(f"{who} with a value in every year", field="treated_units")
    near = "size"
    if size is None:
        near = "variance before adoption"
        size = _variance_before(panel, cohort_year)
    others = [u for u in panel.units if u not in set(named)]
    try:
        matched = matched_sets(named, others, size, donors)
    except InputError as error:
        too_few = error.field == "donors_per_treated"
        raise error.placed(field="donors" if too_few else None) from None
    # the named units' own values may hold the effect already: others like them stand in
    rest = panel.select(others)
    place = {u: i for i, u in enumerate(others)}
    sets = tuple(tuple(place[u] for u in s[1:]) for s in matched)
    words = f"one of the {donors} units nearest in {near} to each of {', '.join(named)}"
    return Mechanism(rest, len(named), sets, words)


def _variance_before(panel: Panel, cohort_year: int) -> pd.Series:
    before = panel.values.loc[:, [y for y in panel.values.columns if int(y) < cohort_year]]
    if before.shape[1] < 2:
        raise InputError(
            "two years before adoption are needed to find units of like variance; give sizes "
            "otherwise",
            field="size",
        )
    away = before.sub(before.mean(axis=1), axis=0)
    # medians: with means, the years of a noisy unit would make quiet ones look noisy
    away = away - away.median(axis=0)
    return (away**2).mean(axis=1).set_axis(panel.units).rename("variance before adoption")


def cohort_of(panel: Panel, treated: np.ndarray, year: int) -> pd.Series:
    """Return first treated years by unit, for columns that are treated from ``year`` on."""
    cohort = pd.Series(0, index=panel.units)
    cohort.iloc[treated] = year
    return cohort


def permutation_study(
    c: Contrasts,
    mechanism: Mechanism,
    reference: np.ndarray,
    placebo: np.ndarray,
    complete: bool,
    effects: np.ndarray,
) -> Study:
    """Return the permutation test of simulated studies, by table look-up.

    Parameters
    ----------
    c : Contrasts
        One adoption year; who is treated in it does not matter.
    mechanism : Mechanism
        How a study's treated units are drawn.
    reference, complete : numpy.ndarray, bool
        Assignments compared, shape (assignments, treated), and whether they are all there are.
    placebo : numpy.ndarray
        Shape (assignments,): their estimates without effect.
    effects : numpy.ndarray
        Effects that are added.

    Returns
    -------
    callable
        One study; gives p-values, shape (effects,).
    """
    n, s = len(c.units), mechanism.n_treated
    # the real assignment is one of those compared where all are listed
    itself = 0 if complete else 1

    def test(number: int, rng: np.random.Generator) -> np.ndarray:
        del number
        treated = mechanism.draw(rng)
        member = np.zeros(n)
        member[treated] = 1.0
        shared = member[reference].sum(axis=1)
        moved = shared / s - (s - shared) / (n - s)
        real = float(placebo_estimates(c, c.d, treated[None, :])[0])
        count = _reach(placebo, moved, real, effects)
        return np.asarray((itself + count) / (itself + len(reference)))

    return test


def _reach(placebo: np.ndarray, moved: np.ndarray, real: float, effects: np.ndarray) -> np.ndarray:
    """Count, by effect δ, the assignments with ``|placebo + moved δ| ≥ |real + δ|``.

    Where ``|moved| < 1`` these are the effects between ``(placebo − real)/(1 − moved)`` and
    ``−(placebo + real)/(1 + moved)``, so that each assignment is placed once among the
    effects and not compared with each.
    """
    close = tie(placebo)
    inside = np.abs(moved) < 1 - 1e-12
    a, b = placebo[inside], moved[inside]
    one, two = (a - real) / (1 - b), -(a + real) / (1 + b)
    slack = close / (1 - np.abs(b))
    first = np.searchsorted(effects, np.minimum(one, two) - slack, side="left")
    last = np.searchsorted(effects, np.maximum(one, two) + slack, side="right")
    slots = len(effects) + 1
    began = np.bincount(first, minlength=slots) - np.bincount(last, minlength=slots)
    count: np.ndarray = np.cumsum(began)[:-1]
    # the study's own assignment, and all that hold none of its units where half are treated
    a, b = placebo[~inside], moved[~inside]
    other = np.abs(a[:, None] + b[:, None] * effects) >= np.abs(real + effects) - close
    return np.asarray(count + other.sum(axis=0))


def inference_study(
    inference: Inference, mechanism: Mechanism, year: int, effects: np.ndarray
) -> Study:
    """Return simulated studies that ask a given inference, as :func:`permutation_study` does."""

    def test(number: int, rng: np.random.Generator) -> np.ndarray:
        del number
        treated = mechanism.draw(rng)
        cohort = cohort_of(mechanism.panel, treated, year)
        return np.asarray(inference(mechanism.panel, cohort, effects, rng), dtype=float)

    return test
