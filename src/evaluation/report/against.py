"""The tables of the section «Against whom»."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evaluation.language import Lang, number
from evaluation.report.against_words import MOST_ROWS, SECTION_WORDS, covariate_label, say
from evaluation.report.table import (
    Results,
    Table,
    estimate_cells,
    headings,
    literal,
    raw_row,
    value_cell,
)
from evaluation.report.words import own_work, place_name, word

__all__ = ["against_tables"]

_METHODS = ("mahalanobis", "entropy")


def _source(r: Results, name: str, lang: Lang) -> str:
    return own_work(r["indicators"][name]["source"], lang)


def _counts(r: Results, lang: Lang) -> Table:
    found = {n: o["against"]["counts"] for n, o in r["outcomes"].items()}
    keys = [k for k in SECTION_WORDS if any(k in c for c in found.values())]
    labels = [r["indicators"][n][f"label_{lang}"] for n in found]
    return Table(
        "comparison",
        "Vilka som jämförs, och varför andra inte gör det (antal kommuner)"
        if lang == "sv"
        else "Who is compared, and why others are not (number of municipalities)",
        (word("group", lang), *(x[:1].upper() + x[1:] for x in labels)),
        tuple(
            (say(k, lang), *(number(c.get(k, 0), lang, 0) for c in found.values())) for k in keys
        ),
        own_work(r["data"]["municipalities"][f"source_{lang}"], lang),
        pd.DataFrame([{"group": k} | {n: c.get(k, 0) for n, c in found.items()} for k in keys]),
        frozenset(range(1, 1 + len(found))),
        cards=len(found) > 2,
    )


def _units(r: Results, name: str, lang: Lang) -> Table:
    a = r["outcomes"][name]["against"]
    label = r["indicators"][name][f"label_{lang}"]
    rows = []
    for u in a["units"]:
        if u["role"] != "out":
            continue
        near = f" ({place_name(r, u['near'])})" if u["near"] else ""
        rows.append((place_name(r, u["code"]), say(u["reason"], lang) + near))
    raw = pd.DataFrame(a["units"])
    raw.insert(1, "name", [place_name(r, c) for c in raw["code"]])
    return Table(
        f"comparison_{name}",
        f"Kommuner som varken är behandlade eller jämförs, {label}"
        if lang == "sv"
        else f"Municipalities neither treated nor compared, {label}",
        (say("municipality", lang), say("reason", lang)),
        tuple(rows),
        _source(r, name, lang),
        raw,
    )


def _balance(r: Results, name: str, lang: Lang) -> Table:
    found = r["outcomes"][name]["against"]["balance"]
    label = r["indicators"][name][f"label_{lang}"]
    methods = [m for m in _METHODS if m in found]
    rows, raw = [], []
    for i, x in enumerate(next(iter(found.values()))["rows"]):
        after = [found[m]["rows"][i] for m in methods]
        rows.append(
            (
                literal(covariate_label(r, name, x["covariate"], lang)),
                *(value_cell(x[k], lang) for k in ("mean_treated", "mean_before", "smd_before")),
                *(value_cell(y["smd_after"], lang) for y in after),
            )
        )
        raw += [{"method": m} | found[m]["rows"][i] for m in found]
    return Table(
        f"balance_{name}",
        f"Hur lika grupperna var före starten, {label}; skillnader i standardavvikelser"
        if lang == "sv"
        else f"How alike the groups were before the start, {label}; differences in standard "
        "deviations",
        (
            *(say(k, lang) for k in ("covariate", "mean_treated", "mean_before", "smd")),
            *(say(f"smd_{m}", lang) for m in methods),
        ),
        tuple(rows),
        _source(r, name, lang),
        pd.DataFrame(raw),
        frozenset(range(1, 4 + len(methods))),
        cards=True,
    )


def _why_outside(r: Results, name: str, x: dict[str, Any], limit: float, lang: Lang) -> str:
    what = covariate_label(r, name, x["covariate"], lang)
    if not x["in_ranges"]:
        value, low, high = (number(x[k], lang) for k in ("value", "low", "high"))
        return (
            f"nej: {what} är {value}, jämförelsen går från {low} till {high}"
            if lang == "sv"
            else f"no: {what} is {value}, the comparison goes from {low} to {high}"
        )
    return (
        f"nej: längre bort än {number(limit, lang)}, mest genom {what}"
        if lang == "sv"
        else f"no: farther away than {number(limit, lang)}, most by {what}"
    )


def _overlap(r: Results, name: str, lang: Lang) -> Table:
    found = r["outcomes"][name]["against"]["overlap"]
    shown = found["rows"]
    if len(shown) > MOST_ROWS:
        shown = [x for x in shown if not x["supported"]]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"overlap_{name}",
        f"Har varje behandlad kommun jämförbara kommuner? {label[:1].upper()}{label[1:]}"
        if lang == "sv"
        else f"Does each treated municipality have comparable ones? {label[:1].upper()}{label[1:]}",
        tuple(say(k, lang) for k in ("municipality", "nearest", "distance", "support")),
        tuple(
            (
                place_name(r, x["unit"]),
                place_name(r, x["nearest"]),
                number(x["distance"], lang),
                say("yes", lang)
                if x["supported"]
                else literal(_why_outside(r, name, x, found["limit"], lang)),
            )
            for x in shown
        ),
        _source(r, name, lang),
        pd.DataFrame(found["rows"]).assign(limit=found["limit"]),
        frozenset({2}),
        cards=True,
    )


def _alternatives(r: Results, name: str, lang: Lang) -> Table:
    rows, raw = [], []
    for x in r["outcomes"][name]["against"]["alternatives"]:
        e = x["result"]
        cells = estimate_cells(e, lang) if e else (say(x["problem"], lang), "–", "–")
        size = value_cell(x["effective_size"], lang, 0)
        rows.append((say(x["key"], lang), value_cell(x["n_controls"], lang, 0), size, *cells))
        raw.append({k: v for k, v in x.items() if k != "result"} | raw_row(e))
    i = r["indicators"][name]
    return Table(
        f"alternatives_{name}",
        f"Samma skattning mot andra jämförelser, {i[f'label_{lang}']} ({i[f'change_{lang}']})"
        if lang == "sv"
        else f"The same estimate against other comparisons, {i[f'label_{lang}']} "
        f"({i[f'change_{lang}']})",
        (
            *(say(k, lang) for k in ("comparison", "n_controls", "effective")),
            *headings(("estimate", "interval", "p"), r, lang),
        ),
        tuple(rows),
        _source(r, name, lang),
        pd.DataFrame(raw),
        frozenset(range(1, 6)),
        cards=True,
    )


def against_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of the section, and those of every outcome.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        The CSV ``comparison_<outcome>`` lists every municipality with its part, the reason
        where it has none, its covariates and its weights.
    """
    out = [_counts(r, lang)]
    for name, o in r["outcomes"].items():
        out += [_units(r, name, lang), _alternatives(r, name, lang)]
        out += [_balance(r, name, lang)] if o["against"]["balance"] else []
        out += [_overlap(r, name, lang)] if o["against"]["overlap"] else []
    return out
