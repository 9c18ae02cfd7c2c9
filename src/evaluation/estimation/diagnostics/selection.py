"""Regression to the mean: what picking a unit for its good figures looks like.

The best of N on a mean of k years stands out by more than it will later. How much, the variance
components say, and the real panel shows: pick the best in each year and follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.special import log_ndtr

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.refits import (
    Judge,
    Refits,
    by_permutation,
    contrast_estimate,
)
from evaluation.estimation.diagnostics.variance_components import variance_components
from evaluation.estimation.few_treated.contrasts import custom_contrasts
from evaluation.estimation.windows import WHOLE, Windows, spells
from evaluation.language import number
from evaluation.results import Check

__all__ = [
    "PickedBest",
    "after_selection",
    "expected_maximum",
    "picked_best",
    "regression_to_the_mean_check",
]


def expected_maximum(n: int) -> float:
    """Return the expected largest of n independent standard normals.

    Examples
    --------
    >>> round(expected_maximum(2), 4), round(expected_maximum(290), 3)
    (0.5642, 2.867)
    """
    if n < 1:
        raise InputError(f"at least one unit is needed, not {n}", field="n")

    def density(x: float) -> float:
        return float(x * n * np.exp(-x * x / 2 + (n - 1) * log_ndtr(x)) / np.sqrt(2 * np.pi))

    return float(quad(density, -12, 12, points=[0.0, 3.0], limit=200)[0])


@dataclass(frozen=True)
class PickedBest:
    """What picking the best looks like on the panel itself.

    Parameters
    ----------
    years : int
        k: years that the pick was made on.
    horizon : int
        Years that the picked were followed.
    lead, apparent, later : float
        Mean over picks of: the lead over the mean of all in the chosen years; their apparent
        change from the year before to the chosen years, against the others; the apparent change
        that is left in the years after.
    apparent_sd : float
        Standard deviation of the apparent change over picks.
    expected_lead, expected_kept : float
        The same lead from the variance components, and the share of it that they say the
        followed years keep.
    kept : float
        The share of the lead that the followed years kept.
    picks : tuple of tuple
        First chosen year and unit of each pick.
    apparent_each, later_each : tuple of float
        One value per pick.
    n_units : int
        Units to pick from.
    data_hash : str
        SHA-256 of the data.
    """

    years: int
    horizon: int
    lead: float
    apparent: float
    later: float
    apparent_sd: float
    expected_lead: float
    expected_kept: float
    kept: float
    picks: tuple[tuple[int, str], ...]
    apparent_each: tuple[float, ...]
    later_each: tuple[float, ...]
    n_units: int
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per pick."""
        return pd.DataFrame(
            {
                "first_year": [y for y, _ in self.picks],
                "unit": [u for _, u in self.picks],
                "apparent": list(self.apparent_each),
                "later": list(self.later_each),
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        names = (
            "years", "horizon", "lead", "apparent", "later", "apparent_sd", "expected_lead",
            "expected_kept", "kept", "n_units", "data_hash",
        )  # fmt: skip
        out: dict[str, object] = {name: getattr(self, name) for name in names}
        return out | {"rows": self.tidy().to_dict("records")}


def picked_best(panel: Panel, *, years: int = 2, horizon: int = 3) -> PickedBest:
    """Pick the best unit on each run of years, and follow it.

    Parameters
    ----------
    panel : Panel
        Balanced outcome of units that nothing happened to.
    years : int
        k: consecutive years that each pick is made on.
    horizon : int
        Years to follow.

    Returns
    -------
    PickedBest
        Nothing was done to the picked: their apparent change is regression to the mean alone.

    Raises
    ------
    InputError
        If the panel is too short for a year before, the chosen and the followed years, or as
        :func:`variance_components`.
    """
    n, total = panel.values.shape
    if years < 1 or horizon < 1 or total < years + horizon + 1:
        raise InputError(
            f"{total} years do not hold a year before, {years} chosen and {horizon} followed ones",
            field="years",
        )
    parts = variance_components(panel)
    y = panel.values.to_numpy(dtype=float)
    # against the mean of the others
    gap = (y - y.mean(axis=0)) * n / (n - 1)
    picks, apparent, later, lead, followed = [], [], [], [], []
    for start in range(1, total - years - horizon + 1):
        window = gap[:, start : start + years].mean(axis=1)
        best = int(window.argmax())
        after = float(gap[best, start + years : start + years + horizon].mean())
        before = float(gap[best, start - 1])
        picks.append((panel.years[start], panel.units[best]))
        lead.append(float(window[best]) * (n - 1) / n)
        followed.append(after * (n - 1) / n)
        apparent.append(float(window[best]) - before)
        later.append(after - before)
    kept = [parts.kept(years, h) for h in range(1, horizon + 1)]
    return PickedBest(
        years=years,
        horizon=horizon,
        lead=float(np.mean(lead)),
        apparent=float(np.mean(apparent)),
        later=float(np.mean(later)),
        apparent_sd=float(np.std(apparent)),
        expected_lead=float(np.sqrt(parts.window_variance(years)) * expected_maximum(n)),
        expected_kept=float(np.mean(kept)),
        kept=float(np.mean(followed) / np.mean(lead)),
        picks=tuple(picks),
        apparent_each=tuple(apparent),
        later_each=tuple(later),
        n_units=n,
        data_hash=panel.hash(),
    )


def after_selection(
    panel: Panel,
    cohort: pd.Series,
    selected: Mapping[str, int],
    *,
    judge: Judge | None = None,
    windows: Windows = WHOLE,
) -> Refits:
    """Estimate with all years, and only on the years after each unit was selected.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    selected : mapping of str to int
        By treated unit, the last year of the figures that it was chosen for. The base stays the
        year before adoption. Treated units that were not chosen for their outcome are not named
        and keep all their years.
    judge : Judge, optional
        P-values and intervals; free permutation by default.
    windows : Windows
        Years that some units leave out.

    Returns
    -------
    Refits
        One refit, ``"years after selection"``; a unit without such years is left out of it.

    Raises
    ------
    InputError
        If a selected unit is not treated, or was chosen on the very year that is its base.
    """
    judge = judge or by_permutation()
    s = spells(panel, cohort, windows)
    first = {u: int(v) for u, v in zip(panel.units, s.first, strict=True) if v > 0}
    years = np.array(panel.years)
    treated = dict(zip(panel.units, s.treated(years), strict=True))
    for unit, year in selected.items():
        if unit not in first:
            raise InputError(f"unit {unit} is not treated", field="selected")
        if year == windows.base(unit, first[unit]):
            raise InputError(
                f"unit {unit} was chosen on figures up to {year}, the base year of its adoption in "
                f"{first[unit]}: no estimate is free of the choice",
                field="selected",
            )
    whole, free = {}, {}
    for unit, start in first.items():
        base = (years == windows.base(unit, start)).astype(float)
        post = treated[unit]
        whole[unit] = post / post.sum() - base
        later = post & (years > selected.get(unit, start - 1))
        if later.any():
            free[unit] = later / later.sum() - base
    base_estimate = contrast_estimate(
        panel, custom_contrasts(panel, cohort, whole, carrying=s.treated(years)), "cohort", judge
    )
    label = "years after selection"
    if not free:
        why = ((label, "no treated unit has a year after its selection"),)
        return Refits("selection", base_estimate, (), (), why)
    without = [u for u in first if u not in free]
    notes = (f"without {', '.join(without)}: no year after selection",) if without else ()
    c = custom_contrasts(panel, cohort, free, carrying=s.treated(years))
    found = contrast_estimate(panel, c, f"cohort, {label}", judge, notes=notes)
    return Refits("selection", base_estimate, (label,), (found,))


def regression_to_the_mean_check(found: PickedBest, estimate: float) -> Check:
    """Ask whether the estimate is larger than what picking the best looks like by itself.

    Parameters
    ----------
    found : PickedBest
        What the panel's own best looked like.
    estimate : float
        The estimate for units that were picked for their outcome, in the outcome's unit.
    """
    return Check(
        "regression_to_the_mean",
        abs(estimate) > found.apparent,
        f"Att i efterhand välja den bästa av {found.n_units} på {found.years} år ser i snitt ut "
        f"som {number(found.apparent, 'sv', sign=True)} utan att något gjorts; {found.horizon} år "
        f"senare återstår {number(found.later, 'sv', sign=True)}. Skattningen är "
        f"{number(estimate, 'sv', sign=True)}.",
        f"Picking afterwards the best of {found.n_units} on {found.years} years looks like "
        f"{number(found.apparent, 'en', sign=True)} on average with nothing done; over the "
        f"{found.horizon} years after, {number(found.later, 'en', sign=True)} is left. The "
        f"estimate is {number(estimate, 'en', sign=True)}.",
        abs(estimate),
        found.apparent,
    )
