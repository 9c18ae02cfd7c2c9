"""Figures of a cost report: the library's own plots in the report's style."""

from __future__ import annotations

from evaluation.language import Lang, number, share_of_draws
from evaluation.questions.costs.plots import MOST_BARS, PLOTS, Drawn
from evaluation.questions.costs.words import quantity_label
from evaluation.report.costs_tables import source_line
from evaluation.report.figure import WIDTH, Figure, blank, style
from evaluation.report.table import Results

__all__ = ["make_cost_figures"]

_HEIGHTS = {"path": 3.0, "plane": 3.4, "acceptability": 2.8}


def make_cost_figures(results: Results, lang: Lang) -> dict[str, Figure]:
    """Return the figures of a cost report by key.

    Parameters
    ----------
    results : mapping
        ``CostResult.to_dict(points=True)``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    dict of str to Figure
        ``path``, ``tornado`` (where anything is uncertain), ``plane``, ``acceptability``.
    """
    r = Drawn.read(results)
    out = {}
    for kind, plot in PLOTS.items():
        if kind == "tornado" and not r.tornado:
            continue
        height = _HEIGHTS.get(kind, 1.2 + 0.42 * min(len(r.tornado), MOST_BARS))
        with style():
            drawing, ax = blank(WIDTH, height)
            plot(r, ax, lang)
        title, alt = _texts(r, results, kind, lang)
        out[kind] = Figure(kind, title, alt, source_line(results, lang), drawing)
    return out


def _texts(r: Drawn, results: Results, kind: str, lang: Lang) -> tuple[str, str]:
    sv = lang == "sv"
    first, last = r.path.iloc[0], r.path.iloc[-1]
    if kind == "path":
        ends = [number(v / 1000, lang, 0) for v in (first["cost_without"], last["cost_without"])]
        years = (int(first["year"]), int(last["year"]))
        title = (
            "Kommunens bistånd per år, utan och med arbetssättet, med intervall; inte diskonterat"
            if sv
            else "Assistance per year, without and with the programme, with intervals; not "
            "discounted"
        )
        alt = (
            f"Linjediagram {years[0]}–{years[1]}; utan arbetssättet från {ends[0]} till {ends[1]} "
            "tusen kronor. Värdena står i tabellen."
            if sv
            else f"Line chart {years[0]}–{years[1]}; without the programme from {ends[0]} to "
            f"{ends[1]} thousand kronor. The values stand in the table."
        )
    elif kind == "tornado":
        bar = r.tornado[0]
        ends = [number(v / 1000, lang, 0) for v in (bar.net_low, bar.net_high)]
        title = (
            "Vad svaret hänger på: kommunens netto när en storhet i taget flyttas"
            if sv
            else "What the answer turns on: the municipality's net as one quantity is moved"
        )
        name = quantity_label(bar.name, lang)
        alt = (
            f"Liggande staplar; den längsta är {name}, från {ends[0]} till {ends[1]} tusen kronor."
            if sv
            else f"Bars; the longest is {name}, from {ends[0]} to {ends[1]} thousand kronor."
        )
    elif kind == "plane":
        more = share_of_draws(results["plane"]["more_cheaper"], lang)
        dearer = share_of_draws(results["plane"]["more_dearer"], lang)
        title = (
            "Dragningarna: fler i arbete eller studier mot kommunens nettokostnad, diskonterat"
            if sv
            else "The draws: more in work or studies against the municipality's net cost, "
            "discounted"
        )
        alt = (
            f"Punktmoln; i {more} av dragningarna fler och billigare, i {dearer} fler och dyrare."
            if sv
            else f"Scatter; in {more} of the draws more and cheaper, in {dearer} more and dearer."
        )
    else:
        shares = [share_of_draws(v, lang) for v in r.acceptability["probability"].iloc[[0, -1]]]
        most = number(float(r.acceptability["willingness"].iloc[-1]) / 1000, lang, 0)
        title = (
            "Sannolikheten att arbetssättet är värt sin kostnad för kommunen"
            if sv
            else "How likely the programme is worth its cost to the municipality"
        )
        alt = (
            f"Kurva från {shares[0]} vid 0 till {shares[1]} vid {most} tusen kronor per person."
            if sv
            else f"Curve from {shares[0]} at 0 to {shares[1]} at {most} thousand kronor per person."
        )
    return title, alt
