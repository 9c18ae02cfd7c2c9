"""The section on staying: published counts of the active and of the comparison, by year."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evaluation.language import Lang, interval, level, number
from evaluation.report.figure import (
    ACCENT,
    INK,
    WIDTH,
    Figure,
    blank,
    number_axis,
    year_axis,
)
from evaluation.report.table import Results, Table, value_cell
from evaluation.report.words import own_work, place_name

__all__ = ["retention_figure", "retention_tables"]

_OUTCOME = "retention_3_years"
_GROUPS = ("treated", "comparison")
_NAMES = {
    "treated": ("aktiva", "active"),
    "comparison": ("jämförelse", "comparison"),
}


def _source(r: Results, lang: Lang) -> str:
    return own_work(r["indicators"][_OUTCOME]["source"], lang)


def _counts(row: dict[str, Any], lang: Lang) -> list[str]:
    """Write those received, those still there, and the share with its interval."""
    share = value_cell(row["share"], lang, 1)
    if row["conf_low"] is not None:
        share += f" ({interval(row['conf_low'], row['conf_high'], lang, 1)})"
    return [number(row["received"], lang, 0), number(row["stayed"], lang, 0), share]


def retention_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of those still there, none where staying is no outcome.

    Parameters
    ----------
    r : mapping
        The study's results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        By year and group, and by active municipality.
    """
    if "retention" not in r:
        return []
    return [_by_year(r, lang), _by_municipality(r, lang)]


def _by_year(r: Results, lang: Lang) -> Table:
    sv, found = lang == "sv", r["retention"]
    cells = {(x["cohort"], x["group"]): x for x in found["by_year"]}
    shown = level(1 - found["alpha"], lang)
    header = ["Mottagna år" if sv else "Received in"]
    for g in _GROUPS:
        name = _NAMES[g][0 if sv else 1]
        header += (
            [f"Mottagna, {name}", f"Kvar, {name}", f"Procent, {name} ({shown} intervall)"]
            if sv
            else [f"Received, {name}", f"Stayed, {name}", f"Per cent, {name} ({shown} interval)"]
        )
    rows = []
    for cohort in sorted({c for c, _ in cells}):
        line = [str(cohort)]
        for g in _GROUPS:
            x = cells.get((cohort, g))
            line += ["–"] * 3 if x is None else _counts(x, lang)
        rows.append(tuple(line))
    a, b = (found["n_units"][g] for g in _GROUPS)
    return Table(
        "retention_by_year",
        f"Mottagna och hur många av dem som finns kvar efter tre år: {a} aktiva kommuner och "
        f"{b} jämförelsekommuner, summor; exakta binomialintervall"
        if sv
        else f"Those received and how many of them are there after three years: {a} active "
        f"municipalities and {b} in the comparison, sums; exact binomial intervals",
        tuple(header),
        tuple(rows),
        _source(r, lang),
        pd.DataFrame(found["by_year"]),
        frozenset(range(1, 7)),
        cards=True,
    )


def _by_municipality(r: Results, lang: Lang) -> Table:
    sv, found = lang == "sv", r["retention"]
    cohorts = [x["cohort"] for x in found["by_year"]]
    span = f"{min(cohorts)}–{max(cohorts)}"
    shown = level(1 - found["alpha"], lang)
    rows = tuple((place_name(r, x["code"]), *_counts(x, lang)) for x in found["by_municipality"])
    return Table(
        "retention_by_municipality",
        f"Mottagna {span} och kvar efter tre år, var aktiv kommun för sig"
        if sv
        else f"Received in {span} and still there after three years, each active municipality",
        ("Kommun", "Mottagna", "Kvar", f"Procent ({shown} intervall)")
        if sv
        else ("Municipality", "Received", "Stayed", f"Per cent ({shown} interval)"),
        rows,
        _source(r, lang),
        pd.DataFrame(found["by_municipality"]),
        frozenset({1, 2, 3}),
    )


def retention_figure(r: Results, lang: Lang) -> Figure:
    """Draw the share still there by year of reception, with exact intervals.

    Parameters
    ----------
    r : mapping
        The study's results, with ``retention``.
    lang : {"sv", "en"}
        Language.
    """
    from matplotlib.ticker import MaxNLocator

    sv, found = lang == "sv", r["retention"]
    drawing, ax = blank(WIDTH, 2.9)
    told = []
    for g, colour, mark in zip(_GROUPS, (ACCENT, INK), ("o", "s"), strict=True):
        rows = pd.DataFrame([x for x in found["by_year"] if x["group"] == g])
        label = f"{_NAMES[g][0 if sv else 1]} ({found['n_units'][g]})"
        ax.plot(rows["cohort"], rows["share"], marker=mark, ms=4, color=colour, label=label)
        band = rows.dropna(subset=["conf_low"])
        ax.vlines(band["cohort"], band["conf_low"], band["conf_high"], color=colour, lw=1.2)
        first, last = rows.iloc[0], rows.iloc[-1]
        told.append(
            f"{label} {number(first['share'], lang, 1)} {first['cohort']}, "
            f"{number(last['share'], lang, 1)} {last['cohort']}"
        )
    year_axis(ax)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    number_axis(ax, lang)
    ax.set_xlabel("mottagna år" if sv else "received in")
    ax.set_ylabel("procent kvar efter tre år" if sv else "per cent there after three years")
    drawing.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    return Figure(
        "retention",
        "Andel av de mottagna som finns kvar i kommunen efter tre år, summor över kommuner; "
        "streck: exakta binomialintervall"
        if sv
        else "Share of those received who are still in the kommun after three years, sums over "
        "municipalities; bars: exact binomial intervals",
        f"Två linjer, procent kvar: {'; '.join(told)}."
        if sv
        else f"Two lines, per cent still there: {'; '.join(told)}.",
        _source(r, lang),
        drawing,
    )
