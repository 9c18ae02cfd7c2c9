"""Figures of the report, made from the results' plain types; SVG that is the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from evaluation.language import Lang, listed, number
from evaluation.report.against_figures import against_figures
from evaluation.report.costs_section import costs_figures
from evaluation.report.curve_figure import curve_figure
from evaluation.report.figure import (
    ACCENT,
    GREY,
    INK,
    PALE,
    WIDTH,
    Figure,
    blank,
    capital,
    number_axis,
    style,
    year_axis,
)
from evaluation.report.gender import gender_figures
from evaluation.report.growth import growth_figure
from evaluation.report.horizons_figure import horizons_figure
from evaluation.report.retention_section import retention_figure
from evaluation.report.simulated import mark_figure
from evaluation.report.words import all_sources, is_simulated, own_work, word

__all__ = ["Figure", "make_figures"]

MOST_HEIGHT = 6.6
"""Inches of the panels of a figure, so that it fits on a page."""
Results = Mapping[str, Any]


def _label(r: Results, name: str, lang: Lang) -> tuple[str, str, str]:
    i = r["indicators"][name]
    return i[f"label_{lang}"], i[f"change_{lang}"], i["source"]


def _level_unit(r: Results, name: str, lang: Lang) -> str:
    """Return the unit of an outcome's level, short where it is a share."""
    unit = str(r["indicators"][name][f"unit_{lang}"])
    return word("per_cent", lang) if unit.startswith(word("per_cent", lang)) else unit


def _paths(r: Results, name: str, lang: Lang) -> Figure:
    label, _, source = _label(r, name, lang)
    first = r["outcomes"][name]["first_years"]
    treated = [t for t in r["design"]["treated"] if t["code"] in first]
    rows = r["outcomes"][name]["paths"]
    years = [x["time"] for x in rows]
    columns = min(2 if len(treated) <= 6 else 4, len(treated))
    lines = -(-len(treated) // columns)
    # a figure must fit on a page with its caption
    height = min(2.0 * lines, MOST_HEIGHT) + 0.5
    drawing, axes = blank(WIDTH, height, lines, columns, sharex=True, sharey=True, squeeze=False)
    for ax, t in zip(axes.flat, treated, strict=False):
        ax.fill_between(
            years,
            [x["p10"] for x in rows],
            [x["p90"] for x in rows],
            color=PALE,
            alpha=0.6,
            lw=0,
            label=word("others_band", lang),
        )
        ax.plot(
            years,
            [x["median"] for x in rows],
            color=GREY,
            ls="--",
            label=word("others_median", lang),
        )
        ax.plot(years, [x[t["code"]] for x in rows], color=INK, lw=2)
        ax.axvline(
            first[t["code"]] - 0.5, color=ACCENT, lw=1, ls=":", label=word("first_treated", lang)
        )
        ax.set_title(t["name"], loc="left", fontsize="medium", fontweight="bold")
        number_axis(ax, lang)
        year_axis(ax, 6 if columns <= 2 else 2)
    for ax in list(axes.flat)[len(treated) :]:
        ax.set_axis_off()
    for row in axes:
        row[0].set_ylabel(_level_unit(r, name, lang))
    handles, names = axes.flat[0].get_legend_handles_labels()
    drawing.legend(
        handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize="small"
    )
    last = years[-1]
    unit = _level_unit(r, name, lang)
    final = ", ".join(f"{t['name']} {number(rows[-1][t['code']], lang, 1)}" for t in treated)
    return Figure(
        f"paths_{name}",
        f"{capital(label)}: varje behandlad kommun mot de andra"
        if lang == "sv"
        else f"{capital(label)}: each treated municipality against the others",
        f"Linjediagram {years[0]}–{last}; {last}: {final} {unit}."
        if lang == "sv"
        else f"Line charts {years[0]}–{last}; in {last}: {final} {unit}.",
        own_work(source, lang),
        drawing,
    )


def _events(r: Results, name: str, lang: Lang) -> Figure:
    label, unit, source = _label(r, name, lang)
    o = r["outcomes"][name]
    rows = o["event_study"]["rows"]
    drawing, ax = blank(WIDTH, 2.9)
    times = [x["event_time"] for x in rows]
    # no band where too few studies stand behind it, no bar where there is no error
    around = [(t, o["event_envelope"].get(str(t), {"low": None})) for t in times]
    around = [(t, b) for t, b in around if b["low"] is not None and b["high"] is not None]
    barred = [x for x in rows if x["conf_low"] is not None and x["conf_high"] is not None]
    ax.fill_between(
        [t for t, _ in around],
        [b["low"] for _, b in around],
        [b["high"] for _, b in around],
        color=PALE,
        alpha=0.7,
        lw=0,
        label=word("placebo_band", lang),
    )
    ax.errorbar(
        [x["event_time"] for x in barred],
        [x["estimate"] for x in barred],
        yerr=[
            [x["estimate"] - x["conf_low"] for x in barred],
            [x["conf_high"] - x["estimate"] for x in barred],
        ],
        fmt="o",
        color=INK,
        ms=4,
        lw=1.2,
        label=word("analytic_interval", lang),
    )
    bare = [x for x in rows if x not in barred]
    if bare:
        ax.plot(
            [x["event_time"] for x in bare], [x["estimate"] for x in bare], "o", color=INK, ms=4
        )
    partly = o["finding"]["estimates"].get("partial_years")
    if partly:
        ax.plot(
            [-0.5],
            [partly["estimate"]],
            "D",
            mfc="white",
            mec=ACCENT,
            ms=5,
            label=word("partly_exposed", lang),
        )
    ax.axhline(0, color=GREY, lw=0.8)
    ax.axvline(-0.5, color=ACCENT, lw=1, ls=":")
    ax.set_xlabel(word("event_time", lang).lower())
    ax.set_ylabel(unit)
    number_axis(ax, lang)
    number_axis(ax, lang, "x")
    year_axis(ax)
    drawing.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    return Figure(
        f"event_study_{name}",
        f"Effekt efter år sedan start, {label}"
        if lang == "sv"
        else f"Effect by years since the start, {label}",
        f"Händelsestudie från {times[0]} till {times[-1]} år; punkter med intervall mot ett band "
        "av placebostudier. Värdena står i tabellbilagan."
        if lang == "sv"
        else f"Event study from {times[0]} to {times[-1]} years; points with intervals against a "
        "band of placebo studies. The values stand in the appendix.",
        own_work(source, lang),
        drawing,
    )


def _placebo(r: Results, name: str, lang: Lang) -> Figure:
    label, unit, source = _label(r, name, lang)
    o = r["outcomes"][name]
    h = o["placebo_histogram"]
    # the placebo studies are those of a plan's own comparison where it has one
    estimates = o["finding"]["estimates"]
    own = next((k for k in ("mahalanobis", "entropy", "not_yet_treated") if k in estimates), None)
    e = estimates[own or "permutation"]
    drawing, ax = blank(WIDTH, 2.4)
    edges = h["edges"]
    ax.stairs(h["counts"], edges, fill=True, color=PALE)
    ax.axvline(e["estimate"], color=ACCENT, lw=2, label=word("real", lang))
    ax.set_xlabel(unit)
    ax.set_ylabel(word("placebo_studies", lang))
    number_axis(ax, lang, "x")
    number_axis(ax, lang)
    drawing.legend(loc="outside lower center", frameon=False, fontsize="small")
    total = sum(h["counts"])
    value, p = number(e["estimate"], lang), number(e["p_value"], lang, 3)
    return Figure(
        f"placebo_{name}",
        f"Skattningen mot placebostudier med kommuner av liknande storlek, {label}"
        if lang == "sv"
        else f"The estimate against placebo studies with municipalities of similar size, {label}",
        f"Histogram över {number(total, lang, 0)} placebostudier; den verkliga skattningen är "
        f"{value}, p = {p}."
        if lang == "sv"
        else f"Histogram of {number(total, lang, 0)} placebo studies; the real estimate is "
        f"{value}, p = {p}.",
        own_work(source, lang),
        drawing,
    )


def _neighbours(r: Results, name: str, lang: Lang) -> Figure:
    label, unit, source = _label(r, name, lang)
    rows = [n for n in r["outcomes"][name]["neighbours"] if n["result"]]
    drawing, ax = blank(WIDTH, 0.21 * len(rows) + 0.8)
    for i, n in enumerate(rows):
        e = n["result"]
        low, high = e["conf_int"]
        colour = ACCENT if n["chosen"] else INK
        if low is not None and high is not None:
            ax.plot([low, high], [i, i], color=colour, lw=1.5)
        ax.plot([e["estimate"]], [i], "o", color=colour, ms=5)
    ax.set_yticks(range(len(rows)), [f"{n['name']} {n['year']}" for n in rows])
    ax.invert_yaxis()
    ax.axvline(0, color=GREY, lw=0.8)
    ax.set_xlabel(unit)
    number_axis(ax, lang, "x")
    return Figure(
        f"neighbour_years_{name}",
        f"Huvudresultatet med en kommuns startår flyttat (rött: valt år), {label}"
        if lang == "sv"
        else f"The headline with one municipality's start year moved (red: chosen year), {label}",
        "Punkter med intervall, en rad per kommun och startår; värdena står i tabellbilagan."
        if lang == "sv"
        else "Points with intervals, one line per municipality and start year; the values stand in "
        "the appendix.",
        own_work(source, lang),
        drawing,
    )


def _hidden(r: Results, lang: Lang) -> Figure:
    names = list(r["outcomes"])
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    drawing, axes = blank(WIDTH, 2.5 * lines, lines, columns, squeeze=False)
    for ax in list(axes.flat)[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes.flat, names, strict=False):
        label, unit, _ = _label(r, name, lang)
        curve = r["outcomes"][name]["hidden_active"]["curve"]
        ax.plot([100 * c["share"] for c in curve], [c["estimate"] for c in curve], color=INK, lw=2)
        ax.axhline(0, color=ACCENT, lw=1)
        ax.set_title(fill(capital(label), 26), loc="left", fontsize="small", fontweight="bold")
        ax.set_ylabel(unit)
        number_axis(ax, lang)
        number_axis(ax, lang, "x")
    drawing.supxlabel(word("hidden_share", lang), fontsize="small")
    sources = all_sources(r)
    return Figure(
        "hidden_active",
        "Skattningen när allt fler jämförelsekommuner antas vara dolt aktiva, i värsta fall"
        if lang == "sv"
        else "The estimate as ever more of the comparison group is taken to be hidden active, "
        "at worst",
        "Kurvor över skattningen; där kurvan når noll vänds tecknet. Andelarna står i tabellen."
        if lang == "sv"
        else "Curves of the estimate; where a curve reaches zero the sign turns. The shares stand "
        "in the table.",
        own_work(sources, lang),
        drawing,
    )


def _case(r: Results, lang: Lang) -> Figure:
    c = r["case"]
    label, unit, source = _label(r, c["indicator"], lang)
    s = c["synthetic_control"]
    rows = s["rows"]
    years = [x["time"] for x in rows]
    drawing, (left, right) = blank(WIDTH, 2.8, 1, 2)
    left.plot(years, [x["actual"] for x in rows], color=INK, lw=2, label=c["name"])
    left.plot(
        years, [x["synthetic"] for x in rows], color=GREY, ls="--", label=word("synthetic", lang)
    )
    left.set_ylabel(_level_unit(r, c["indicator"], lang))
    right.fill_between(
        years,
        [x["placebo_low"] for x in rows],
        [x["placebo_high"] for x in rows],
        color=PALE,
        alpha=0.7,
        lw=0,
        label=word("placebo_band", lang),
    )
    right.plot(years, [x["gap"] for x in rows], color=INK, lw=2)
    right.axhline(0, color=GREY, lw=0.8)
    right.set_ylabel(unit)
    for ax, title in ((left, word("path", lang)), (right, word("gap", lang))):
        ax.axvline(s["first_year"] - 0.5, color=ACCENT, lw=1, ls=":")
        ax.set_title(title, loc="left", fontsize="medium", fontweight="bold")
        number_axis(ax, lang)
        year_axis(ax)
    drawing.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    told = [c["peak_year"], years[-1]] if "change" in c["finding"]["estimates"] else [years[-1]]
    gap = {x["time"]: number(x["gap"], lang) for x in rows}
    return Figure(
        "case",
        f"{c['name']} och dess syntetiska kommun, {label}"
        if lang == "sv"
        else f"{c['name']} and its synthetic municipality, {label}",
        f"Linjediagram {years[0]}–{years[-1]}; gapet är "
        f"{listed([f'{gap[y]} år {y}' for y in told], lang)}."
        if lang == "sv"
        else f"Line charts {years[0]}–{years[-1]}; the gap is "
        f"{listed([f'{gap[y]} in {y}' for y in told], lang)}.",
        own_work(source, lang),
        drawing,
    )


def _context(r: Results, lang: Lang) -> Figure:
    series = r["context"]
    names = r["places"] | {"0000": word("nation", lang)}
    drawing, axes = blank(WIDTH, 2.9, 1, len(series), squeeze=False)
    colours = [INK, ACCENT, "#5fa8d3", "#8a6d3b", "#6a4c93"]
    for ax, s in zip(axes[0], series, strict=True):
        for code, colour in zip([k for k in s["rows"][0] if k != "time"], colours, strict=False):
            points = [(x["time"], x[code]) for x in s["rows"] if x[code] is not None]
            ax.plot(
                [t for t, _ in points],
                [v for _, v in points],
                color=colour,
                lw=2.4 if code == "0000" else 1,
                label=names[code],
            )
        if s["law_change"]:
            ax.axvline(s["law_change"], color=GREY, lw=1, ls=":")
            ax.annotate(
                word("law_2018", lang),
                (s["law_change"], 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -2),
                textcoords="offset points",
                va="top",
                fontsize="x-small",
                color=GREY,
            )
        ax.set_ylim(bottom=0)
        ax.set_ylabel(word("per_cent", lang))
        ax.set_title(
            fill(word(s["name"], lang), 30), loc="left", fontsize="small", fontweight="bold"
        )
        number_axis(ax, lang)
        year_axis(ax)
    handles, labels = axes[0][0].get_legend_handles_labels()
    drawing.legend(
        handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize="small"
    )
    sources = "; ".join(s["source"] for s in series)
    labels = [s[f"label_{lang}"] for s in series]
    text = "; ".join(t[0].lower() + t[1:] for t in labels)
    return Figure(
        "context",
        f"Riket och fyra kommuner: {text}"
        if lang == "sv"
        else f"Sweden and four municipalities: {text}",
        "Linjediagram per serie; värdena står i tabellerna."
        if lang == "sv"
        else "Line charts by series; the values stand in the tables.",
        f"Källa: {sources}." if lang == "sv" else f"Source: {sources}.",
        drawing,
    )


def make_figures(results: Results, lang: Lang) -> dict[str, Figure]:
    """Draw every figure of the report.

    Parameters
    ----------
    results : mapping
        ``Study.to_dict()``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language of the labels.

    Returns
    -------
    dict of str to Figure
        By key.
    """
    with style():
        figures = []
        for name in results["outcomes"]:
            for make in (_paths, _events, horizons_figure, _placebo, curve_figure, _neighbours):
                figures.append(make(results, name, lang))
            figures += against_figures(results, name, lang)
        figures += gender_figures(results, lang)
        figures.append(_hidden(results, lang))
        if results["case"]:
            figures.append(_case(results, lang))
        if results["growth"]:
            figures.append(growth_figure(results, lang))
        if "retention" in results:
            figures.append(retention_figure(results, lang))
        figures += costs_figures(results, lang)
        if results["context"]:
            figures.append(_context(results, lang))
    if is_simulated(results):
        figures = [mark_figure(f, lang) for f in figures]
    return {f.key: f for f in figures}
