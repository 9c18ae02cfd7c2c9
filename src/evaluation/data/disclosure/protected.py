"""A protected table: what may be seen, and, for those who made it, what was hidden and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.disclosure.attack import Ranges, attack
from evaluation.data.disclosure.problem import Problem
from evaluation.data.disclosure.spec import Spec
from evaluation.language import number
from evaluation.results import Check

__all__ = ["Protected"]


@dataclass(frozen=True, repr=False)
class Protected:
    """A table with its small and telling cells hidden.

    ``tidy``, ``to_dict`` and the notebook's view hold nothing but what may be published. ``log``
    says which cells are primary, which narrows what they can be: it stays with those who may see
    the records, and so do ``problem`` and the object itself, for ``problem`` holds the original
    numbers. What leaves the house is :class:`Released`.

    Parameters
    ----------
    table : pandas.DataFrame
        The dimensions, the value (missing where hidden), derived columns, ``suppressed``, and
        ``low`` and ``high``: bounds that anyone can work out sum by sum from what is published.
    log : pandas.DataFrame
        One row per hidden cell: the dimensions, ``reason`` and ``kind`` (primary, secondary,
        worked out: a cell that is not in the table but follows from it, difference).
    spec : Spec
        The rules.
    n_cells, n_primary, n_secondary : int
        Cells of the table, and how many of them are hidden in their own right and for others.
    data_hash : str
        SHA-256 of the original cells.
    problem : Problem
        Cells, sums and demands, for the audit.
    """

    table: pd.DataFrame = field(repr=False)
    log: pd.DataFrame = field(repr=False)
    spec: Spec
    n_cells: int
    n_primary: int
    n_secondary: int
    data_hash: str
    problem: Problem = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return (
            f"<Protected, {self.n_cells} cells, {self.n_primary} hidden and"
            f" {self.n_secondary} more for their sake>"
        )

    def __getstate__(self) -> None:
        raise TypeError("a Protected holds the original numbers and is not to be written to disk")

    def tidy(self) -> pd.DataFrame:
        """Return what may be published."""
        return self.table.copy()

    def parameters(self) -> dict[str, Any]:
        """Return the rules as plain types."""
        s = self.spec
        rules = {"k": s.rules.k, "zeros": s.rules.zeros, "small_group": s.rules.small_group_of}
        out: dict[str, Any] = {**rules, "width": s.rules.width_of}
        if s.dominance is not None:
            out = asdict(s.dominance) | {"largest": list(s.dominance.largest)}
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return what may be published as plain types for JSON."""
        rows = [
            {k: None if pd.isna(v) or v in (np.inf, -np.inf) else v for k, v in row.items()}
            for row in self.table.astype(object).to_dict("records")
        ]
        return {
            "rows": rows,
            "parameters": self.parameters(),
            "n_cells": self.n_cells,
            "n_suppressed": self.n_primary + self.n_secondary,
        }

    def _repr_html_(self) -> str:
        shown = self.table.drop(columns=["suppressed"])
        return shown.to_html(index=False, na_rep="..", border=0)

    def attack(self, *, exact: bool = False, seed: int = 0) -> Ranges:
        """Attack what is published, and nothing else, by linear and integer programming.

        Parameters
        ----------
        exact : bool
            Whether every range is followed to its ends; otherwise the attack leaves off a cell
            once its range is as wide as asked.
        seed : int
            Seed of the first directions.

        Returns
        -------
        Ranges
            Of all cells: the table's own first.
        """
        p = self.problem
        return attack(
            p.published(),
            p.constraints,
            low=p.low,
            high=p.high,
            whole=p.whole,
            target=None if exact else p.target(),
            seed=seed,
        )

    def check(self, *, exact: bool = False) -> Check:
        """Say whether the attack pins any hidden cell to a range narrower than asked.

        Parameters
        ----------
        exact : bool
            As for :meth:`attack`.

        Returns
        -------
        Check
            The statistic is the number of cells recovered too narrowly; the threshold is 0.
        """
        found = self.attack(exact=exact)
        hidden = self.problem.hidden & (self.problem.asked.width > 0)
        bad = int((~self.problem.target().met(found.low, found.high) & hidden).sum())
        n = int(hidden.sum())
        few = n - bad
        total = number(n, "sv", 0), number(n, "en", 0)
        good = number(few, "sv", 0), number(few, "en", 0)
        return Check(
            "disclosure_attack",
            bad == 0,
            f"Ett angrepp med linjär programmering mot {total[0]} dolda celler lämnar"
            f" {good[0]} med ett så brett intervall som krävs.",
            f"An attack by linear programming on {total[1]} hidden cells leaves"
            f" {good[1]} with a range as wide as asked.",
            float(bad),
            0.0,
        )
