"""What the regression on components found, and the warning that goes with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.components import Bundle, Overlap
from evaluation.estimation.regression.shrinkage import Shrunk
from evaluation.language import Lang, interval, level, listed, number, p_value
from evaluation.results import Check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ComponentStudy", "Prior"]

Array = npt.NDArray[np.float64]
METHOD = "ridge regression of the change on components, conjugate normal prior"
INFERENCE = "posterior t with n − 1 degrees of freedom, given the prior"


@dataclass(frozen=True)
class Prior:
    """The posterior under another prior.

    Parameters
    ----------
    sd : float
        Prior standard deviation of an effect, in standard deviations of the noise.
    table : pandas.DataFrame
        Index of bundles; columns ``estimate``, ``low``, ``high``.
    """

    sd: float
    table: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, repr=False)
class ComponentStudy:
    """The change of an outcome by the components that municipalities have.

    Parameters
    ----------
    outcome : str
        Which outcome.
    unit_sv, unit_en : str
        What a change is counted in.
    first, last : int
        Years between which the change is taken.
    overlap : Overlap
        The matrix, its bundles, and how far they vary apart.
    change : pandas.Series
        Change by municipality, less that of municipalities of its size without components.
    prior : float
        Prior standard deviation of an effect, in standard deviations of the noise.
    posterior : Shrunk
        By bundle.
    chosen_penalty : float
        The ridge penalty with the smallest leave-one-out error; infinite where no component
        predicts better than the mean.
    ridge : numpy.ndarray
        Coefficients at that penalty, by bundle. No interval: the penalty is chosen on the data.
    without : tuple of numpy.ndarray
        Lowest and highest posterior mean over the fits without one municipality; 0, the prior's
        mean, where the one left out was alone with the bundle.
    priors : tuple of Prior
        The same under other priors.
    effective : float
        Parameters that the shrunk fit spends beside the intercept.
    explained : float
        One minus squared errors of predicting each municipality from the others, by those of
        their mean; below 0 where components predict worse than nothing.
    p_value : float
        How often shuffled outcomes are explained as well.
    donors, draws, seed : int
        Municipalities of similar size; draws and seed of the permutation.
    alpha : float
        One minus the level of the intervals.
    data_hash : str
        SHA-256 of the panel.
    """

    outcome: str
    unit_sv: str
    unit_en: str
    first: int
    last: int
    overlap: Overlap
    change: pd.Series = field(repr=False)
    prior: float
    posterior: Shrunk
    chosen_penalty: float
    ridge: Array = field(repr=False)
    without: tuple[Array, Array] = field(repr=False)
    priors: tuple[Prior, ...] = field(repr=False)
    effective: float
    explained: float
    p_value: float
    donors: int
    alpha: float
    draws: int
    seed: int
    data_hash: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per bundle of components, those that most municipalities have first.

        Returns
        -------
        pandas.DataFrame
            ``term``, ``components``, ``n_municipalities``, ``estimate`` and ``std_error``
            (posterior mean and standard deviation), ``conf_low``, ``conf_high`` (credible),
            ``ridge``, ``without_low``, ``without_high``, ``learnt``.
        """
        low, high = self.posterior.interval(self.alpha)
        wider = math.sqrt(self.posterior.df / (self.posterior.df - 2)) if (
            self.posterior.df > 2
        ) else math.inf  # fmt: skip
        return pd.DataFrame(
            {
                "term": [b.name for b in self.overlap.bundles],
                "components": ["; ".join(b.components) for b in self.overlap.bundles],
                "n_municipalities": [len(b.codes) for b in self.overlap.bundles],
                "estimate": self.posterior.coefficients,
                "std_error": self.posterior.scale * wider,
                "conf_low": low,
                "conf_high": high,
                "ridge": self.ridge,
                "without_low": self.without[0],
                "without_high": self.without[1],
                "learnt": self.posterior.learnt,
            }
        )

    @property
    def clear(self) -> tuple[Bundle, ...]:
        """Bundles whose interval leaves 0 out under every prior, and that several have."""
        kept = []
        for b in self.overlap.bundles:
            rows = [p.table.loc[b.name] for p in self.priors]
            one_side = all(r["low"] > 0 for r in rows) or all(r["high"] < 0 for r in rows)
            if len(b.codes) > 1 and one_side:
                kept.append(b)
        return tuple(kept)

    def check(self) -> tuple[Check, ...]:
        """Return what stands against reading a single coefficient.

        Returns
        -------
        tuple of Check
            ``components_apart``: every component varies apart from every other;
            ``components_together``: all of them explain more than shuffled outcomes do;
            ``component_priors``: some bundle has the same sign under every prior.
        """
        o = self.overlap
        sv, en = self._carry("sv"), self._carry("en")
        together = self.p_value <= self.alpha
        sds = f"{number(self.priors[0].sd, 'sv')}–{number(self.priors[-1].sd, 'sv')}"
        sds_en = f"{number(self.priors[0].sd, 'en')}–{number(self.priors[-1].sd, 'en')}"
        clear = [b.name for b in self.clear]
        some_sv = listed(clear, "sv") or "ingen bunt"
        some_en = listed(clear, "en") or "no bundle"
        says = ("förklarar", "explain") if together else ("förklarar inte", "do not explain")
        return (
            Check("components_apart", o.never_apart == 0, sv, en, float(o.never_apart), 0.0),
            Check(
                "components_together",
                together,
                f"Komponenterna tillsammans {says[0]} mer än slumpen: förklarad andel för en "
                f"utelämnad kommun {number(self.explained, 'sv')}, "
                f"{p_value(self.p_value, 'sv')} bland {self.draws} omkastningar.",
                f"Together the components {says[1]} more than chance: explained share of a "
                f"municipality left out {number(self.explained, 'en')}, "
                f"{p_value(self.p_value, 'en')} among {self.draws} shufflings.",
                self.p_value,
                self.alpha,
            ),
            Check(
                "component_priors",
                bool(clear),
                f"Med priorns standardavvikelse {sds} av brusets har {some_sv} ett intervall utan "
                "noll varje gång, bland dem som flera kommuner har.",
                f"With the prior's standard deviation {sds_en} of the noise's, {some_en} has an "
                "interval without zero every time, among those that several municipalities have.",
                float(len(clear)),
                1.0,
            ),
        )

    def _carry(self, lang: Lang) -> str:
        o = self.overlap
        k, m, apart, bundles, one = (
            number(n, lang, 0)
            for n in (
                len(o.matrix),
                o.matrix.shape[1],
                o.never_apart,
                len(o.bundles),
                o.in_one,
            )
        )
        several = sum(len(b.codes) > 1 for b in o.bundles)
        if lang == "sv":
            return (
                f"{k} kommuner bär {m} komponenter. {apart} av dem varierar aldrig skilda från "
                f"någon annan: inga data kan skilja dem åt. Kvar är {bundles} buntar, varav "
                f"{several} finns i mer än en kommun; {one} komponenter finns i en enda, och där "
                f"går de inte att skilja från kommunen. {self._rank(lang)}"
            )
        return (
            f"{k} municipalities carry {m} components. {apart} of them never vary apart from some "
            f"other: no data can tell them apart. That leaves {bundles} bundles, {several} of them "
            f"in more than one municipality; {one} components are in a single one, where they "
            f"cannot be told from the municipality. {self._rank(lang)}"
        )

    def _rank(self, lang: Lang) -> str:
        """Say how many contrasts carry the bundles, and how badly."""
        o = self.overlap
        cells, rank = number(o.cells, lang, 0), number(o.rank, lang, 0)
        full = math.isfinite(o.condition)
        if lang == "sv":
            end = (
                f"konditionstalet är {number(o.condition, lang, 1)}"
                if full
                else "buntarna går inte ens att skilja åt alla på en gång utan priorn"
            )
            return f"Kommunerna är {cells} olika kombinationer, {rank} kontraster: {end}."
        end = (
            f"the condition number is {number(o.condition, lang, 1)}"
            if full
            else "without the prior not even the bundles can all be told apart at once"
        )
        return f"The municipalities are {cells} different combinations, {rank} contrasts: {end}."

    def sentence(self, lang: Lang) -> str:
        """Return the answer to «which part matters», warning first, made from the numbers."""
        table = self.tidy()
        shared = table[table["n_municipalities"] > 1]
        told = self.check()[1]
        text = f"{self._carry(lang)} {told.text_sv if lang == 'sv' else told.text_en}"
        if shared.empty:
            return text
        top = shared.iloc[int(shared["estimate"].abs().to_numpy().argmax())]
        n = int(top["n_municipalities"])
        value = number(float(top["estimate"]), lang, sign=True)
        range_ = interval(float(top["conf_low"]), float(top["conf_high"]), lang)
        at = level(1 - self.alpha, lang)
        if lang == "sv":
            return (
                f"{text} Störst är {top['term']} ({n} kommuner): {value} {self.unit_sv} "
                f"({at} trovärdighetsintervall {range_}), {self.first}–{self.last}."
            )
        return (
            f"{text} Largest is {top['term']} ({n} municipalities): {value} {self.unit_en} "
            f"({at} credible interval {range_}), {self.first}–{self.last}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        o = self.overlap
        penalty = self.chosen_penalty
        return {
            "outcome": self.outcome,
            "first": self.first,
            "last": self.last,
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
            "n_municipalities": len(o.matrix),
            "n_components": o.matrix.shape[1],
            "n_bundles": len(o.bundles),
            "never_apart": o.never_apart,
            "in_one": o.in_one,
            "cells": o.cells,
            "rank": o.rank,
            "condition": o.condition if math.isfinite(o.condition) else None,
            "effective_parameters": self.effective,
            "method": METHOD,
            "inference": INFERENCE,
            "prior": self.prior,
            "penalty": self.posterior.penalty,
            "chosen_penalty": penalty if math.isfinite(penalty) else None,
            "noise": self.posterior.noise,
            "df": self.posterior.df,
            "explained": self.explained,
            "p_value": self.p_value,
            "rows": self.tidy().to_dict("records"),
            "bundles": [
                {"name": b.name, "components": list(b.components), "codes": list(b.codes)}
                for b in o.bundles
            ],
            "pairs": [
                {"first": a, "second": b, "together": int(o.together.loc[a, b]),
                 "jaccard": float(o.jaccard.loc[a, b])}
                for i, a in enumerate(o.together.index)
                for b in o.together.index[i + 1 :]
                if o.together.loc[a, b] > 0
            ],
            "priors": [
                {"sd": p.sd, "rows": p.table.reset_index().to_dict("records")} for p in self.priors
            ],
            "change": {str(c): float(v) for c, v in self.change.items()},
            "checks": [c.to_dict() for c in self.check()],
            "donors": self.donors,
            "alpha": self.alpha,
            "draws": self.draws,
            "seed": self.seed,
            "data_hash": self.data_hash,
        }  # fmt: skip

    def plot(self, ax: Axes | None = None, lang: Lang = "en") -> Axes:
        """Draw the bundles that several municipalities have, with credible intervals.

        Grey is the prior's interval: where a point's line is as long, nothing was learnt.
        """
        import matplotlib.pyplot as plt
        from scipy import stats

        table = self.tidy()
        shown = table[table["n_municipalities"] > 1].iloc[::-1].reset_index(drop=True)
        if ax is None:
            _, ax = plt.subplots(figsize=(7, 0.32 * len(shown) + 1.2))
        t = float(stats.t.ppf(1 - self.alpha / 2, self.posterior.df))
        half = t * self.posterior.noise * self.prior
        ax.axvspan(-half, half, color="#e8e8e8", lw=0)
        ax.axvline(0, color="#666666", lw=0.8)
        ax.hlines(shown.index, shown["conf_low"], shown["conf_high"], color="#1b4965", lw=1.5)
        ax.plot(shown["estimate"], shown.index, "o", color="#1b4965", ms=4)
        ax.set_yticks(shown.index)
        ax.set_yticklabels(
            [
                f"{r['term']} ({r['n_municipalities']})".replace("_", " ")
                for _, r in shown.iterrows()
            ]
        )
        ax.set_xlabel(self.unit_sv if lang == "sv" else self.unit_en)
        words = ("grått: vad priorn ensam ger", "grey: what the prior alone gives")
        ax.set_title(
            f"{self.outcome}, {self.first}–{self.last} ({words[lang == 'en']})", fontsize=9
        )
        return ax

    def __repr__(self) -> str:
        return f"<ComponentStudy, {self.outcome}, {len(self.overlap.bundles)} bundles>"

    def _repr_html_(self) -> str:
        table = self.tidy().drop(columns="components")
        html: str = table.to_html(
            index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0
        )
        return f"<p>{self.sentence('en')}</p>{html}"
