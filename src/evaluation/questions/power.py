"""How small an effect could the design find? Answered on the panel's own variation.

Units of the real panel are declared treated from an adoption year on, an effect of known size is
added to their values, and the inference that will be used is asked. The share of such studies
that reject is the power. Nothing is assumed about the errors: their size, their tails, how they
hang together over the years are the panel's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates, tie
from evaluation.estimation.robustness.refits import map_draws
from evaluation.estimation.robustness.simulated_studies import (
    Inference,
    cohort_of,
    draw_mechanism,
    inference_study,
    permutation_study,
)
from evaluation.language import Lang, axis_decimals, level, number, per_cent
from evaluation.results import Check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Power", "power"]

# the default effects reach this many standard deviations of the placebo estimates
REACH, STEP = 8.0, 0.25


@dataclass(frozen=True)
class Power:
    """What a design could find.

    Parameters
    ----------
    effects : tuple of float
        Effects that were added, ascending, in the outcome's unit.
    power : tuple of float
        Share of simulated studies that reject no effect; at effect 0 the size of the test.
    detectable : float or None
        Smallest effect with the target power, interpolated between the effects; None where
        none of them reaches it.
    target : float
        The power asked for.
    noise : float
        Standard deviation of the estimates where no effect was added.
    n_units, n_treated_units : int
        Units of a simulated study, and those among them that are treated.
    cohort_year, n_years_before, n_years_after : int
        First treated year, and the years on either side of it.
    inference, mechanism : str
        How each study tests, and how the treated are drawn.
    n_draws, n_refused : int
        Simulated studies, and tests that gave no p-value (counted as not rejecting).
    alpha, seed : float, int
        Level of the test, seed of the draws.
    outcome, data_hash : str
        The panel.
    notes : tuple of str
        What a reader must know.
    """

    effects: tuple[float, ...]
    power: tuple[float, ...]
    detectable: float | None
    target: float
    noise: float
    n_units: int
    n_treated_units: int
    cohort_year: int
    n_years_before: int
    n_years_after: int
    inference: str
    mechanism: str
    n_draws: int
    n_refused: int
    alpha: float
    seed: int
    outcome: str
    data_hash: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per effect, with the Monte Carlo error of its power."""
        share = np.array(self.power)
        return pd.DataFrame(
            {
                "effect": list(self.effects),
                "power": share,
                "simulation_error": np.sqrt(share * (1 - share) / self.n_draws),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; ``detectable`` is null where no effect is."""
        kept = {k: v for k, v in vars(self).items() if k not in {"effects", "power", "notes"}}
        return kept | {"curve": self.tidy().to_dict("records"), "notes": list(self.notes)}

    def sentence(self, lang: Lang) -> str:
        """Return the answer as one sentence."""
        share, alpha = level(self.target, lang), level(self.alpha, lang)
        of = (number(self.n_treated_units, lang, 0), number(self.n_units, lang, 0))
        after = number(self.n_years_after, lang, 0)
        most = number(self.effects[-1], lang)
        if lang == "sv":
            design = f"Med {of[0]} behandlade av {of[1]} och {after} år efter starten"
            if self.detectable is None:
                return f"{design} hittas ingen effekt upp till {most} med styrkan {share}."
            return (
                f"{design} är den minsta effekt som hittas med styrkan {share} "
                f"{number(self.detectable, lang)} (test på nivån {alpha})."
            )
        design = f"With {of[0]} of {of[1]} units treated and {after} years after adoption"
        if self.detectable is None:
            return f"{design} no effect up to {most} is found with {share} power."
        return (
            f"{design} the smallest effect found with {share} power is "
            f"{number(self.detectable, lang)} (test at {alpha})."
        )

    def check(self, plausible: float) -> Check:
        """Return whether the design could find an effect that is held plausible.

        Parameters
        ----------
        plausible : float
            Size of the effect, above zero, in the outcome's unit.
        """
        found = self.detectable is not None and self.detectable <= plausible
        share = float(np.interp(plausible, self.effects, self.power))
        sv = f"En effekt på {number(plausible, 'sv')} skulle hittas med {per_cent(share, 'sv')}."
        en = f"An effect of {number(plausible, 'en')} would be found in {per_cent(share, 'en')}."
        return Check(
            "power",
            found,
            f"{self.sentence('sv')} {sv}",
            f"{self.sentence('en')} {en}",
            self.detectable,
            plausible,
        )

    def plot(self, ax: Axes | None = None, lang: Lang = "en") -> Axes:
        """Draw power against the effect, with the smallest detectable one.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.
        lang : {"sv", "en"}
            Language of the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FuncFormatter

        if ax is None:
            _, ax = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
        ax.plot(self.effects, self.power, "o-", color="#0072b2", ms=3)
        ax.axhline(self.target, color="0.4", lw=0.8, ls="--")
        ax.axhline(self.alpha, color="0.6", lw=0.8, ls=":")
        if self.detectable is not None:
            ax.plot([self.detectable], [self.target], "D", color="#d55e00")
            ax.annotate(
                number(self.detectable, lang),
                (self.detectable, self.target),
                xytext=(6, -12),
                textcoords="offset points",
            )
        ax.set_ylim(0, 1.02)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: per_cent(v, lang)))
        decimals = axis_decimals(*ax.get_xlim())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))
        ax.set_xlabel("Effekt" if lang == "sv" else "Effect")
        ax.set_ylabel("Styrka" if lang == "sv" else "Power")
        return ax

    def summary(self) -> str:
        """Return the result as text for people."""
        table = self.tidy().to_string(index=False, float_format=lambda v: f"{v:.4f}")
        lines = [
            self.sentence("en"),
            f"  {self.outcome}; adoption {self.cohort_year}, {self.n_years_before} years before it",
            f"  {self.inference}; {self.mechanism}; {self.n_draws} simulated studies",
            table,
            *(f"  note: {n}" for n in self.notes),
        ]
        return "\n".join(lines)


def power(
    panel: Panel,
    *,
    n_treated: int | None = None,
    treated_units: Sequence[str] | None = None,
    cohort_year: int | None = None,
    size: pd.Series | None = None,
    donors: int = 30,
    effects: Sequence[float] | None = None,
    inference: Inference | Literal["permutation"] = "permutation",
    inference_name: str = "",
    n_assignments: int = 9999,
    draws: int = 1000,
    target: float = 0.8,
    seed: int = 1,
    alpha: float = 0.05,
    workers: int = 1,
) -> Power:
    r"""Simulate the design on the panel and find the smallest effect that it detects.

    .. math::
        \text{power}(\delta) = \frac 1R \sum_r 1\{ p_r(\delta) \le \alpha \}

    where study r draws the treated by the mechanism and adds δ to their treated years. With
    permutation nothing is fitted again: assignment π gives :math:`a_\pi + \delta b_\pi`, with
    :math:`a_\pi` from the data and :math:`b_\pi` from how many of the study's treated units π
    holds.

    Parameters
    ----------
    panel : Panel
        Balanced outcome, best from years and units without treatment.
    n_treated : int, optional
        How many units are treated; they are drawn from all.
    treated_units : sequence of str, optional
        Instead: which units are to be treated. Units like them stand in for them, so that their
        own values, which may hold the effect, do not enter.
    cohort_year : int, optional
        First treated year; the middle of the panel by default.
    size : pandas.Series, optional
        Size by unit, to find units like the treated ones; by default units whose variance
        before adoption is nearest.
    donors : int
        Stand-ins per treated unit.
    effects : sequence of float, optional
        Zero or above; by default from 0 to eight times the standard deviation of the placebo
        estimates.
    inference : callable or "permutation"
        Called as ``inference(panel, cohort, effects, rng)``; returns the p-values of no effect
        once each effect is added to the treated, NaN where it refuses.
        :func:`evaluation.estimation.robustness.simulated_studies.refit_inference` makes one
        from an ordinary test. ``"permutation"`` compares the
        cohort aggregate of :func:`evaluation.estimation.few_treated.contrasts.contrasts` under
        the same mechanism that draws the treated.
    inference_name : str
        Name of a callable inference, for the result.
    n_assignments : int
        Assignments that permutation compares with; all, where there are no more.
    draws : int
        Simulated studies.
    target : float
        Power that the smallest detectable effect must have.
    seed : int
        Seed of the draws.
    alpha : float
        Level of the test.
    workers : int
        Processes; the numbers do not depend on it.

    Returns
    -------
    Power
        The curve and the smallest detectable effect.

    Raises
    ------
    InputError
        If the design is at fault: no treated or no untreated unit, an unknown unit, an adoption
        year without years on both sides, effects below zero.

    References
    ----------
    Burlig, F., Preonas, L. & Woerman, M. (2020). Panel data and experimental design. Journal of
    Development Economics 144. Black, B., Hollingsworth, A., Nunes, L. & Simon, K. (2022).
    Simulated power analyses for observational studies. Journal of Public Economics 213.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = pd.DataFrame(rng.normal(size=(40, 6)), columns=range(2000, 2006))
    >>> values.index = values.index.astype(str)
    >>> found = power(Panel("y", values), n_treated=4, cohort_year=2003, draws=200)
    >>> 1.0 < found.detectable < 2.5
    True
    """
    for name, share in (("alpha", alpha), ("target", target)):
        if not 0 < share < 1:
            raise InputError(f"{share} does not lie between 0 and 1", field=name)
    if n_assignments < 1:
        raise InputError(f"{n_assignments}; at least one is needed", field="n_assignments")
    years = panel.years
    year = years[len(years) // 2] if cohort_year is None else cohort_year
    if not years[0] < year <= years[-1]:
        raise InputError(
            f"{year} leaves no year before or after; the data are from {years[0]} to {years[-1]}",
            field="cohort_year",
        )
    mechanism = draw_mechanism(panel, n_treated, treated_units, year, size, donors)
    used = mechanism.panel
    some = mechanism.draw(np.random.default_rng(0))
    c = contrasts(used, cohort_of(used, some, year))
    reference, complete = mechanism.reference(n_assignments, seed)
    placebo = placebo_estimates(c, c.d, reference)
    noise = float(placebo.std())
    if noise <= tie(placebo):
        raise InputError(
            "all units change alike; there is no variation to find an effect in",
            field=panel.outcome,
        )
    grid = _effects(effects, noise)
    notes: list[str] = []
    if inference == "permutation":
        inference_name = f"permutation against {len(reference)} assignments"
        smallest = 1 / (len(reference) + (not complete))
        if smallest > alpha:
            notes.append(
                f"the smallest possible p-value is {smallest:.3f}: no effect can be significant "
                f"at {alpha}"
            )
        test = permutation_study(c, mechanism, reference, placebo, complete, grid)
    else:
        test = inference_study(inference, mechanism, year, grid)
    p = map_draws(test, draws, seed=seed, workers=workers)
    if p.shape != (draws, len(grid)):
        raise InputError(
            f"the inference gave {p.shape[1:]} p-values for {len(grid)} effects", field="inference"
        )
    refused = int(np.isnan(p).sum())
    if refused:
        notes.append(f"{refused} of {p.size} tests gave no p-value and count as not rejecting")
    share = (np.nan_to_num(p, nan=1.0) <= alpha + 1e-12).mean(axis=0)
    n_before = sum(y < year for y in years)
    return Power(
        effects=tuple(float(e) for e in grid),
        power=tuple(float(s) for s in share),
        detectable=_detectable(grid, share, target),
        target=target,
        noise=noise,
        n_units=len(used.units),
        n_treated_units=mechanism.n_treated,
        cohort_year=year,
        n_years_before=n_before,
        n_years_after=len(years) - n_before,
        inference=inference_name or getattr(inference, "__name__", "inference"),
        mechanism=mechanism.words,
        n_draws=draws,
        n_refused=refused,
        alpha=alpha,
        seed=seed,
        outcome=panel.outcome,
        data_hash=panel.hash(),
        notes=tuple(notes),
    )


def _effects(effects: Sequence[float] | None, noise: float) -> np.ndarray:
    if effects is None:
        return np.asarray(noise * np.arange(0.0, REACH + STEP / 2, STEP))
    grid = np.array(sorted(set(effects)), dtype=float)
    if not grid.size or not np.isfinite(grid).all() or grid[0] < 0:
        raise InputError(
            "finite effects of zero or above are needed; the test is two-sided", field="effects"
        )
    return grid


def _detectable(effects: np.ndarray, share: np.ndarray, target: float) -> float | None:
    """Interpolate the smallest effect with the target power."""
    enough = np.flatnonzero(share >= target)
    if not enough.size:
        return None
    k = int(enough[0])
    if k == 0:
        return float(effects[0])
    part = (target - share[k - 1]) / (share[k] - share[k - 1])
    return float(effects[k - 1] + part * (effects[k] - effects[k - 1]))
