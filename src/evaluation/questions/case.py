"""One municipality on its own: synthetic control, the rise and the fall both told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.indicators import Indicator
from evaluation.data.panel import Panel
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.estimation.synthetic_control import SyntheticControl, synthetic_control
from evaluation.language import number, p_value
from evaluation.questions.checks import ENOUGH_PRE_YEARS
from evaluation.questions.grading import REASONS
from evaluation.results import Check, Finding

__all__ = ["CaseAnalysis", "analyse_case"]


@dataclass(frozen=True)
class CaseAnalysis:
    """A municipality against its synthetic twin."""

    unit: TreatedUnit
    indicator: Indicator
    control: SyntheticControl
    peak_year: int
    own_peak: tuple[int, float, float]
    predictors: tuple[str, ...]
    finding: Finding

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        year, rise, fall = self.own_peak
        return {
            "code": self.unit.code,
            "name": self.unit.name,
            "indicator": self.indicator.id,
            "peak_year": self.peak_year,
            "largest_gap": {"year": year, "p_rise": rise, "p_fall": fall},
            "predictors": list(self.predictors),
            "synthetic_control": self.control.to_dict(),
            "finding": self.finding.to_dict(),
        }


def _checks(n_pre: int, own_peak: tuple[int, float, float], alpha: float) -> list[Check]:
    _, rise, fall = own_peak
    return [
        Check(
            "pre_period",
            n_pre >= ENOUGH_PRE_YEARS,
            f"{n_pre} år före starten: passformen före säger nästan inget om jämförelsen.",
            f"{n_pre} years before the start: the fit before says next to nothing about the "
            "comparison.",
            float(n_pre),
            float(ENOUGH_PRE_YEARS),
        ),
        Check(
            "own_peak",
            rise <= alpha and fall <= alpha,
            "Toppåret är avläst i efterhand. Med varje placebokommun mätt vid sin egen topp: "
            f"uppgången {p_value(rise, 'sv')}, nedgången {p_value(fall, 'sv')} (ensidigt).",
            "The peak year was read off afterwards. With every placebo municipality measured at "
            f"its own peak: the rise {p_value(rise, 'en')}, the fall {p_value(fall, 'en')} "
            "(one-sided).",
            max(rise, fall),
            alpha,
        ),
    ]


def analyse_case(
    unit: TreatedUnit,
    indicator: Indicator,
    panels: Mapping[str, Panel],
    design: Design,
    alpha: float,
) -> CaseAnalysis:
    """Compare one treated municipality with its synthetic twin.

    Parameters
    ----------
    unit : TreatedUnit
        The municipality.
    indicator : Indicator
        The outcome.
    panels : mapping of str to Panel
        All outcomes at hand; the others serve as predictors by their mean before the start.
    design : Design
        Its comparison group gives the donors and the placebos.
    alpha : float
        One minus the level.

    Returns
    -------
    CaseAnalysis
        Estimates ``rise`` (gap in the municipality's own peak year), ``change`` (from the
        peak to the last year) and ``last`` (gap in the last year).

    Raises
    ------
    InputError
        If fewer than two years lie before the start.
    """
    panel = panels[indicator.id]
    codes = [unit.code, *design.controls]
    size = embedded.municipalities()["population_2017"]
    predictors = pd.DataFrame({"log population 2017": np.log(size[codes].astype(float))})
    for name, other in panels.items():
        years = [y for y in other.years if y < unit.first_year]
        if name != indicator.id and years and set(codes) <= set(other.units):
            label = f"{name}, {years[0]}–{years[-1]}" if len(years) > 1 else f"{name}, {years[0]}"
            predictors[label] = other.values.loc[codes, years].mean(axis=1)
    control = synthetic_control(
        panel, unit.code, unit.first_year, list(design.controls), predictors
    )
    after = [y for y in panel.years if y >= unit.first_year]
    path = dict(zip(panel.years, control.actual, strict=True))
    peak = max(after, key=lambda y: path[y])
    last = panel.years[-1]
    estimates = {
        "rise": control.contrast({peak: 1.0}, "gap", f"gap in {peak}", alpha),
        "change": control.contrast(
            {last: 1.0, peak: -1.0} if last != peak else {},
            "change of gap",
            f"change of the gap {peak}–{last}",
            alpha,
        ),
        "last": control.contrast({last: 1.0}, "gap", f"gap in {last}", alpha),
    }
    own_peak = control.own_peak_p()
    n_pre = len(panel.years) - len(after)
    asked = _checks(n_pre, own_peak, alpha)
    first = panel.years[0]
    rise, change, end = estimates["rise"], estimates["change"], estimates["last"]

    def p(e: Any, lang: Any) -> str:
        return p_value(e.p_value, lang)

    sv = (
        f"I {unit.name} steg {indicator.definite_sv} från {number(path[first], 'sv')} ({first}) "
        f"till {number(path[peak], 'sv')} ({peak}) och gick sedan till {number(path[last], 'sv')} "
        f"({last}). Mot den syntetiska kommunen är gapet {number(rise.estimate, 'sv', sign=True)} "
        f"{indicator.change_sv} {peak} ({p(rise, 'sv')}); därefter ändras det med "
        f"{number(change.estimate, 'sv', sign=True)} ({p(change, 'sv')}) till "
        f"{number(end.estimate, 'sv', sign=True)} {last} ({p(end, 'sv')})."
    )
    en = (
        f"In {unit.name} the {indicator.label_en} rose from {number(path[first], 'en')} ({first}) "
        f"to {number(path[peak], 'en')} ({peak}) and then went to {number(path[last], 'en')} "
        f"({last}). Against the synthetic municipality the gap is "
        f"{number(rise.estimate, 'en', sign=True)} {indicator.change_en} in {peak} "
        f"({p(rise, 'en')}); after that it changes by {number(change.estimate, 'en', sign=True)} "
        f"({p(change, 'en')}) to {number(end.estimate, 'en', sign=True)} in {last} "
        f"({p(end, 'en')})."
    )
    short = REASONS["pre_period"]
    thin = n_pre < ENOUGH_PRE_YEARS
    return CaseAnalysis(
        unit=unit,
        indicator=indicator,
        control=control,
        peak_year=peak,
        own_peak=own_peak,
        predictors=tuple(predictors.columns),
        finding=Finding(
            "case",
            estimates,
            tuple(asked),
            sv,
            en,
            "very weak",
            f"En enda kommun{f' och {short[0]}' if thin else ''}: vad annat som hände just där går "
            "inte att skilja från modellen. En beskrivning, inte ett bevis.",
            f"A single municipality{f' and {short[1]}' if thin else ''}: what else happened there "
            "cannot be told from the model. A description, not a proof.",
        ),
    )
