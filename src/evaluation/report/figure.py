"""A figure of the report: what stands beside it, and how all figures are set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.language import Lang, axis_decimals, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

__all__ = [
    "ACCENT",
    "GREY",
    "INK",
    "PALE",
    "WIDTH",
    "Figure",
    "blank",
    "capital",
    "number_axis",
    "style",
    "year_axis",
]

# narrow, so that the lettering is still readable on a phone
WIDTH = 5.6
INK, PALE, ACCENT, GREY = "#1b4965", "#bcd4e6", "#c8553d", "#6c757d"


@dataclass(frozen=True)
class Figure:
    """One figure with what a reader needs beside it.

    Parameters
    ----------
    key : str
        File name without ending.
    title, alt, source : str
        Caption, text alternative, source line.
    drawing : matplotlib.figure.Figure
        The drawing.
    notice : str
        What the file must say besides; empty for real data.
    """

    key: str
    title: str
    alt: str
    source: str
    drawing: MplFigure = field(repr=False, compare=False)
    notice: str = ""

    def save(self, path: Path) -> None:
        """Write SVG or PNG, by the ending; no date goes into the file."""
        metadata: dict[str, str | None]
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
        if self.notice:
            metadata["Title"] = self.notice
        with style():
            self.drawing.savefig(path, metadata=metadata, dpi=160)


@contextmanager
def style() -> Iterator[None]:
    """Set the report's look within the block."""
    import matplotlib as mpl
    import seaborn as sns

    settings = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper", font_scale=1.1),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "axes.edgecolor": GREY,
        "svg.hashsalt": "integration-evaluation",
        "svg.fonttype": "path",
        "axes.unicode_minus": True,
    }
    with mpl.rc_context(settings):
        yield


def blank(width: float, height: float, rows: int = 1, columns: int = 1, **kw: Any) -> Any:
    """Return a drawing and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MplFigure

    drawing = MplFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing, drawing.subplots(rows, columns, **kw)


def number_axis(ax: Axes, lang: Lang, axis: str = "y") -> None:
    """Write tick labels in the language, with as many decimals as the axis spans need."""
    from matplotlib.ticker import FuncFormatter

    target = ax.yaxis if axis == "y" else ax.xaxis
    decimals = axis_decimals(*target.get_view_interval())
    target.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))


def year_axis(ax: Axes, most: int = 6) -> None:
    """Tick whole years, few enough to be read."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=most))


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[0].upper() + text[1:]
