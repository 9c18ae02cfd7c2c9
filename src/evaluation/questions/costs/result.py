"""The answer of the cost model: accounts, path, sensitivity, decision, checks and a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evaluation.language import Lang
from evaluation.questions.costs.effects import UncertainEffect
from evaluation.questions.costs.panel import PanelCost
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.sensitivity import BreakEven, TornadoBar
from evaluation.results import Check, Estimate, Finding

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["MOST_POINTS", "CostResult", "Plot"]

Plot = Literal["path", "tornado", "plane", "acceptability"]
MOST_POINTS = 1000
"""Draws that the cost-effectiveness plane shows; more only make it darker."""


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain types; what is not finite is None."""
    plain = []
    for row in table.to_dict("records"):
        out: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, float):
                out[str(key)] = value if math.isfinite(value) else None
            else:
                out[str(key)] = value.item() if hasattr(value, "item") else value
        plain.append(out)
    return plain


@dataclass(frozen=True, repr=False)
class CostResult:
    """What a parameter file comes to.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    effect, on_staying : UncertainEffect
        The effects; the second may be None.
    n_draws, seed : int
        The draws.
    alpha : float
        One minus the level of every interval.
    data_hash : str
        SHA-256 of the validated parameters and effects.
    path : pandas.DataFrame
        One row per year: adults, households and kronor, without and with, not discounted.
    accounts : pandas.DataFrame
        One row per account and line, the account's net last.
    finding : Finding
        Headline estimates, checks, sentence and grade.
    tornado : tuple of TornadoBar
        One quantity at a time, the longest first.
    break_even : BreakEven
        The effect and the cost at which the municipality comes out even.
    quadrants : mapping of str to float
        Shares of the draws on the cost-effectiveness plane.
    acceptability : pandas.DataFrame
        By willingness to pay: probability, mean net benefit, value of perfect information.
    information : mapping of str to float
        Value of perfect information about each uncertain quantity, at
        ``analysis.willingness_to_pay``; the key ``everything`` is the EVPI.
    probability : mapping of str to float
        Share of the draws in which each account gains.
    mean : mapping of str to float
        Mean over the draws of each account's net.
    left_out : tuple of str
        Lines that the file has no parameters for.
    gained, cost : numpy.ndarray
        More people in work or studies, and the municipality's net cost, discounted, by draw.
    panel : tuple of PanelCost
        The effects on the municipal accounts that a plan estimates itself; empty elsewhere.
    """

    plan: CostPlan
    effect: UncertainEffect
    on_staying: UncertainEffect | None
    n_draws: int
    seed: int
    alpha: float
    data_hash: str
    path: pd.DataFrame
    accounts: pd.DataFrame
    finding: Finding
    tornado: tuple[TornadoBar, ...]
    break_even: BreakEven
    quadrants: Mapping[str, float]
    acceptability: pd.DataFrame
    information: Mapping[str, float]
    probability: Mapping[str, float]
    mean: Mapping[str, float]
    left_out: tuple[str, ...]
    gained: np.ndarray = field(compare=False)
    cost: np.ndarray = field(compare=False)
    panel: tuple[PanelCost, ...] = ()

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """The headline numbers by name."""
        return self.finding.estimates

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was asked of the analysis."""
        return tuple(self.finding.checks)

    def check(self, name: str) -> Check:
        """Return one check by its name.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        return {c.name: c for c in self.checks}[name]

    def tidy(self) -> pd.DataFrame:
        """Return the accounts: one row per account and line, kronor."""
        return self.accounts.copy()

    def summary(self, lang: Lang = "en") -> str:
        """Return the result as text for people."""
        from evaluation.questions.costs.words import summary

        return summary(self, lang)

    def plot(self, kind: Plot = "path", ax: Axes | None = None, lang: Lang = "en") -> Axes:
        """Draw one of the figures.

        Parameters
        ----------
        kind : {"path", "tornado", "plane", "acceptability"}
            Which.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.
        lang : {"sv", "en"}
            Language of the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        from evaluation.questions.costs.plots import PLOTS, Drawn

        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
        PLOTS[kind](Drawn.read(self.to_dict(points=True)), ax, lang)
        return ax

    def parameters(self) -> list[dict[str, Any]]:
        """Return every parameter with value, unit, year, source, status and distribution."""
        rows = []
        for name, p in self.plan.parameters.items():
            symbol = self.plan.symbol(name)
            d = p.distribution.model_dump(exclude_none=True)
            value = (
                {str(k): v for k, v in p.value.items()} if isinstance(p.value, dict) else p.value
            )
            rows.append(
                {
                    "name": name,
                    "letter": symbol.letter,
                    "label_sv": symbol.sv,
                    "label_en": symbol.en,
                    "value": value,
                    "unit": p.unit,
                    "year": p.year,
                    "status": p.status,
                    "source_sv": p.said("sv"),
                    "source_en": p.said("en"),
                    "distribution": d,
                }
            )
        return rows

    def to_dict(self, *, points: bool = False) -> dict[str, Any]:
        """Return plain types for JSON: every number of the result but the draws themselves.

        Parameters
        ----------
        points : bool
            Whether the first draws are added, as many as the cost-effectiveness plane shows.
        """
        plan = self.plan
        b = self.break_even
        first = slice(0, MOST_POINTS)
        drawn = {"gained": self.gained[first].tolist(), "cost": self.cost[first].tolist()}
        panel = {"panel": [c.to_dict() for c in self.panel]} if self.panel else {}
        return (
            ({"points": drawn} if points else {})
            | panel
            | {
                "schema": 1,
                "name": plan.name,
                "title": plan.title.model_dump(),
                "years": list(plan.years),
                "price_year": plan.prices.year,
                "prices": plan.prices.model_dump(mode="json"),
                "draws": self.n_draws,
                "seed": self.seed,
                "alpha": self.alpha,
                "data_hash": self.data_hash,
                "effect": self.effect.to_dict(),
                "effect_on_staying": None if self.on_staying is None else self.on_staying.to_dict(),
                "first_cohort": plan.effect.first_cohort,
                "last_cohort": plan.effect.last_cohort,
                "parameters": self.parameters(),
                "correlations": [
                    {"between": list(c.between), "value": c.value}
                    for c in plan.analysis.correlations
                ],
                "path": _records(self.path),
                "accounts": _records(self.accounts),
                "probability_of_gain": dict(self.probability),
                "mean": dict(self.mean),
                "tornado": [vars(bar) | {"span": bar.span} for bar in self.tornado],
                "break_even": {
                    "effect": b.effect,
                    "effect_range": list(b.effect_range),
                    "net_at_range": list(b.net_at_range),
                    "cost_per_person": b.cost_per_person,
                    "cost_now": b.cost_now,
                    "effect_bounds": list(b.effect_bounds),
                    "cost_bounds": None if b.cost_bounds is None else list(b.cost_bounds),
                    "alpha": b.alpha,
                },
                "plane": dict(self.quadrants),
                "acceptability": _records(self.acceptability),
                "willingness_to_pay": plan.analysis.willingness_to_pay,
                "value_of_information": dict(self.information),
                "left_out": list(self.left_out),
                "finding": self.finding.to_dict(),
            }
        )

    def __repr__(self) -> str:
        return f"<CostResult {self.plan.name}, {self.n_draws} draws>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        shown = self.accounts.drop(columns=["kind"])
        return shown.to_html(index=False, float_format=lambda v: f"{v:.0f}", border=0)
