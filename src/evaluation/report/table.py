"""A table of the report, and how its cells are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.language import Lang, interval, level, number
from evaluation.report.words import word

__all__ = [
    "Results",
    "Table",
    "bounds_cell",
    "estimate_cells",
    "headings",
    "interval_cell",
    "literal",
    "p_cell",
    "plain_text",
    "raw_row",
    "value_cell",
]

Results = Mapping[str, Any]
# a bar is escaped with the whole row
_MARKUP = re.compile(r"([!-/:-@\[-`{}~])")
_FORMULA = re.compile(r"[=+\-@\t\r](?!\d*[.,]?\d*$)")


def literal(text: str) -> str:
    r"""Return a text from a stranger's file as Markdown that shows it as it stands.

    Examples
    --------
    >>> print(literal("<b> *a*"))
    \<b\> \*a\*
    """
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def plain_text(text: str) -> str:
    """Return a text from a stranger's file so that no spreadsheet takes it for a formula.

    Examples
    --------
    >>> plain_text("=1+1"), plain_text("-"), plain_text("-1,5")
    ("'=1+1", '-', '-1,5')
    """
    return f"'{text}" if _FORMULA.match(text) else text


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    key : str
        File name of the CSV, without ending.
    title : str
        Caption.
    header : tuple of str
        Column headings.
    rows : tuple of tuple of str
        Cells, formatted.
    source : str
        The source line.
    raw : pandas.DataFrame
        The same content unrounded, for the CSV.
    numeric : frozenset of int
        Columns to be set flush right.
    cards : bool
        Whether a narrow screen shows each row as a card, because it has too many columns
        or long texts.
    """

    key: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    raw: pd.DataFrame = field(repr=False)
    numeric: frozenset[int] = frozenset()
    cards: bool = False

    def markdown(self) -> str:
        """Return the table as a pipe table whose column widths follow the content."""
        rows = [
            tuple(
                # a number or an interval must not break over two lines
                c.replace(" ", "\u00a0") if i in self.numeric else c
                for i, c in enumerate(row)
            )
            for row in self.rows
        ]
        cells = [self.header, *rows]
        dashes = []
        for i in range(len(self.header)):
            column = [row[i] for row in cells]
            word = max(len(w) for text in column for w in (text.split(" ") or [""]))
            rest = max(len(text) for text in column) - word
            width = word + 4 + min(rest, 120) // 2
            dashes.append("-" * (width - 1) + ":" if i in self.numeric else ":" + "-" * (width - 1))
        lines = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in cells]
        return "\n".join([lines[0], f"|{'|'.join(dashes)}|", *lines[1:]])


def value_cell(value: float | None, lang: Lang, decimals: int = 2) -> str:
    """Write a number, or a dash where there is none."""
    return "–" if value is None else number(value, lang, decimals)


def interval_cell(bounds: list[float | None], lang: Lang) -> str:
    """Write an interval; a bound that JSON could not carry is infinite."""
    low, high = bounds
    return interval(
        float("-inf") if low is None else low, float("inf") if high is None else high, lang
    )


def bounds_cell(low: float | None, high: float | None, lang: Lang) -> str:
    """Write an interval, or a dash where it says nothing: without an error, or without an end."""
    return "–" if low is None or high is None else interval(low, high, lang)


def p_cell(value: float | None, lang: Lang) -> str:
    """Write a p-value."""
    if value is None:
        return "–"
    return f"< {number(0.001, lang, 3)}" if value < 0.001 else number(value, lang, 3)


def estimate_cells(e: Mapping[str, Any], lang: Lang) -> tuple[str, str, str]:
    """Write an estimate, its interval and its p-value."""
    return (
        value_cell(e["estimate"], lang),
        interval_cell(e["conf_int"], lang),
        p_cell(e["p_value"], lang),
    )


def raw_row(e: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an estimate as a row of the CSV."""
    if e is None:
        return {}
    return {
        "estimate": e["estimate"],
        "std_error": e["std_error"],
        "p_value": e["p_value"],
        "conf_low": e["conf_int"][0],
        "conf_high": e["conf_int"][1],
        "estimand": e["estimand"],
        "method": e["method"],
        "inference": e["inference"],
    }


def headings(keys: tuple[str, ...], r: Results, lang: Lang) -> tuple[str, ...]:
    """Return column headings, the level of the intervals filled in."""
    shown = level(1 - r["plan"]["estimation"]["alpha"], lang)
    return tuple(word(k, lang).format(level=shown) for k in keys)
