"""A municipality's own population table beside the estimate: two tables, checks and a figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.language import Lang, interval, listed, number, per_cent
from evaluation.report.figure import ACCENT, GREY, INK, PALE, WIDTH, Figure, blank, number_axis
from evaluation.report.outcome_tables import checks_table
from evaluation.report.table import Results, Table, headings, value_cell
from evaluation.report.words import own_work, word

__all__ = ["growth_figure", "growth_tables"]


def _source(r: Results, lang: Lang) -> str:
    """Name the document with the table and the source of the share."""
    table = r["growth"]["table"]
    lines = listed(table["lines"], lang)
    line = f"{embedded.DOCUMENTS[table['document']]}, {word('line', lang)} {lines}"
    share = r["indicators"][r["case"]["indicator"]]["source"]
    return own_work(
        f"{table['source_named']} {'i' if lang == 'sv' else 'in'} {line}; {share}", lang
    )


def growth_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of the growth, none where there is no growth to tell."""
    if not r["growth"]:
        return []
    name = r["growth"]["table"]["name"]
    checks = checks_table(r, "growth", r["growth"]["finding"]["checks"], "", lang)
    title = f"Kontroller, ökningen i {name}" if lang == "sv" else f"Checks, the growth of {name}"
    return [
        _bounds(r, lang),
        _years(r, lang),
        replace(checks, title=title, source=_source(r, lang)),
    ]


def _share(value: float | None, lang: Lang) -> str:
    return "–" if value is None else per_cent(value, lang, 1)


def _bounds(r: Results, lang: Lang) -> Table:
    g, sv = r["growth"], lang == "sv"
    table, bounds, total = g["table"], g["bounds"], g["growth"]["total"]
    e = g["finding"]["estimates"]["persons"]
    span = f"{g['base_year'] + 1}–{g['year']}"
    received = f"{table['received_years'][0]}–{table['received_years'][1]}"
    low, high = (None if b is None else b for b in e["conf_int"])
    ends = interval(
        float("-inf") if low is None else low, float("inf") if high is None else high, lang, 0
    )
    rows: list[tuple[str, str, float, str, float | None]] = [
        ("growth", f"Ökning {span}" if sv else f"Growth {span}", total, "–", 1.0),
        (
            "received",
            f"Mottagna {received}, om alla stannade"
            if sv
            else f"Received {received}, had all stayed",
            bounds["received"]["persons"],
            "–",
            bounds["received"]["of_growth"],
        ),
        (
            "estimate",
            f"Gapet {g['year']} i personer" if sv else f"The gap of {g['year']} in persons",
            bounds["estimate"]["persons"],
            ends,
            bounds["estimate"]["of_growth"],
        ),
        (
            "at_most",
            "Som mest, intervallets övre gräns" if sv else "At most, upper end of the interval",
            bounds["at_most"]["persons"],
            "–",
            bounds["at_most"]["of_growth"],
        ),
    ]
    titles = ("quantity", "persons", "interval", "of_growth")
    return Table(
        "growth",
        f"Vad av ökningen i {table['name']} {span} modellen kan förklara"
        if sv
        else f"What of the growth of {table['name']} in {span} the model can explain",
        headings(titles, r, lang),
        tuple((t, number(n, lang, 0), i, _share(of, lang)) for _, t, n, i, of in rows),
        _source(r, lang),
        pd.DataFrame(
            [
                {
                    "key": key,
                    "persons": n,
                    "conf_low": e["conf_int"][0] if key == "estimate" else None,
                    "conf_high": e["conf_int"][1] if key == "estimate" else None,
                    "of_growth": of,
                }
                for key, _, n, _, of in rows
            ]
        ),
        frozenset({1, 2, 3}),
    )


def _years(r: Results, lang: Lang) -> Table:
    g = r["growth"]
    columns = ("men", "women", "total", "growth_men", "growth_women", "growth_total")
    corrected = {(c["year"], c["sex"]) for c in g["table"]["corrected"]}

    def people(row: dict[str, Any], key: str) -> str:
        star = "*" if (row["year"], key) in corrected else ""
        return f"{number(row[key], lang, 0, sign=key.startswith('growth'))}{star}"

    name = g["table"]["name"]
    note = ""
    for c in g["table"]["corrected"]:
        printed = number(c["printed"], lang, 0)
        note += f" (* tryckt {printed})" if lang == "sv" else f" (* printed {printed})"
    return Table(
        "growth_path",
        f"{name}: folkmängd den 31 december efter kön, ökning under året och gapet i personer{note}"
        if lang == "sv"
        else f"{name}: population on 31 December by sex, growth during the year and the gap in "
        f"persons{note}",
        tuple(word(k, lang) for k in ("year", *columns, "gap_persons")),
        tuple(
            (
                str(row["year"]),
                *(people(row, k) for k in columns),
                value_cell(row["gap_persons"], lang, 0),
            )
            for row in g["rows"]
        ),
        _source(r, lang),
        pd.DataFrame(g["rows"]),
        frozenset(range(8)),
        cards=True,
    )


def growth_figure(r: Results, lang: Lang) -> Figure:
    """Draw the growth by sex, those received, and the gap in persons with its interval."""
    g, sv = r["growth"], lang == "sv"
    table, grown = g["table"], g["growth"]
    e = g["finding"]["estimates"]["persons"]
    span = f"{g['base_year'] + 1}–{g['year']}"
    received = f"{table['received_years'][0]}–{table['received_years'][1]}"
    names = (
        f"ökning {span}" if sv else f"growth {span}",
        f"mottagna {received}" if sv else f"received {received}",
        f"gapet {g['year']}" if sv else f"the gap of {g['year']}",
    )
    drawing, ax = blank(WIDTH, 2.4)
    ax.barh(2, grown["men"], color=INK, height=0.55, label=word("men", lang).lower())
    ax.barh(
        2,
        grown["women"],
        left=grown["men"],
        color=PALE,
        height=0.55,
        label=word("women", lang).lower(),
    )
    ax.barh(1, table["received"], color=GREY, height=0.55)
    # an end that is open runs to the edge of the drawing
    edge = 1.1 * max(grown["total"], table["received"])
    low, high = (
        b if b is not None else end for b, end in zip(e["conf_int"], (-edge, edge), strict=True)
    )
    ax.plot([low, high], [0, 0], color=ACCENT, lw=2, label=word("placebo_interval", lang))
    ax.plot([e["estimate"]], [0], "o", color=ACCENT)
    ax.axvline(0, color=GREY, lw=0.8)
    ax.set_ylim(-0.5, 2.5)
    ax.set_yticks([2, 1, 0], names)
    ax.set_xlabel(word("persons", lang).lower())
    number_axis(ax, lang, "x")
    drawing.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    told = [number(x, lang, 0) for x in (grown["total"], table["received"], e["estimate"])]
    ends = interval(low, high, lang, 0)
    return Figure(
        "growth",
        f"{table['name']}: ökningen, de mottagna och gapet till den syntetiska kommunen, i personer"
        if sv
        else f"{table['name']}: the growth, those received and the gap to the synthetic "
        "municipality, in persons",
        f"Liggande staplar: ökningen {told[0]}, mottagna {told[1]}; gapet {told[2]} med intervall "
        f"{ends}."
        if sv
        else f"Bars: the growth {told[0]}, received {told[1]}; the gap {told[2]} with interval "
        f"{ends}.",
        _source(r, lang),
        drawing,
    )
