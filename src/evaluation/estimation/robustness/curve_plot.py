"""The picture of a specification curve, in Swedish or English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.language import Lang, axis_decimals, level, number, per_cent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.estimation.robustness.specification_curve import SpecificationCurve

__all__ = ["draw"]

# told apart without colour too: by lightness and by filled against hollow
SURE, UNSURE, NULL = "#0072b2", "#d55e00", "#d9d9d9"
WORDS: dict[str, dict[Lang, str]] = {
    "estimator": {"sv": "Skattare", "en": "Estimator"},
    "outcome": {"sv": "Utfall", "en": "Outcome"},
    "controls": {"sv": "Kovariater", "en": "Controls"},
    "sample": {"sv": "Urval", "en": "Sample"},
    "weights": {"sv": "Vikter", "en": "Weights"},
    "adoption": {"sv": "Startår", "en": "Adoption year"},
    "cs_cohort": {"sv": "Callaway–Sant'Anna, kohort", "en": "Callaway–Sant'Anna, cohort"},
    "cs_simple": {"sv": "Callaway–Sant'Anna, enkel", "en": "Callaway–Sant'Anna, simple"},
    "before_after": {"sv": "medel efter mot före", "en": "mean after against before"},
    "detrended": {"sv": "egen linjär trend", "en": "own linear trend"},
    "twfe": {"sv": "tvåvägs fasta effekter", "en": "two-way fixed effects"},
    "none": {"sv": "inga", "en": "none"},
    "all": {"sv": "alla", "en": "all"},
    "equal": {"sv": "lika", "en": "equal"},
    "effect": {"sv": "Skattad effekt", "en": "Estimated effect"},
    "rank": {"sv": "Specifikation, ordnad efter skattning", "en": "Specification, by estimate"},
    "median": {"sv": "median", "en": "median"},
}


def _word(key: str, lang: Lang) -> str:
    return WORDS[key][lang] if key in WORDS else key


def draw(curve: SpecificationCurve, lang: Lang) -> Figure:
    """Draw sorted estimates above and the choices behind each below.

    Parameters
    ----------
    curve : SpecificationCurve
        The curve.
    lang : {"sv", "en"}
        Language of the labels.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels that share the horizontal axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    table = curve.tidy()
    names = list(curve.choices[0])
    # a dimension with one choice says nothing
    shown = [d for d in names if table[d].nunique() > 1] or names[:1]
    rows = [(d, c) for d in shown for c in dict.fromkeys(table[d])]
    figure = Figure(figsize=(7.2, 2.8 + 0.2 * len(rows) + 0.12 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(
        2,
        1,
        sharex=True,
        gridspec_kw={"height_ratios": [2.6, 0.2 * len(rows) + 0.12 * len(shown) + 0.2]},
    )
    rank = np.arange(1, len(table) + 1)
    estimate = table["estimate"].to_numpy()
    sure = table["p_value"].to_numpy() <= curve.alpha
    size = float(np.clip(1500 / len(table), 4, 30))
    above.fill_between(
        rank, table["null_low"], table["null_high"], color=NULL, lw=0, label=_band(curve, lang)
    )
    above.axhline(0, color="0.4", lw=0.8)
    median = float(np.median(estimate))
    above.axhline(
        median,
        color="0.2",
        lw=0.9,
        ls="--",
        label=f"{_word('median', lang)} {number(median, lang, 2)}",
    )
    above.scatter(
        rank[~sure], estimate[~sure], s=size, facecolors="none", edgecolors=UNSURE, lw=0.8,
        label=_p_label(curve, ">", lang),
    )  # fmt: skip
    above.scatter(rank[sure], estimate[sure], s=size, color=SURE, label=_p_label(curve, "≤", lang))
    above.set_ylabel(_word("effect", lang))
    figure.legend(fontsize=7, frameon=False, loc="outside upper center", ncols=4)
    decimals = axis_decimals(*above.get_ylim())
    above.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))
    _choices(below, table, rows, shown, rank, sure, lang)
    below.set_xlabel(_word("rank", lang))
    below.set_xlim(0, len(table) + 1)
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _choices(
    ax: Any,
    table: Any,
    rows: list[tuple[str, str]],
    shown: list[str],
    rank: np.ndarray,
    sure: np.ndarray,
    lang: Lang,
) -> None:
    """Mark which choices each specification makes, one line per choice."""
    places, labels, y = [], [], 0.0
    width = float(np.clip(150 / len(table), 0.7, 2.5))
    for d in shown:
        y += 0.6
        ax.text(
            1.005, y + 0.1, _word(d, lang), transform=ax.get_yaxis_transform(), fontsize=7,
            fontweight="bold", va="center",
        )  # fmt: skip
        for dimension, choice in rows:
            if dimension != d:
                continue
            used = (table[d] == choice).to_numpy()
            for mask, colour in ((used & ~sure, UNSURE), (used & sure, SURE)):
                ax.scatter(rank[mask], np.full(mask.sum(), y), marker="|", s=18, lw=width, c=colour)
            places.append(y)
            labels.append(_word(choice, lang))
            y += 1.0
    ax.set_yticks(places, labels, fontsize=7)
    ax.set_ylim(y, -0.6)
    ax.tick_params(axis="y", length=0)


def _p_label(curve: SpecificationCurve, relation: str, lang: Lang) -> str:
    share = float(np.mean(np.array(curve.p_value) <= curve.alpha))
    part = share if relation == "≤" else 1 - share
    return f"p {relation} {number(curve.alpha, lang, 2)} ({per_cent(part, lang)})"


def _band(curve: SpecificationCurve, lang: Lang) -> str:
    share = level(1 - curve.alpha, lang)
    return f"{share} av placebokurvorna" if lang == "sv" else f"{share} of placebo curves"
