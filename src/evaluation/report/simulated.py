"""The words that everything made from simulated data bears, and its comparison with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from evaluation.data.observations import SIMULATED
from evaluation.language import Lang
from evaluation.report.figure import ACCENT, Figure, style
from evaluation.report.table import Table, estimate_cells, headings, value_cell
from evaluation.report.words import own_work, word

__all__ = ["mark_figure", "mark_table", "truth_table"]


def _before(text: str, lang: Lang) -> str:
    return f"{'SIMULERADE DATA' if lang == 'sv' else 'SIMULATED DATA'}. {text}"


def mark_table(table: Table, lang: Lang) -> Table:
    """Return the table with the words in its caption and in each row of its CSV."""
    raw = table.raw.copy()
    raw.insert(0, "data", SIMULATED)
    return replace(
        table,
        title=_before(table.title, lang),
        raw=raw,
    )


def mark_figure(figure: Figure, lang: Lang) -> Figure:
    """Return the figure with the words across the drawing, in its caption and in its file."""
    with style():
        # an empty place in the last row has no axes drawn
        panels = [ax for ax in figure.drawing.axes if ax.axison]
        for ax in panels if len(panels) > 1 else ():
            # a panel that is cut out bears the word too
            ax.text(
                0.98,
                0.02,
                "SIM",
                transform=ax.transAxes,
                ha="right",
                va="bottom",
                fontsize="x-small",
                fontweight="bold",
                color=ACCENT,
                alpha=0.7,
            )
        figure.drawing.text(
            0.5,
            0.5,
            SIMULATED,
            ha="center",
            va="center",
            rotation=20,
            fontsize=20,
            fontweight="bold",
            color=ACCENT,
            alpha=0.16,
            zorder=10,
            in_layout=False,
        )
    return replace(
        figure,
        title=_before(figure.title, lang),
        alt=_before(figure.alt, lang),
        notice=SIMULATED,
    )


def truth_table(r: Mapping[str, Any], lang: Lang) -> Table:
    """Make the table of every headline beside the truth that it should find."""
    rows, raw = [], []
    for x in r["truth"]:
        e = r["outcomes"][x["outcome"]]["finding"]["estimates"][x["estimate_key"]]
        rows.append(
            (
                r["indicators"][x["outcome"]][f"label_{lang}"],
                *estimate_cells(e, lang)[:2],
                value_cell(x["truth"], lang),
                word("covered_yes" if x["covered"] else "covered_no", lang)
                if x["covered"] is not None
                else word("unknown", lang),
            )
        )
        raw.append(x)
    keys = ("outcome", "estimate", "interval", "truth", "covered")
    return Table(
        "truth",
        "Skattningarna mot den sanning som simuleringen lade in"
        if lang == "sv"
        else "The estimates against the truth that the simulation put in",
        headings(keys, r, lang),
        tuple(rows),
        own_work(r["origin"][f"citation_{lang}"], lang),
        pd.DataFrame(raw),
        frozenset({1, 2, 3}),
        cards=True,
    )
