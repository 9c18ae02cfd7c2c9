"""What must hold of observations: one rule each, with what is said where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.observations import MISSING, OBSERVED, SEXES, STATES
from evaluation.data.places import CHANGES, NATION, canonical, codes, explain
from evaluation.data.registry import REGISTRY, Indicator
from evaluation.errors import InputError

__all__ = ["FIRST_YEAR", "LAST_YEAR", "PERTURBATION", "RULES", "TEXT", "Mask", "Rule", "Table"]

FIRST_YEAR: Final = 1968
"""Before it there is no population register to make such series from."""
LAST_YEAR: Final = 2100
PERTURBATION: Final = 5
"""Persons that the source's random protection may move one count by: an assumption, since the
source says only that it is a small whole number."""
PERTURBED_FROM: Final = 2025
SHARE_OF_PERTURBED: Final = 1.0
"""Percentage points by which the protection may move a share in the smallest municipalities."""
TEXT: Final = ("indicator", "code", "sex", "state")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """One thing that must hold: its field, what is right, and the rows where it fails."""

    name: str
    field: str
    fails: Callable[[Table], Mask]
    problem: Callable[[Table, int], str]


class Table:
    """A frame with its text columns turned into whole numbers once, for all rules."""

    def __init__(self, frame: pd.DataFrame, origin: str | None) -> None:
        self.frame = frame
        self.origin = origin
        self.value = frame["value"].to_numpy(dtype=float, na_value=np.nan)
        self.year = frame["year"].to_numpy(dtype=np.int64)
        self.number: dict[str, npt.NDArray[np.int64]] = {}
        self.names: dict[str, list[str]] = {}
        for column in TEXT:
            number, names = pd.factorize(frame[column])
            self.number[column] = number.astype(np.int64)
            self.names[column] = [str(n) for n in names]
        self.observed = self._is("state", OBSERVED)
        self.missing = self._is("state", MISSING)

    def text(self, column: str, row: int) -> str:
        """Return a text cell."""
        return self.names[column][int(self.number[column][row])]

    def where(self, column: str, holds: Callable[[str], bool]) -> Mask:
        """Return the rows whose text holds, asked once per different text."""
        answers = np.array([holds(n) for n in self.names[column]], dtype=bool)
        return answers[self.number[column]]

    def _is(self, column: str, text: str) -> Mask:
        return self.where(column, lambda found: found == text)

    def known(self, pick: Callable[[Indicator], float | None], default: float) -> Any:
        """Return a number of each row's indicator, the default where it has none."""
        found = [pick(REGISTRY[n]) if n in REGISTRY else None for n in self.names["indicator"]]
        table = np.array([default if f is None else f for f in found], dtype=float)
        return table[self.number["indicator"]]

    @cached_property
    def cell(self) -> npt.NDArray[np.int64]:
        """One whole number per indicator, municipality of today and year."""
        first, years = self.year.min(), self.year.max() - self.year.min() + 1
        place = [canonical(n) if _is_place(n) else n for n in self.names["code"]]
        same = pd.factorize(np.array(place, dtype=object))[0].astype(np.int64)
        out = self.number["indicator"] * len(place) + same[self.number["code"]]
        return np.asarray(out * years + (self.year - first), dtype=np.int64)

    @cached_property
    def sex(self) -> npt.NDArray[np.int64]:
        """0, 1, 2 for T, K, M and 3 for anything else."""
        order = {s: i for i, s in enumerate(SEXES)}
        table = np.array([order.get(n, 3) for n in self.names["sex"]], dtype=np.int64)
        return table[self.number["sex"]]

    @cached_property
    def triples(self) -> npt.NDArray[np.int64]:
        """Shape (3, cells): the rows of total, women and men where all three are observed."""
        rows = np.flatnonzero(self.observed & (self.sex < 3))
        key = self.cell[rows] * 4 + self.sex[rows]
        order = np.argsort(key, kind="stable")
        rows, key = rows[order], key[order]
        # T, K, M of one cell follow each other; a cell with a row too many is told elsewhere
        whole = (key[:-2] % 4 == 0) & (key[1:-1] == key[:-2] + 1) & (key[2:] == key[:-2] + 2)
        first = np.flatnonzero(whole)
        return np.array([rows[first], rows[first + 1], rows[first + 2]], dtype=np.int64)

    def key(self, row: int) -> str:
        """Name a row by its key."""
        return f"{self.text('indicator', row)} {self.text('code', row)} {self.year[row]} " + (
            self.text("sex", row)
        )


def _is_place(code: str) -> bool:
    return code == NATION or code in codes() or any(code == c.before for c in CHANGES)


def _not_in_year(t: Table) -> Mask:
    """Return the values of a municipality in a year in which it was none, or had another code."""
    wrong = np.zeros(len(t.year), dtype=bool)
    for c in CHANGES:
        if c.kind == "recoded":
            wrong |= t.where("code", lambda n, c=c: n == c.before) & (t.year >= c.year)  # type: ignore[misc]
        else:
            wrong |= t.where("code", lambda n, c=c: n == c.code) & (t.year < c.year)  # type: ignore[misc]
    return wrong & ~t.missing


def _history(t: Table, row: int) -> str:
    try:
        canonical(t.text("code", row), int(t.year[row]))
    except InputError as error:
        return error.problem
    raise AssertionError("asked about a code that is right")  # pragma: no cover


def _duplicated(t: Table) -> Mask:
    key = pd.Series(t.cell * 4 + t.sex)
    return np.asarray(key.duplicated().to_numpy() & (t.sex < 3))


def _out_of_range(t: Table) -> Mask:
    low = t.known(lambda i: None if i.parts else i.lowest, -np.inf)
    high = t.known(lambda i: None if i.parts else i.highest, np.inf)
    with np.errstate(invalid="ignore"):
        return np.asarray(t.observed & ((t.value < low) | (t.value > high)))


def _range(t: Table, row: int) -> str:
    i = REGISTRY[t.text("indicator", row)]
    right = f"at least {i.lowest:g}" if i.highest is None else f"from {i.lowest:g} to {i.highest:g}"
    return f"{t.key(row)}: {t.value[row]:g} is impossible; {i.label_en} is {right}"


def _not_whole(t: Table) -> Mask:
    whole = t.known(lambda i: float(i.scale in ("count", "flag")), 0.0) > 0
    with np.errstate(invalid="ignore"):
        return np.asarray(t.observed & whole & (t.value != np.rint(t.value)))


def _tolerance(t: Table, rows: npt.NDArray[np.int64], scale: str) -> npt.NDArray[np.float64]:
    """Return by how much women, men and total may disagree: rounding, and random protection."""
    decimals = t.known(lambda i: i.decimals, 0.0)[rows]
    since = t.known(lambda i: i.perturbed_from, np.inf)[rows]
    if t.origin == "SCB":
        since = np.minimum(since, PERTURBED_FROM)
    # three rounded numbers in a sum, two in a comparison of shares; half a unit each
    rounding = (1.5 if scale == "count" else 1.0) * 10.0**-decimals
    moved = 3.0 * PERTURBATION if scale == "count" else SHARE_OF_PERTURBED
    return np.asarray(rounding + np.where(t.year[rows] >= since, moved, 0.0) + 1e-9)


def _disagreeing(t: Table) -> Mask:
    """Return the totals that women and men do not make, or between which a share does not lie."""
    wrong = np.zeros(len(t.year), dtype=bool)
    for scale in ("count", "share"):
        of_scale = t.where("indicator", lambda n, s=scale: n in REGISTRY and REGISTRY[n].scale == s)  # type: ignore[misc]
        total, women, men = t.triples[:, of_scale[t.triples[0]]]
        tolerance = _tolerance(t, total, scale)
        if scale == "count":
            off = np.abs(t.value[women] + t.value[men] - t.value[total]) > tolerance
        else:
            low = np.minimum(t.value[women], t.value[men]) - tolerance
            high = np.maximum(t.value[women], t.value[men]) + tolerance
            off = (t.value[total] < low) | (t.value[total] > high)
        wrong[total[off]] = True
    return wrong


def _parts(t: Table, row: int) -> str:
    here = int(np.flatnonzero(t.triples[0] == row)[0])
    women, men = (float(t.value[t.triples[s, here]]) for s in (1, 2))
    scale = REGISTRY[t.text("indicator", row)].scale
    tolerance = float(_tolerance(t, np.array([row]), scale)[0])
    if scale == "count":
        right = f"women {women:g} and men {men:g} make {women + men:g}"
    else:
        right = f"it must lie between women's {women:g} and men's {men:g}"
    return f"{t.key(row)}: the total is {t.value[row]:g}, but {right} (tolerance {tolerance:g})"


def _after_the_end(t: Table) -> Mask:
    last = t.known(lambda i: i.years[1] if i.ended else None, np.inf)
    return np.asarray(t.observed & (t.year > last))


RULES: Final = (
    Rule(
        "code",
        "code",
        lambda t: ~t.where("code", _is_place),
        lambda t, row: explain(t.text("code", row)),
    ),
    Rule("code in its year", "code", _not_in_year, _history),
    Rule(
        "year",
        "year",
        lambda t: (t.year < FIRST_YEAR) | (t.year > LAST_YEAR),
        lambda t, row: (
            f"{t.year[row]} is no year of these series; right is {FIRST_YEAR}–{LAST_YEAR}"
        ),
    ),
    Rule(
        "sex",
        "sex",
        lambda t: ~t.where("sex", lambda n: n in SEXES),
        lambda t, row: (
            f"{t.text('sex', row)!r} is no letter for sex; right are T (total), K (women), M (men)"
        ),
    ),
    Rule(
        "state",
        "state",
        lambda t: ~t.where("state", lambda n: n in STATES),
        lambda t, row: f"{t.text('state', row)!r} is no state; right are {', '.join(STATES)}",
    ),
    Rule(
        "value of its state",
        "value",
        lambda t: t.where("state", lambda n: n in STATES) & (t.observed != np.isfinite(t.value)),
        lambda t, row: (
            f"{t.key(row)}: the value is {t.value[row]:g} and the state {t.text('state', row)}; "
            f"{OBSERVED} needs a finite value, the others have none"
        ),
    ),
    Rule("range", "value", _out_of_range, _range),
    Rule(
        "whole number",
        "value",
        _not_whole,
        lambda t, row: f"{t.key(row)}: {t.value[row]:g} must be a whole number",
    ),
    Rule(
        "ended",
        "year",
        _after_the_end,
        lambda t, row: (
            f"{t.key(row)}: the series ended in {REGISTRY[t.text('indicator', row)].years[1]}"
        ),
    ),
    Rule(
        "once",
        "code",
        _duplicated,
        lambda t, row: f"{t.key(row)} stands twice",
    ),
    Rule("women and men against total", "value", _disagreeing, _parts),
)
