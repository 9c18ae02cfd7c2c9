"""Figures of retention: who is still there, with those at risk beneath, and where they went."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evaluation.data.observations import SIMULATED
from evaluation.language import Lang, axis_decimals, number
from evaluation.questions.retention.described import kind_name
from evaluation.questions.retention.result import Retention
from evaluation.report.figure import ACCENT, GREY, INK, WIDTH, Figure, blank, style

__all__ = ["retention_figures"]

_COLOURS = (INK, ACCENT, GREY, "#3a7d44", "#8e6c8a", "#b08900")
_WORDS = {
    "months": ("månader sedan mottagandet", "months since reception"),
    "stay": ("andel kvar i kommunen, %", "share still in the kommun, %"),
    "left": ("andel som flyttat, %", "share that has left, %"),
    "at_risk": ("under observation", "at risk"),
    "title_km": ("Kvar i kommunen", "Still in the kommun"),
    "title_cif": ("Varthän de flyttat", "Where they moved"),
    "source": ("Källa", "Source"),
}


def _word(key: str, lang: Lang) -> str:
    return _WORDS[key][lang == "en"]


def _ticks(horizon: int, width: int) -> list[int]:
    steps = (s for s in (1, 3, 6, 12, 24, 60, 120) if s % width == 0 and horizon / s <= 6)
    return list(range(0, horizon + 1, next(steps, horizon)))


def _axis(ax: Any, r: Retention, lang: Lang, top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0, r.horizon)
    ax.set_ylim(0, top)
    ax.set_xticks(_ticks(r.horizon, r.life.width))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    decimals = axis_decimals(0, 100 * top)
    ax.yaxis.set_major_formatter(lambda v, _: number(100 * v, lang, decimals))


def _curve(ax: Any, rows: pd.DataFrame, start: float, colour: str, label: str, width: int) -> None:
    month = [0, *rows["month"]]
    low, high, line = ([start, *rows[c]] for c in ("conf_low", "conf_high", "estimate"))
    if width == 1:
        ax.fill_between(month, low, high, step="post", color=colour, alpha=0.18, lw=0)
        ax.step(month, line, where="post", color=colour, lw=1.5, label=label)
    else:
        # known at the ends of the steps, not within
        ax.fill_between(month, low, high, color=colour, alpha=0.18, lw=0)
        ax.plot(month, line, color=colour, lw=1.5, marker="o", ms=3, label=label)


def _staying(r: Retention, lang: Lang) -> Any:
    groups = r.curves.groups
    height = 3.0 + 0.22 * len(groups)
    ratio = {"height_ratios": [2.6, 0.35 + 0.2 * len(groups)]}
    drawing, (ax, beneath) = blank(WIDTH, height, 2, 1, gridspec_kw=ratio)
    for i, g in enumerate(groups):
        rows = r.curves.table[r.curves.table["group"] == g]
        _curve(ax, rows, 1.0, _COLOURS[i % len(_COLOURS)], r.group_name(g, lang), r.life.width)
    _axis(ax, r, lang, 1.0)
    ax.set_ylabel(_word("stay", lang))
    ax.set_xlabel(_word("months", lang))
    if len(groups) > 1:
        ax.legend(frameon=False, loc="lower left")
    beneath.set_axis_off()
    beneath.set_xlim(0, r.horizon)
    beneath.set_ylim(-len(groups), 1)
    beneath.text(0, 0.55, _word("at_risk", lang), fontsize=8, color=GREY, ha="left")
    left = r.life.left_after()
    for i, g in enumerate(groups):
        own = r.curves.table[r.curves.table["group"] == g]
        # those at risk in a step are there at its start
        start = own["month"] - r.life.width
        seen: dict[int, int | None] = dict(
            zip(start.tolist(), own["at_risk"].tolist(), strict=True)
        )
        seen[r.horizon] = left[i]
        for t in _ticks(r.horizon, r.life.width):
            n = seen.get(t)
            align = "left" if t == 0 else "right" if t == r.horizon else "center"
            text = "–" if n is None else number(float(n), lang, 0)
            colour = _COLOURS[i % len(_COLOURS)]
            beneath.text(t, -i - 0.5, text, fontsize=8, color=colour, ha=align)
    return drawing


def _leaving(r: Retention, lang: Lang) -> Any:
    groups, table = r.incidence.groups, r.incidence.table
    kinds = [k for k in table["kind"].unique() if table.loc[table["kind"] == k, "events"].sum()]
    columns = min(3, max(1, len(kinds)))
    lines = -(-max(1, len(kinds)) // columns)
    drawing, axes = blank(
        WIDTH, 0.9 + 1.7 * lines, lines, columns, squeeze=False, sharex=True, sharey=True
    )
    top = 1.1 * float(table["conf_high"].max()) if len(table) else 1.0
    flat = list(axes.ravel())
    for ax, kind in zip(flat, kinds, strict=False):
        for i, g in enumerate(groups):
            rows = table[(table["group"] == g) & (table["kind"] == kind)]
            _curve(ax, rows, 0.0, _COLOURS[i % len(_COLOURS)], r.group_name(g, lang), r.life.width)
        _axis(ax, r, lang, top)
        ax.set_title(kind_name(kind, lang), fontsize=9)
    for ax in flat[len(kinds) :]:
        ax.set_axis_off()
    drawing.supylabel(_word("left", lang), fontsize=9)
    drawing.supxlabel(_word("months", lang), fontsize=9)
    if len(groups) > 1:
        handles, labels = flat[0].get_legend_handles_labels()
        drawing.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(3, len(groups)),
            frameon=False,
            fontsize="small",
        )
    return drawing


def retention_figures(r: Retention, lang: Lang = "sv") -> list[Figure]:
    """Draw the curves of staying and of leaving by kind.

    Parameters
    ----------
    r : Retention
        The answer.
    lang : {"sv", "en"}
        Language of the words.

    Returns
    -------
    list of Figure
        ``retention_staying`` with those at risk beneath, and ``retention_leaving``.
    """
    notice = SIMULATED if r.simulated else ""
    mark = f" {SIMULATED}." if notice else ""
    source = f"{_word('source', lang)}: {r.source}; {r.curves.inference}.{mark}"
    figures = []
    with style():
        for key, title, draw in (
            ("retention_staying", "title_km", _staying),
            ("retention_leaving", "title_cif", _leaving),
        ):
            drawing = draw(r, lang)
            if notice:
                drawing.suptitle(notice, fontsize=8, color=ACCENT)
            alt = f"{_word(title, lang)}: {r.sentence(lang)}"
            figures.append(Figure(key, _word(title, lang), alt, source, drawing, notice))
    return figures
