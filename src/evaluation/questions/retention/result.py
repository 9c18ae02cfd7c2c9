"""The question of retention put to life tables, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.estimation.survival.cox import cox
from evaluation.estimation.survival.curves import (
    Curves,
    RestrictedMean,
    cumulative_incidence,
    kaplan_meier,
    restricted_mean,
)
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.group_tests import GroupTest, gray, logrank
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.language import Lang, interval, level, listed, number, p_value, per_cent
from evaluation.questions.grading import grade
from evaluation.questions.retention.effect import RetentionEffect, retention_effect
from evaluation.questions.retention.reading import RetentionInput
from evaluation.results import Check, Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Retention", "retention"]


@dataclass(frozen=True, repr=False)
class Retention:
    """Who stays in the kommun, for how long, and what activity changes about it.

    Parameters
    ----------
    curves, incidence : Curves
        Share still there, and share that has left by kind, by group.
    means : RestrictedMean
        Mean months in the kommun within the horizon.
    tests : tuple of GroupTest
        Log-rank, and Gray's for each kind with events; empty for one group.
    models : tuple of HazardModel
        Discrete-time hazard and Cox on the same terms; empty for one group.
    effect : RetentionEffect or None
        Difference-in-differences, where a stance file was given.
    finding : Finding or None
        Its answer, with checks and evidence grade.
    horizon : int
        Months.
    source : str
        The file.
    simulated : bool
        Whether the data are simulated.
    notes : tuple of str
        What a reader must know.
    """

    curves: Curves
    incidence: Curves
    means: RestrictedMean
    tests: tuple[GroupTest, ...]
    models: tuple[HazardModel, ...]
    effect: RetentionEffect | None
    finding: Finding | None
    horizon: int
    source: str
    simulated: bool
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return the shares still there at the horizon, one row per group."""
        return self.curves.at(self.horizon)

    def group_name(self, group: str, lang: Lang) -> str:
        """Return a group's name in words."""
        words = {
            (): {"all": ("samtliga", "everybody")},
            ("exposed",): {
                "0": ("övriga", "the others"),
                "1": ("mottagna av en aktiv kommun", "received by an active kommun"),
            },
            ("sex",): {"K": ("kvinnor", "women"), "M": ("män", "men")},
            ("stance",): {
                "active": ("aktiva kommuner", "active municipalities"),
                "not known to be active": ("ej kända som aktiva", "not known to be active"),
            },
        }
        return words.get(self.curves.by, {}).get(group, (group, group))[lang == "en"]

    def sentence(self, lang: Lang) -> str:
        """Say in one sentence who is still there at the horizon."""
        parts = [
            f"{self.group_name(str(r['group']), lang)} "
            f"{per_cent(r['estimate'], lang, 1)} "
            f"({number(100 * r['conf_low'], lang, 1)}–{number(100 * r['conf_high'], lang, 1)})"
            for _, r in self.tidy().iterrows()
        ]
        if lang == "sv":
            return f"Kvar i kommunen efter {self.horizon} månader: {listed(parts, 'sv')}."
        return f"Still in the kommun after {self.horizon} months: {listed(parts, 'en')}."

    def summary(self, lang: Lang = "en") -> str:
        """Return the result as text for people."""
        lines = [self.sentence(lang)]
        if self.finding is not None:
            lines.append(self.finding.sentence_sv if lang == "sv" else self.finding.sentence_en)
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
            ax.step(month, [1.0, *rows["estimate"]], where="post", label=str(name))
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
                    "n_obs": m.n_obs,
                    "n_events": m.n_events,
                    "n_clusters": m.n_clusters,
                    "notes": list(m.notes),
                }
                for m in self.models
            ],
            "effect": None
            if effect is None
            else {
                "share": effect.share.result.to_dict(),
                "rule": effect.share.rule,
                "permutation": effect.permutation.to_dict(),
                "hazard": effect.hazard.result.to_dict(),
                "notes": list(effect.notes),
            },
            "finding": None if self.finding is None else self.finding.to_dict(),
            "inference": self.curves.inference,
            "alpha": self.curves.alpha,
            "data_hash": self.curves.data_hash,
            "notes": list(self.notes),
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
        }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): (v.item() if hasattr(v, "item") else v) for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def _checks(effect: RetentionEffect) -> tuple[Check, ...]:
    r = effect.share.result
    treated, others = r.n_treated_units, r.n_units - r.n_treated_units
    few = Check(
        "few_treated",
        min(treated, others) >= ENOUGH_UNITS,
        f"{treated} aktiva kommuner mot {others} som inte är kända som aktiva.",
        f"{treated} active municipalities against {others} not known to be active.",
        float(min(treated, others)),
        float(ENOUGH_UNITS),
    )
    out = len(effect.panel.dropped)
    of = out + len(effect.panel.units)
    cells = Check(
        "cohorts_complete",
        out == 0,
        f"{out} av {of} kommuner saknar mottagna något år och ingår inte i jämförelsen av andelar.",
        f"{out} of {of} municipalities received nobody in some year and are not in the "
        "comparison of shares.",
        float(out),
        0.0,
    )
    hazard = effect.hazard.result
    # more staying is a positive share and a negative log hazard ratio
    agree = r.estimate * hazard.estimate <= 0
    ratio = effect.hazard.hazard_ratio[0]
    scales = Check(
        "scales_agree",
        agree,
        f"Andelen ändras med {number(r.estimate, 'sv', 1, sign=True)} procentenheter och "
        f"flyttningstakten med faktorn {number(ratio, 'sv')}: "
        f"{'samma' if agree else 'olika'} riktning.",
        f"The share changes by {number(r.estimate, 'en', 1, sign=True)} percentage points and the "
        f"rate of leaving by a factor of {number(ratio, 'en')}: "
        f"{'the same' if agree else 'different'} direction.",
        ratio,
        1.0,
    )
    return (few, cells, scales, *effect.share.checks)


def _finding(effect: RetentionEffect) -> Finding:
    r, h = effect.share.result, effect.hazard
    ratio, low, high = h.hazard_ratio
    p_perm = effect.permutation.p_value or 0.0
    p_haz = h.result.p_value or 0.0

    def said(lang: Lang) -> tuple[str, str, str, str, str]:
        return (
            number(r.estimate, lang, 1, sign=True),
            level(1 - r.alpha, lang),
            interval(*r.conf_int, lang, 1),
            p_value(p_perm, lang),
            f"{number(ratio, lang)} ({interval(low, high, lang)}; {p_value(p_haz, lang)})",
        )

    a, b, c, d, e = said("sv")
    sv = (
        f"Jämfört med kommuner som inte är kända som aktiva ändrades andelen kvar efter "
        f"{effect.horizon} månader med {a} procentenheter ({b} intervall {c}; permutation {d}) "
        f"i de {r.n_treated_units} aktiva; takten att flytta ändrades med faktorn {e}."
    )
    a, b, c, d, e = said("en")
    en = (
        f"Compared with municipalities not known to be active, the share still there after "
        f"{effect.horizon} months changed by {a} percentage points ({b} interval {c}; permutation "
        f"{d}) in the {r.n_treated_units} active ones; the rate of leaving changed by a factor of "
        f"{e}."
    )
    checks = _checks(effect)
    which, because_sv, because_en = grade(checks, by_rule=True)
    estimates = {
        "retention_pp": r,
        "retention_pp_permutation": effect.permutation,
        "log_hazard_ratio": h.result,
    }
    return Finding("retention", estimates, checks, sv, en, which, because_sv, because_en)


def retention(
    data: RetentionInput,
    *,
    by: Sequence[str] = (),
    horizon: int = 36,
    draws: int = 999,
    seed: int = 1,
    alpha: float = 0.05,
) -> Retention:
    """Answer the question of retention.

    Parameters
    ----------
    data : RetentionInput
        Life table, and who is active.
    by : sequence of str
        Keys whose groups are compared, for example ``sex``, ``exposed``, ``stance``.
    horizon : int
        Months.
    draws, seed : int
        Of the permutations.
    alpha : float
        One minus the level.

    Returns
    -------
    Retention
        Curves, tests and models by group, and the effect where it is known who is active.

    Raises
    ------
    InputError
        If a key is not there or has one group only, nobody was followed to the horizon, or as for
        what is called.
    """
    table = data.table
    table.need(*by)
    if not 1 <= horizon <= table.months:
        raise InputError(f"{horizon} months; the data have 1 to {table.months}", field="horizon")
    seen = table.collapse(tuple(by), until=horizon)
    curves = kaplan_meier(seen, by, alpha=alpha)
    incidence = cumulative_incidence(seen, by, alpha=alpha)
    means = restricted_mean(seen, horizon, by, alpha=alpha)
    tests: list[GroupTest] = []
    models: list[HazardModel] = []
    if by:
        tests.append(logrank(seen, by))
        totals = seen.counts().events.sum(axis=(0, 1))
        tests += [gray(seen, by, k) for k, n in zip(seen.kinds, totals, strict=True) if n > 0]
        if "municipality" in table.keys and "municipality" not in by:
            within = [k for k in ("cohort",) if k in table.keys and k not in by]
            models.append(
                discrete_hazard(table, list(by), effects=within, until=horizon, alpha=alpha)
            )
            models.append(cox(table, list(by), strata=within, until=horizon, alpha=alpha))
    first = data.first_year
    effect = None
    if first is not None:
        effect = retention_effect(
            table,
            first,
            horizon=horizon,
            anticipation=data.anticipation,
            draws=draws,
            seed=seed,
            alpha=alpha,
        )
    notes = (
        *data.notes,
        *curves.notes,
        *(effect.notes if effect is not None else ()),
        "curves and group tests take persons as independent; the models' errors are clustered by "
        "municipality",
    )
    return Retention(
        curves=curves,
        incidence=incidence,
        means=means,
        tests=tuple(tests),
        models=tuple(models),
        effect=effect,
        finding=None if effect is None else _finding(effect),
        horizon=horizon,
        source=data.source,
        simulated=data.simulated,
        notes=notes,
    )
