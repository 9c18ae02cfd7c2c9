"""The section on costs in a plan's report: the cost report's tables, figures and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evaluation.language import Lang, level, number, share_of_draws
from evaluation.questions.costs.sensitivity import BreakEven
from evaluation.questions.costs.words import break_even_sentences, correlations_sentence
from evaluation.report.costs_figures import make_cost_figures
from evaluation.report.costs_tables import make_cost_tables
from evaluation.report.figure import Figure
from evaluation.report.table import Results, Table

__all__ = ["PREFIX", "cost_words", "costs_figures", "costs_tables"]

PREFIX = "costs_"
"""Before the keys of tables and figures, among those of a plan's report."""


def costs_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables on costs, none where the plan has no costs.

    Parameters
    ----------
    r : mapping
        The study's results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        Those of a cost report, their keys after ``costs_``.
    """
    made = make_cost_tables(r["costs"], lang).values() if "costs" in r else ()
    return [replace(t, key=PREFIX + t.key) for t in made]


def costs_figures(r: Results, lang: Lang) -> list[Figure]:
    """Draw the figures on costs, none where the plan has no costs.

    Parameters
    ----------
    r : mapping
        The study's results.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Figure
        Those of a cost report, their keys after ``costs_``.
    """
    made = make_cost_figures(r["costs"], lang).values() if "costs" in r else ()
    return [replace(f, key=PREFIX + f.key) for f in made]


def cost_words(r: Results, lang: Lang) -> dict[str, Any]:
    """Return what the templates on costs are filled with, besides tables and figures.

    Parameters
    ----------
    r : mapping
        ``CostResult.to_dict(points=True)``, or that read back.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    dict
        Numbers as they are written, and sentences.
    """
    e, estimates, even = r["effect"], r["finding"]["estimates"], r["break_even"]
    stays = r["effect_on_staying"]

    def points(effect: Results) -> list[str]:
        return [number(100 * v, lang, 1) for v in (effect["estimate"], *effect["conf_int"])]

    found = sum(p["status"] == "found" for p in r["parameters"])
    accounts = dict.fromkeys(row["account"] for row in r["accounts"])
    return {
        "kronor": lambda value: number(value, lang, 0),
        "share": lambda value: share_of_draws(value, lang),
        "level": level(1 - r["alpha"], lang),
        "draws": number(r["draws"], lang, 0),
        "effect": points(e),
        "staying": points(stays) if stays else [],
        "effect_level": level(1 - e["alpha"], lang),
        "effect_only": estimates["net_municipality_effect_only"],
        "net": estimates["net_municipality"],
        "even": break_even_sentences(BreakEven.read(even), lang),
        "found": found,
        "assumed": len(r["parameters"]) - found,
        "accounts": [f"account_{a}" for a in accounts],
        "uncertain": bool(r["tornado"]),
        "together": correlations_sentence(r["correlations"], lang),
    }
