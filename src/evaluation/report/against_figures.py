"""The figures of the section «Against whom»: balance, and overlap."""

from __future__ import annotations

from textwrap import fill

import numpy as np

from evaluation.language import Lang, number
from evaluation.report.against_words import LARGE, covariate_label
from evaluation.report.figure import ACCENT, GREY, INK, PALE, WIDTH, Figure, blank, number_axis
from evaluation.report.table import Results
from evaluation.report.words import own_work

__all__ = ["against_figures"]

_SERIES = {
    "before": ("hela jämförelsegruppen", "the whole comparison group"),
    "mahalanobis": ("de närmaste", "the nearest"),
    "entropy": ("vägda", "weighted"),
}
_MARKS = {"mahalanobis": ("s", INK), "entropy": ("D", ACCENT)}
GOLDEN = 0.6180339887498949


def _names(r: Results, name: str, covariates: list[str], lang: Lang) -> list[str]:
    return [fill(covariate_label(r, name, c, lang), 18) for c in covariates]


def _love(r: Results, name: str, lang: Lang) -> Figure:
    sv = lang == "sv"
    found = r["outcomes"][name]["against"]["balance"]
    rows = next(iter(found.values()))["rows"]
    names = [x["covariate"] for x in rows]
    at = np.arange(len(rows))[::-1]
    drawing, ax = blank(WIDTH, 1.3 + 0.42 * len(rows))
    pick = 0 if sv else 1
    ax.plot(
        [x["smd_before"] for x in rows],
        at,
        "o",
        mfc="white",
        color=GREY,
        ms=7,
        label=_SERIES["before"][pick],
    )
    for method, (mark, colour) in _MARKS.items():
        if method in found:
            values = [x["smd_after"] for x in found[method]["rows"]]
            ax.plot(values, at, mark, color=colour, ms=5, label=_SERIES[method][pick])
    ax.axvline(0, color=GREY, lw=0.8)
    for x in (-LARGE, LARGE):
        ax.axvline(x, color=GREY, lw=0.8, ls=":")
    ax.set_yticks(at, _names(r, name, names, lang))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlabel("skillnad i medel, standardavvikelser" if sv else "difference in means, s.d.")
    number_axis(ax, lang, "x")
    drawing.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    label = r["indicators"][name][f"label_{lang}"]
    told = "; ".join(
        f"{covariate_label(r, name, x['covariate'], lang)} {number(x['smd_before'], lang)}"
        for x in rows
    )
    return Figure(
        f"balance_{name}",
        f"Skillnad mellan de behandlade och jämförelsen före starten, {label}"
        if sv
        else f"Difference between the treated and the comparison before the start, {label}",
        f"Punkter per egenskap; mot hela jämförelsegruppen: {told}. Prickade linjer vid "
        f"{number(LARGE, lang, 1)}."
        if sv
        else f"Points by covariate; against the whole comparison group: {told}. Dotted lines at "
        f"{number(LARGE, lang, 1)}.",
        own_work(r["indicators"][name]["source"], lang),
        drawing,
    )


def _support(r: Results, name: str, lang: Lang) -> Figure:
    sv = lang == "sv"
    a = r["outcomes"][name]["against"]
    covariates = a["covariates"]
    groups = {
        role: np.array(
            [[u[c] for c in covariates] for u in a["units"] if u["role"] == role], dtype=float
        )
        for role in ("control", "treated")
    }
    middle, spread = groups["control"].mean(axis=0), groups["control"].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    at = np.arange(len(covariates))[::-1]
    drawing, ax = blank(WIDTH, 1.3 + 0.5 * len(covariates))
    # spread out by a rule, so that the drawing is the same every time
    shift = {k: ((np.arange(len(x)) * GOLDEN) % 1 - 0.5) * 0.5 for k, x in groups.items()}
    z = {k: (x - middle) / spread for k, x in groups.items()}
    for k, y in enumerate(at):
        ax.plot(z["control"][:, k], y + shift["control"], ".", color=PALE, ms=4)
        ax.plot(z["treated"][:, k], y + shift["treated"], "o", color=ACCENT, ms=4.5)
    ax.lines[0].set_label("jämförelsekommuner" if sv else "comparison municipalities")
    ax.lines[1].set_label("behandlade" if sv else "treated")
    ax.set_yticks(at, _names(r, name, covariates, lang))
    ax.set_ylim(-0.6, len(covariates) - 0.4)
    ax.set_xlabel(
        "standardavvikelser från jämförelsegruppens medel"
        if sv
        else "standard deviations from the comparison group's mean"
    )
    number_axis(ax, lang, "x")
    drawing.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    label = r["indicators"][name][f"label_{lang}"]
    out = sum(not x["supported"] for x in a["overlap"]["rows"])
    return Figure(
        f"overlap_{name}",
        f"De behandlade bland jämförelsekommunerna, {label}"
        if sv
        else f"The treated among the comparison municipalities, {label}",
        f"Punkter per egenskap; {out} av {len(a['overlap']['rows'])} behandlade saknar jämförbara "
        "kommuner."
        if sv
        else f"Points by covariate; {out} of {len(a['overlap']['rows'])} treated lack comparable "
        "municipalities.",
        own_work(r["indicators"][name]["source"], lang),
        drawing,
    )


def against_figures(r: Results, name: str, lang: Lang) -> list[Figure]:
    """Draw an outcome's balance and overlap, as far as they exist.

    Parameters
    ----------
    r : mapping
        The results.
    name : str
        The outcome.
    lang : {"sv", "en"}
        Language.
    """
    a = r["outcomes"][name]["against"]
    out = [_love(r, name, lang)] if a["balance"] else []
    return out + ([_support(r, name, lang)] if a["overlap"] else [])
