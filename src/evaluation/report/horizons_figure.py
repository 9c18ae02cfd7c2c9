"""The horizons of one outcome as a figure of the report."""

from __future__ import annotations

from typing import Any

from evaluation.language import Lang, number
from evaluation.questions.horizons.horizon_plot import draw_horizons
from evaluation.questions.horizons.words import horizon_name
from evaluation.report.figure import WIDTH, Figure, blank
from evaluation.report.table import Results
from evaluation.report.words import own_work

__all__ = ["draw_outcome", "horizons_figure"]


def draw_outcome(
    h: dict[str, Any],
    headline: dict[str, Any],
    indicator: dict[str, Any],
    name: str,
    lang: Lang,
) -> Figure:
    """Draw one outcome's horizons under its headline.

    Parameters
    ----------
    h : dict
        ``Horizons.to_dict()``.
    headline : dict
        ``Estimate.to_dict()``.
    indicator : dict
        Labels, unit and source of the outcome.
    name : str
        The outcome, for the file.
    lang : {"sv", "en"}
        Language.
    """
    drawing, ax = blank(WIDTH, 2.9)
    draw_horizons(h, headline, ax, lang, indicator[f"change_{lang}"])
    told = [
        f"{horizon_name(x['key'], lang)} {number(x['estimate']['estimate'], lang, sign=True)}"
        for x in h["duration"]["horizons"]
        if x["estimate"]
    ]
    label = indicator[f"label_{lang}"]
    return Figure(
        f"horizons_{name}",
        f"Effekten på kort, medellång och lång sikt, {label}"
        if lang == "sv"
        else f"The effect at the short, middle and long horizon, {label}",
        f"Punkter med intervall: {'; '.join(told)}. Värdena står i tabellen."
        if lang == "sv"
        else f"Points with intervals: {'; '.join(told)}. The values stand in the table.",
        own_work(indicator["source"], lang),
        drawing,
    )


def horizons_figure(r: Results, name: str, lang: Lang) -> Figure:
    """Draw the horizons of an outcome of the results.

    Parameters
    ----------
    r : mapping
        The results.
    name : str
        The outcome.
    lang : {"sv", "en"}
        Language.
    """
    o = r["outcomes"][name]
    headline = next(iter(o["finding"]["estimates"].values()))
    return draw_outcome(o["horizons"], headline, r["indicators"][name], name, lang)
