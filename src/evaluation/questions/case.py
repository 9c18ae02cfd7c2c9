"""One municipality on its own: synthetic control, the rise and the fall both told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.panel import Panel
from evaluation.data.registry import Indicator
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.estimation.synthetic_control import SyntheticControl, synthetic_control
from evaluation.language import Lang, number, p_value
from evaluation.questions.checks import ENOUGH_PRE_YEARS
from evaluation.questions.grading import REASONS
from evaluation.questions.selection import Selection, selection_checks
from evaluation.results import Check, Estimate, Finding

__all__ = ["CaseAnalysis", "analyse_case"]


@dataclass(frozen=True)
class CaseAnalysis:
    """A municipality against its synthetic twin."""

    unit: TreatedUnit
    indicator: Indicator
    control: SyntheticControl
    peak_year: int
    own_peak: tuple[int, float, float | None]
    predictors: tuple[str, ...]
    finding: Finding
    selection: Selection | None

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
            "selection": self.selection.to_dict() if self.selection else None,
        }


def _checks(n_pre: int, own_peak: tuple[int, float, float | None], alpha: float) -> list[Check]:
    year, rise, fall = own_peak
    thin = n_pre < ENOUGH_PRE_YEARS
    sv = (
        f"Året med det största gapet, {year}, är avläst i efterhand. Med varje placebokommun mätt "
        f"vid sin egen topp: uppgången {p_value(rise, 'sv')}"
    )
    en = (
        f"The year of the largest gap, {year}, was read off afterwards. With every placebo "
        f"municipality measured at its own peak: the rise {p_value(rise, 'en')}"
    )
    if fall is None:
        sv += (
            " (ensidigt). Ingen nedgång prövas: utfallets eller gapets topp ligger i det första "
            "eller sista året efter starten."
        )
        en += (
            " (one-sided). No fall is tested: the outcome or the gap is highest in the first or "
            "the last year since the start."
        )
    else:
        sv += f", nedgången {p_value(fall, 'sv')} (ensidigt)."
        en += f", the fall {p_value(fall, 'en')} (one-sided)."
    worst = rise if fall is None else max(rise, fall)
    return [
        Check(
            "pre_period",
            not thin,
            f"{n_pre} år före starten: passformen före säger "
            + ("nästan inget om jämförelsen." if thin else "något om jämförelsen."),
            f"{n_pre} years before the start: the fit before says "
            + (
                "next to nothing about the comparison."
                if thin
                else "something about the comparison."
            ),
            float(n_pre),
            float(ENOUGH_PRE_YEARS),
        ),
        Check("own_peak", worst <= alpha, sv, en, worst, alpha),
    ]


def _path_sv(name: str, i: Indicator, turns: list[tuple[int, float]]) -> str:
    shown = [_level(v, i, "sv") for _, v in turns]
    (first, a), (second, b) = turns[:2]
    if shown[0] == shown[1]:
        # the Swedish adjective follows the gender of the indicator's name
        same = "oförändrat" if i.definite_sv.partition(" ")[0].endswith("t") else "oförändrad"
        text = f"I {name} var {i.definite_sv} {same}, {shown[0]} både år {first} och år {second}"
    else:
        text = (
            f"I {name} {'steg' if b > a else 'sjönk'} {i.definite_sv} från {shown[0]} år {first} "
            f"till {shown[1]} år {second}"
        )
    for (year, _), value in zip(turns[2:], shown[2:], strict=True):
        text += (
            f" och var oförändrat år {year}"
            if value == shown[1]
            else f" och sjönk sedan till {value} år {year}"
        )
    return text


def _path_en(name: str, i: Indicator, turns: list[tuple[int, float]]) -> str:
    shown = [_level(v, i, "en") for _, v in turns]
    (first, a), (second, b) = turns[:2]
    if shown[0] == shown[1]:
        text = f"In {name} the {i.label_en} was unchanged, {shown[0]} in both {first} and {second}"
    else:
        text = (
            f"In {name} the {i.label_en} {'rose' if b > a else 'fell'} from {shown[0]} in {first} "
            f"to {shown[1]} in {second}"
        )
    for (year, _), value in zip(turns[2:], shown[2:], strict=True):
        text += (
            f" and was the same in {year}"
            if value == shown[1]
            else f" and then fell to {value} in {year}"
        )
    return text


def _level(value: float, indicator: Indicator, lang: Lang) -> str:
    """Write a value of the outcome with its unit, «per cent» without what it is per cent of."""
    unit, short = (
        (indicator.unit_sv, "procent") if lang == "sv" else (indicator.unit_en, "per cent")
    )
    shown = number(value, lang, indicator.decimals)
    return f"{shown} {short if unit.startswith(short) else unit}"


def _gaps(i: Indicator, peak: int, last: int, estimates: Mapping[str, Estimate], lang: Lang) -> str:
    """Tell the gap to the synthetic municipality: at the peak and after it, or at the end."""
    gap = {k: number(e.estimate, lang, sign=True) for k, e in estimates.items()}
    p = {k: p_value(e.p_value, lang) for k, e in estimates.items() if e.p_value is not None}
    if lang == "sv":
        text = "Mot den syntetiska kommunen är gapet "
        if "change" not in estimates:
            return f"{text}{gap['last']} {i.change_sv} år {last} ({p['last']})."
        return (
            f"{text}{gap['rise']} {i.change_sv} år {peak} ({p['rise']}); därefter ändras det med "
            f"{gap['change']} ({p['change']}) till {gap['last']} år {last} ({p['last']})."
        )
    text = "Against the synthetic municipality the gap is "
    if "change" not in estimates:
        return f"{text}{gap['last']} {i.change_en} in {last} ({p['last']})."
    return (
        f"{text}{gap['rise']} {i.change_en} in {peak} ({p['rise']}); after that it changes by "
        f"{gap['change']} ({p['change']}) to {gap['last']} in {last} ({p['last']})."
    )


def analyse_case(
    unit: TreatedUnit,
    indicator: Indicator,
    panels: Mapping[str, Panel],
    design: Design,
    alpha: float,
    picked: Selection | None = None,
    starts: Mapping[str, int] | None = None,
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
    picked : Selection, optional
        What picking it for its figures does, where it was picked.
    starts : mapping of str to int, optional
        First treated year of each outcome, where they differ.

    Returns
    -------
    CaseAnalysis
        Estimates ``rise`` (gap in the municipality's own peak year), ``change`` (from the
        peak to the last year) and ``last`` (gap in the last year). Where the outcome is
        highest in the first or the last year since the start there is no rise and fall to
        tell apart, and ``last`` stands alone.

    Raises
    ------
    InputError
        If fewer than two years lie before the start.
    """
    panel = panels[indicator.id]
    # of a single treated unit the years that are neither treated nor untreated can go for all
    gone = [
        y
        for y in panel.years
        if unit.base_year < y < unit.first_year or y > (unit.last_year or panel.years[-1])
    ]
    panel = replace(panel, values=panel.values.drop(columns=gone), weights=None) if gone else panel
    codes = [unit.code, *design.controls]
    size = embedded.municipalities()["population_2017"]
    predictors = pd.DataFrame({"log population 2017": np.log(size[codes].astype(float))})
    for name, other in panels.items():
        start = (starts or {}).get(name, unit.first_year)
        years = [y for y in other.years if y < start - unit.partial]
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
    estimates = {"last": control.contrast({last: 1.0}, "gap", f"gap in {last}", alpha)}
    turns = [panel.years[0], last]
    own_peak = control.own_peak_p()
    if peak in (after[0], last):
        own_peak = (*own_peak[:2], None)
    else:
        turns.insert(1, peak)
        estimates = {
            "rise": control.contrast({peak: 1.0}, "gap", f"gap in {peak}", alpha),
            "change": control.contrast(
                {last: 1.0, peak: -1.0},
                "change of gap",
                f"change of the gap {peak}–{last}",
                alpha,
            ),
        } | estimates
    n_pre = len(panel.years) - len(after)
    asked = _checks(n_pre, own_peak, alpha)
    if picked is not None:
        asked += selection_checks(picked, indicator)
    told = [(y, float(path[y])) for y in turns]
    sv = f"{_path_sv(unit.name, indicator, told)}. {_gaps(indicator, peak, last, estimates, 'sv')}"
    en = f"{_path_en(unit.name, indicator, told)}. {_gaps(indicator, peak, last, estimates, 'en')}"
    short = REASONS["pre_period"]
    thin = n_pre < ENOUGH_PRE_YEARS
    return CaseAnalysis(
        unit=unit,
        indicator=indicator,
        control=control,
        peak_year=peak,
        own_peak=own_peak,
        selection=picked,
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
