"""The answer to the question of retention: only what went through disclosure control."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.data.disclosure import Rules
from evaluation.estimation.survival.curves import Curves, RestrictedMean
from evaluation.estimation.survival.group_tests import GroupTest
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.estimation.survival.released import ReleasedLifeTable
from evaluation.language import Lang, number
from evaluation.questions.retention.described import group_name, staying_sentence
from evaluation.questions.retention.selected import Selection
from evaluation.questions.retention.shown import ShownEffect
from evaluation.results import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Retention"]


@dataclass(frozen=True, repr=False)
class Retention:
    """Who stays in the kommun, for how long, and what activity changes about it.

    Whatever it holds may be published: the curves come from the released life table, tests and
    models rest on groups of which that table shows every number, and nothing names a count
    that it hides.

    Parameters
    ----------
    life : ReleasedLifeTable
        The life table as it leaves.
    curves, incidence : Curves
        Share still there, and share that has left by kind, by group.
    means : RestrictedMean
        Mean months in the kommun within the horizon.
    tests : tuple of GroupTest
        Log-rank, and Gray's for each kind with events; empty for one group.
    models : tuple of HazardModel
        Discrete-time hazard and Cox on the same terms; empty for one group.
    effect : ShownEffect or None
        Difference-in-differences, where a stance file was given.
    finding : Finding
        The effect's answer, with checks and evidence grade; without an effect the shares still
        there, as description.
    horizon : int
        Months.
    source : str
        The file.
    simulated : bool
        Whether the data are simulated.
    notes : tuple of str
        What a reader must know.
    selection : Selection or None
        Bounds of the effect on what is seen only of those who stay, where asked for.
    """

    life: ReleasedLifeTable = field(repr=False)
    curves: Curves
    incidence: Curves
    means: RestrictedMean
    tests: tuple[GroupTest, ...]
    models: tuple[HazardModel, ...]
    effect: ShownEffect | None
    finding: Finding
    horizon: int
    source: str
    simulated: bool
    notes: tuple[str, ...]
    selection: Selection | None = None

    def tidy(self) -> pd.DataFrame:
        """Return the shares still there at the horizon, one row per group that is shown so far."""
        table = self.curves.table
        return table[table["month"] == self.horizon].reset_index(drop=True)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The groups whose share at the horizon is hidden."""
        seen = set(self.tidy()["group"])
        return tuple(g for g in self.curves.groups if g not in seen)

    def group_name(self, group: str, lang: Lang) -> str:
        """Return a group's name in words."""
        return group_name(self.curves.by, group, lang)

    def sentence(self, lang: Lang) -> str:
        """Say in one sentence who is still there at the horizon."""
        return staying_sentence(self.curves, self.horizon, lang)

    def control(self, lang: Lang) -> str:
        """Say what disclosure control did."""
        r, w = self.life.released, self.life.width
        rules: Rules = Rules(**{k: r.parameters[k] for k in ("k", "zeros", "small_group", "width")})
        cells, gone = number(r.n_cells, lang, 0), number(r.n_suppressed, lang, 0)
        if lang == "sv":
            step = "en månad" if w == 1 else f"{w} månader"
            return (
                f"Röjandekontroll: livslängdstabell i steg om {step}; {gone} av {cells} celler är "
                f"dolda (antal 1–{rules.k - 1} och de som annars skulle avslöja dem). Kurvorna är "
                "räknade på det som visas."
            )
        step = "one month" if w == 1 else f"{w} months"
        return (
            f"Disclosure control: life table in steps of {step}; {gone} of {cells} cells are "
            f"hidden (counts of 1–{rules.k - 1} and those that would give them away). The curves "
            "are computed from what is shown."
        )

    def summary(self, lang: Lang = "en") -> str:
        """Return the result as text for people."""
        lines = [self.sentence(lang), self.control(lang)]
        if self.effect is not None:
            lines.append(self.finding.sentence_sv if lang == "sv" else self.finding.sentence_en)
        if self.selection is not None:
            lines.append(self.selection.sentence(lang))
        return "\n".join(lines)

    __str__ = summary

    def __repr__(self) -> str:
        return f"<Retention, {self.horizon} months, {len(self.curves.groups)} groups>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share still there, by month and group.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
        for name, rows in self.curves.table.groupby("group", sort=False):
            month = [0, *rows["month"]]
            line = [1.0, *rows["estimate"]]
            if self.life.width == 1:
                ax.step(month, line, where="post", label=str(name))
            else:
                ax.plot(month, line, marker="o", label=str(name))
        ax.set_ylim(0, 1)
        ax.set_xlabel("months since reception")
        ax.set_ylabel("share still in the kommun")
        if len(self.curves.groups) > 1:
            ax.legend(frameon=False)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        effect = self.effect
        return {
            "source": self.source,
            "simulated": self.simulated,
            "horizon": self.horizon,
            "life_table": self.life.released.to_dict() | {"months_per_step": self.life.width},
            "curves": _records(self.curves.table),
            "incidence": _records(self.incidence.table),
            "restricted_mean": _records(self.means.table),
            "restricted_mean_differences": _records(self.means.differences),
            "tests": [r for t in self.tests for r in _records(t.tidy())],
            "models": [
                {
                    "method": m.method,
                    "inference": m.inference,
                    "small_sample": m.small_sample,
                    "coefficients": _records(m.tidy()),
                    "n_events": m.n_events,
                    "n_clusters": m.n_clusters,
                    "notes": list(m.notes),
                }
                for m in self.models
            ],
            "effect": None
            if effect is None
            else {
                "share": effect.share.to_dict(),
                "rule": effect.rule,
                "permutation": effect.permutation.to_dict(),
                "hazard": effect.hazard.to_dict(),
                "hazard_clustered": effect.hazard_clustered.to_dict(),
                "notes": list(effect.notes),
            },
            "selection": None if self.selection is None else self.selection.to_dict(),
            "finding": self.finding.to_dict(),
            "inference": self.curves.inference,
            "alpha": self.curves.alpha,
            "data_hash": self.curves.data_hash,
            "notes": list(self.notes),
            "control_sv": self.control("sv"),
            "control_en": self.control("en"),
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
        }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): (v.item() if hasattr(v, "item") else v) for k, v in row.items()}
        for row in table.to_dict("records")
    ]
