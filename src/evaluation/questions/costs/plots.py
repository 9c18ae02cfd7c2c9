"""The cost model's figures, drawn on given axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.language import Lang, number
from evaluation.questions.costs.sensitivity import TornadoBar
from evaluation.questions.costs.words import quantity_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PLOTS", "Drawn", "acceptability_plot", "path_plot", "plane_plot", "tornado_plot"]

INK, PALE, ACCENT, GREY = "#1b4965", "#bcd4e6", "#c8553d", "#6c757d"
MOST_BARS = 10
_WORDS: Mapping[str, tuple[str, str]] = {
    "without": ("utan arbetssättet", "without the programme"),
    "with": ("med arbetssättet", "with the programme"),
    "band": ("intervall över dragningarna", "interval over the draws"),
    "assistance": ("bistånd, tkr", "assistance, thousand kronor"),
    "net": ("kommunens netto, tkr", "the municipality's net, thousand kronor"),
    "gained": (
        "fler i arbete eller studier, personer",
        "more in work or studies, persons",
    ),
    "cost": ("nettokostnad, tkr", "net cost, thousand kronor"),
    "willingness": (
        "högsta pris per person i arbete eller studier, tkr",
        "most paid per person in work or studies, thousand kronor",
    ),
    "probability": ("sannolikhet, %", "probability, %"),
    "low": ("lågt värde", "low value"),
    "high": ("högt värde", "high value"),
    "value": ("vid angivna värden", "at the stated values"),
    "threshold": ("högsta pris per person", "most paid per person"),
}


@dataclass(frozen=True)
class Drawn:
    """What the plots show, as it stands in a result's plain types with their points.

    Parameters
    ----------
    path, acceptability : pandas.DataFrame
        By year, and by willingness to pay.
    tornado : tuple of TornadoBar
        The longest first.
    net : float
        The municipality's net at the stated values.
    gained, cost : numpy.ndarray
        The draws that the plane shows.
    willingness : float
        Most paid per person more in work or studies.
    """

    path: pd.DataFrame
    acceptability: pd.DataFrame
    tornado: tuple[TornadoBar, ...]
    net: float
    gained: np.ndarray
    cost: np.ndarray
    willingness: float

    @classmethod
    def read(cls, r: Mapping[str, Any]) -> Drawn:
        """Take it out of ``CostResult.to_dict(points=True)``, or of that read back."""
        bars = ({k: v for k, v in bar.items() if k != "span"} for bar in r["tornado"])
        return cls(
            path=pd.DataFrame(r["path"]),
            acceptability=pd.DataFrame(r["acceptability"]),
            tornado=tuple(TornadoBar(**bar) for bar in bars),
            net=r["finding"]["estimates"]["net_municipality"]["estimate"],
            gained=np.array(r["points"]["gained"]),
            cost=np.array(r["points"]["cost"]),
            willingness=r["willingness_to_pay"],
        )


def _word(key: str, lang: Lang) -> str:
    return _WORDS[key][lang == "en"]


def _thousands(ax: Axes, lang: Lang, axis: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_locator(MaxNLocator(nbins=6))
    low, high = target.get_view_interval()
    decimals = 0 if high - low > 8000 else 1
    target.set_major_formatter(FuncFormatter(lambda v, _: number(v / 1000, lang, decimals)))


def path_plot(r: Drawn, ax: Axes, lang: Lang) -> None:
    """Draw assistance by year, without and with the programme, with bands.

    Parameters
    ----------
    r : Drawn
        What is shown.
    ax : matplotlib.axes.Axes
        Where to draw.
    lang : {"sv", "en"}
        Language of the labels.
    """
    from matplotlib.ticker import MaxNLocator

    t = r.path
    for name, ink, fill, style in (("without", GREY, "0.85", "--"), ("with", INK, PALE, "-")):
        low, high = t[f"cost_{name}_low"], t[f"cost_{name}_high"]
        ax.fill_between(t["year"], low, high, color=fill, alpha=0.6, lw=0)
        ax.plot(t["year"], t[f"cost_{name}"], style, color=ink, lw=2, label=_word(name, lang))
    ax.set_ylim(bottom=0)
    ax.set_ylabel(_word("assistance", lang))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    _thousands(ax, lang, "y")
    ax.legend(frameon=False, fontsize="small", loc="upper left")


def tornado_plot(r: Drawn, ax: Axes, lang: Lang) -> None:
    """Draw the net at the two ends of each uncertain quantity, the longest on top.

    Parameters
    ----------
    r : Drawn
        What is shown.
    ax : matplotlib.axes.Axes
        Where to draw.
    lang : {"sv", "en"}
        Language of the labels.
    """
    import textwrap

    bars = r.tornado[:MOST_BARS][::-1]
    middle = r.net
    for i, bar in enumerate(bars):
        low, high = bar.net_low - middle, bar.net_high - middle
        ax.barh(i, low, left=middle, color=PALE, label=_word("low", lang) if i == 0 else None)
        ax.barh(i, high, left=middle, color=INK, label=_word("high", lang) if i == 0 else None)
    names = [textwrap.fill(quantity_label(b.name, lang), 34) for b in bars]
    ax.set_yticks(range(len(bars)), names, fontsize="small")
    ax.axvline(middle, color=GREY, lw=1)
    ax.axvline(0, color=ACCENT, lw=1, ls=":")
    ax.set_xlabel(_word("net", lang))
    _thousands(ax, lang, "x")
    if bars:
        ax.legend(frameon=False, fontsize="small", loc="lower right")


def plane_plot(r: Drawn, ax: Axes, lang: Lang) -> None:
    """Draw the draws on the cost-effectiveness plane.

    Parameters
    ----------
    r : Drawn
        What is shown.
    ax : matplotlib.axes.Axes
        Where to draw.
    lang : {"sv", "en"}
        Language of the labels.
    """
    ax.plot(r.gained, r.cost, ".", color=INK, ms=2, alpha=0.35, rasterized=True)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.axvline(0, color=GREY, lw=0.8)
    at = r.willingness
    if at > 0:
        ends = np.array([r.gained.min(), r.gained.max()])
        ax.plot(ends, at * ends, ":", color=ACCENT, lw=1.2, label=_word("threshold", lang))
        ax.legend(frameon=False, fontsize="small")
    ax.set_xlabel(_word("gained", lang))
    ax.set_ylabel(_word("cost", lang))
    _thousands(ax, lang, "y")


def acceptability_plot(r: Drawn, ax: Axes, lang: Lang) -> None:
    """Draw how likely the programme is worth it, by what a success may cost.

    Parameters
    ----------
    r : Drawn
        What is shown.
    ax : matplotlib.axes.Axes
        Where to draw.
    lang : {"sv", "en"}
        Language of the labels.
    """
    t = r.acceptability
    ax.plot(t["willingness"], 100 * t["probability"], color=INK, lw=2)
    ax.set_ylim(0, 100)
    ax.set_xlabel(_word("willingness", lang))
    ax.set_ylabel(_word("probability", lang))
    _thousands(ax, lang, "x")


PLOTS: Mapping[str, Callable[[Drawn, Axes, Lang], None]] = {
    "path": path_plot,
    "tornado": tornado_plot,
    "plane": plane_plot,
    "acceptability": acceptability_plot,
}
"""The figures by name."""
