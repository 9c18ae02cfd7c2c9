"""The horizons of one outcome drawn: points with their intervals, on given axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evaluation.language import Lang, axis_decimals, number
from evaluation.questions.horizons.words import horizon_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_horizons"]

INK, ACCENT, GREY = "#1b4965", "#c8553d", "#6c757d"
_WORDS = {
    "difference": ("skillnaden, sent minus tidigt", "the difference, late less early"),
    "headline": ("huvudresultatet, alla år", "the headline, all years"),
    "truth": ("sanningen i simuleringen", "the simulation's truth"),
    "nobody": ("syns inte i data", "not seen in the data"),
    "open": ("inget intervall", "no interval"),
}


def _word(key: str, lang: Lang) -> str:
    return _WORDS[key][0 if lang == "sv" else 1]


def _count(n: int, lang: Lang) -> str:
    one, many = ("kommun", "kommuner") if lang == "sv" else ("municipality", "municipalities")
    return f"{n} {one if n == 1 else many}"


def draw_horizons(
    h: Mapping[str, Any], headline: Mapping[str, Any], ax: Axes, lang: Lang, unit: str
) -> None:
    """Draw the headline, every horizon and the difference under each other.

    Parameters
    ----------
    h : mapping
        ``Horizons.to_dict()``, or read back.
    headline : mapping
        ``Estimate.to_dict()`` of the outcome's headline.
    ax : matplotlib.axes.Axes
        Where.
    lang : {"sv", "en"}
        Language.
    unit : str
        Of the change.
    """
    d, truth = h["duration"], (h.get("truth") or {}).get("horizons", {})
    rows: list[tuple[str, Mapping[str, Any] | None, float | None, str]] = [
        (_word("headline", lang), headline, None, GREY)
    ]
    for x in d["horizons"]:
        label = horizon_name(x["key"], lang)
        if x["estimate"] is not None:
            label += f"\n({_count(len(x['codes']), lang)})"
        rows.append((label, x["estimate"], truth.get(x["key"]), INK))
    if d["difference"] is not None:
        label = f"{_word('difference', lang)}\n({_count(d['difference']['n_treated_units'], lang)})"
        rows.append((label, d["difference"], truth.get("difference"), ACCENT))
    for i, (_, e, real, colour) in enumerate(rows):
        if e is None:
            ax.text(0, i, f" {_word('nobody', lang)}", va="center", color=GREY, fontsize="small")
            continue
        low, high = e["conf_int"]
        if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
            ax.plot([low, high], [i, i], color=colour, lw=2, solid_capstyle="butt")
        else:
            ax.annotate(
                _word("open", lang),
                (e["estimate"], i),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                color=GREY,
                fontsize="small",
            )
        ax.plot([e["estimate"]], [i], "o", color=colour, ms=6)
        if real is not None:
            ax.plot([real], [i], "D", mfc="white", mec=ACCENT, ms=6, label=_word("truth", lang))
    ax.axvline(0, color=GREY, lw=0.8)
    ax.axhline(0.5, color=GREY, lw=0.5, ls=":")
    ax.set_yticks(range(len(rows)), [label for label, *_ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(unit)
    # the ends may be open: one decimal more than the axis spans would need is never wrong
    from matplotlib.ticker import FuncFormatter

    decimals = axis_decimals(*ax.xaxis.get_view_interval())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        # a row of its own, so that it lies on no interval
        ax.set_ylim(len(rows) + 0.2, -0.5)
        ax.legend(
            handles[:1], labels[:1], frameon=False, fontsize="small", loc="lower right",
            borderaxespad=0,
        )  # fmt: skip
