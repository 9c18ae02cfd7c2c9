"""One figure of a document: what is printed, and between what it lies."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from evaluation.data import embedded
from evaluation.errors import InputError

__all__ = ["Figure", "document_figures", "read_number"]

# a figure in one of these units was computed and rounded; other whole numbers were counted, and
# what somebody decided (a target, a principle, a rule) is exact
ROUNDED = frozenset({"per cent", "per cent change", "ratio", "per 1000 inhabitants", "posts"})
DECIDED = frozenset({"target", "principle", "rule", "definition"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read_number(text: str) -> float | None:
    """Read a number or a date (as its day's number); None for a range or words.

    Examples
    --------
    >>> read_number("3.77"), read_number("-21"), read_number("20-30"), read_number("2010-12-01")
    (3.77, -21.0, None, 734107.0)
    """
    if _DATE.fullmatch(text):
        return float(datetime.date.fromisoformat(text).toordinal())
    return float(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True)
class Figure:
    """One figure, as it is printed.

    Parameters
    ----------
    id : str
        ``F001`` to ``F200``.
    value, unit : str
        The figure with a decimal point, and its unit.
    printed : str
        What the document prints, where its unit is another.
    qualifier : {"", "approx", "min", "max", "range"}
        How exact the document says it is.
    year, geography, level, sex : str
        What it is about.
    indicator, kind : str
        Own label; observed, claim, target, rule, definition, survey or principle.
    source_named : str
        Whom the document names as source.
    model, role, denominator : str
        The model it belongs to, as what, and whom a share is of; empty where none.
    document, line, note : str
        Where it stands, and what a reader must know.
    """

    id: str
    value: str
    unit: str
    printed: str
    qualifier: str
    year: str
    geography: str
    level: str
    sex: str
    indicator: str
    kind: str
    source_named: str
    model: str
    role: str
    denominator: str
    document: str
    line: str
    note: str

    @property
    def number(self) -> float | None:
        """The value as a number, a date as its day's number; None for a range or words."""
        return read_number(self.value)

    @property
    def rounding(self) -> float:
        """How far the true value may lie from the printed one.

        Half a unit of the last printed decimal for what was computed, of the last digit that
        is not zero for what is called approximate, nothing for what was counted or decided.

        Examples
        --------
        >>> document_figures()["F128"].value, document_figures()["F128"].rounding
        ('3.77', 0.005)
        >>> document_figures()["F086"].value, document_figures()["F086"].rounding
        ('54000', 500.0)
        """
        if self.qualifier == "approx":
            digits = self.value.lstrip("-").rstrip("0")
            whole = "." not in self.value
            zeros = len(self.value.lstrip("-")) - len(digits) if whole else 0
            return 0.5 * 10.0 ** (zeros if whole else -_decimals(self.value))
        if self.unit in ROUNDED and self.kind not in DECIDED:
            return 0.5 * 10.0 ** -_decimals(self.value)
        return 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value that the printed one stands for; infinite where open.

        Raises
        ------
        InputError
            If it is no single number.
        """
        value = self.number
        if value is None:
            raise InputError(f"{self.value!r} is no number", field=self.id)
        low = -math.inf if self.qualifier == "max" else value - self.rounding
        high = math.inf if self.qualifier == "min" else value + self.rounding
        return low, high


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


@cache
def document_figures() -> Mapping[str, Figure]:
    """Return the figures that ship, by id.

    Examples
    --------
    >>> len(document_figures()), document_figures()["F030"].value
    (200, '5574')
    """
    table = embedded.load("document_figures").fillna("").rename(columns={"figure": "id"})
    rows = (Figure(**{str(k): str(v) for k, v in row.items()}) for row in table.to_dict("records"))
    return MappingProxyType({f.id: f for f in rows})
