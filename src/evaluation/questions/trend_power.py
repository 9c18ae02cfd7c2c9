r"""Which trend the permutation test of the pre-periods would have found (after Roth 2022).

Members of the matched sets, none of them treated, are given a straight trend of slope γ a year,
and the pre-periods are tested as the real ones are. A year-to-year step of theirs is γ larger;
under another assignment π the step moves by

.. math:: b_\pi = \sum_s \lambda_s 1\{\pi_s = r_s\} - \frac{S - o_\pi}{n_0}

with :math:`o_\pi` the number of the study's S units r that π holds, the others being among its
n₀ controls. So no study is fitted: the largest scaled step is a table look-up.

The analytic covariance of an event study is far too small with a handful of treated, and so are
the slopes that it says would be found; this uses the test that the report uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates, tie
from evaluation.estimation.windows import WHOLE, Windows
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["TrendPower", "implied_effect", "trend_power", "trend_power_check"]

STUDIES, ASSIGNMENTS = 500, 499
"""Studies that are tested, and assignments that each is compared with."""
REACH, STEP = 8.0, 0.5
"""Slopes tried: up to so many, in steps of so many, standard deviations of the steadiest step."""


@dataclass(frozen=True)
class TrendPower:
    """Power of the pre-periods' permutation test against a straight trend.

    Parameters
    ----------
    slopes, power : tuple of float
        Slopes a year, in the outcome's unit, and the share of studies that find them.
    found_half, found_mostly : float or None
        The slope found in 50 and in 80 % of studies; None where none of the slopes is.
    implied : float
        What a slope of one would look like as an effect, were it to go on after the start.
    n_studies, n_assignments, n_times : int
        Studies, assignments compared with, pre-periods tested.
    alpha : float
        Level of the test.
    """

    slopes: tuple[float, ...]
    power: tuple[float, ...]
    found_half: float | None
    found_mostly: float | None
    implied: float
    n_studies: int
    n_assignments: int
    n_times: int
    alpha: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        kept = {k: v for k, v in vars(self).items() if k not in {"slopes", "power"}}
        pairs = zip(self.slopes, self.power, strict=True)
        return kept | {"curve": [{"slope": s, "power": p} for s, p in pairs]}


def implied_effect(c: Contrasts, last_year: int, windows: Windows = WHOLE) -> float:
    """Return the estimate that a trend of one a year alone would give.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts: means of the years from adoption on against the year before.
    last_year : int
        Last year of the panel.
    windows : Windows
        Years that the treated leave out.

    Examples
    --------
    >>> import pandas as pd
    >>> from evaluation.data.panel import Panel
    >>> from evaluation.estimation.few_treated.contrasts import contrasts
    >>> wide = pd.DataFrame([[0., 1., 2.], [0., 0., 0.]], index=["a", "b"],
    ...                     columns=[2000, 2001, 2002])
    >>> c = contrasts(Panel("y", wide), pd.Series({"a": 2001, "b": 0}))
    >>> c.estimate(), implied_effect(c, 2002)
    (1.5, 1.5)
    """
    treated = [c.units[i] for i in c.slots]
    last = np.array([min(windows.last.get(u, last_year), last_year) for u in treated])
    base = np.array([windows.base(u, g) for u, g in zip(treated, c.years, strict=True)])
    return float(c.weight @ ((last + np.array(c.years)) / 2 - base))


def trend_power(
    before: Mapping[int, Contrasts], picks: np.ndarray, *, implied: float, alpha: float = 0.05
) -> TrendPower | None:
    """Simulate the pre-periods' test with trends of ascending slope.

    Parameters
    ----------
    before : mapping of int to Contrasts
        Year-to-year steps by event time before adoption.
    picks : numpy.ndarray
        Shape (assignments, slots): other assignments of the mechanism.
    implied : float
        From :func:`implied_effect`.
    alpha : float
        Level of the test.

    Returns
    -------
    TrendPower or None
        None where no assignment is free of really treated units, no step varies, or the
        assignments are too few for the level.

    References
    ----------
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel
    trends. American Economic Review: Insights 4(3).
    """
    if not before:
        return None
    reference = picks[:ASSIGNMENTS]
    first = next(iter(before.values()))
    free = ~np.isin(picks, first.slots).any(axis=1)
    studies = picks[free][:STUDIES]
    if not len(studies) or 1 / (1 + len(reference)) > alpha:
        return None
    s = len(first.slots)
    rest = len(first.units) - s
    # sets are disjoint: a unit stands in the same slot in every assignment
    same = studies[:, None, :] == reference[None, :, :]
    away = (s - same.sum(axis=2)) / rest
    parts = []
    for c in before.values():
        a = placebo_estimates(c, c.d, reference)
        spread = float(a.std())
        if spread > tie(a):
            parts.append((a, same @ c.weight - away, placebo_estimates(c, c.d, studies), spread))
    if not parts:
        return None
    steadiest = min(spread for *_, spread in parts)
    slopes = steadiest * np.arange(0.0, REACH + STEP / 2, STEP)
    power = []
    for slope in slopes:
        real = np.zeros(len(studies))
        others = np.zeros(same.shape[:2])
        for a, b, own, _ in parts:
            values = a[None, :] + slope * b
            sd = values.std(axis=1)
            real = np.maximum(real, np.abs(own + slope) / sd)
            others = np.maximum(others, np.abs(values) / sd[:, None])
        count = (others >= real[:, None] * (1 - 1e-10)).sum(axis=1)
        power.append(float(((1 + count) / (1 + len(reference)) <= alpha + 1e-12).mean()))
    return TrendPower(
        slopes=tuple(float(v) for v in slopes),
        power=tuple(power),
        found_half=_slope_at(0.5, slopes, power),
        found_mostly=_slope_at(0.8, slopes, power),
        implied=implied,
        n_studies=len(studies),
        n_assignments=len(reference),
        n_times=len(parts),
        alpha=alpha,
    )


def _slope_at(target: float, slopes: np.ndarray, power: list[float]) -> float | None:
    """Interpolate the first slope at which power reaches the target."""
    above = np.flatnonzero(np.array(power) >= target)
    if not len(above):
        return None
    j = int(above[0])
    if j == 0:
        return float(slopes[0])
    return float(np.interp(target, power[j - 1 : j + 1], slopes[j - 1 : j + 1]))


def trend_power_check(found: TrendPower | None, estimate: float) -> Check:
    """Ask whether a trend that the pre-periods' test can miss could make the estimate.

    Parameters
    ----------
    found : TrendPower or None
        The power of the test, where it could be simulated.
    estimate : float
        The headline.

    Returns
    -------
    Check
        Passes where the estimate is larger than what the trend found in 80 % of cases would
        look like, were it to go on after the start.
    """
    name = "pre_trends_power"
    if found is None:
        return Check(
            name,
            None,
            "Med så få jämförelsekommuner eller förperioder går testets styrka inte att mäta.",
            "With so few comparison municipalities or pre-periods the test's power cannot be "
            "measured.",
        )
    slope = found.found_mostly
    if slope is None:
        most = found.slopes[-1]
        return Check(
            name,
            False,
            "Förperiodernas permutationstest hittar ingen rak trend upp till "
            f"{number(most, 'sv')} om året i 80 % av fallen.",
            "The pre-periods' permutation test finds no straight trend up to "
            f"{number(most, 'en')} a year in 80 % of cases.",
        )
    looks = slope * found.implied
    half = found.found_half
    assert half is not None
    sv, en = (
        (number(half, lang), number(slope, lang), number(looks, lang)) for lang in ("sv", "en")
    )
    part = per_cent(0.5, "sv"), per_cent(0.8, "sv")
    return Check(
        name,
        abs(estimate) > looks,
        f"Förperiodernas permutationstest hittar en rak trend på {sv[0]} om året i {part[0]} av "
        f"fallen och {sv[1]} i {part[1]}. Fortsätter den senare efter starten ser den ut som en "
        f"effekt på {sv[2]}; skattningen är {number(estimate, 'sv')}.",
        f"The pre-periods' permutation test finds a straight trend of {en[0]} a year in "
        f"{per_cent(0.5, 'en')} of cases and {en[1]} in {per_cent(0.8, 'en')}. Going on after the "
        f"start, the latter looks like an effect of {en[2]}; the estimate is "
        f"{number(estimate, 'en')}.",
        abs(estimate),
        looks,
    )
