"""A table's cells with what is at risk in it: what a protection starts from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.layout import Layout, lay_out
from evaluation.data.disclosure.primary import (
    Reasons,
    amounts_at_risk,
    counts_at_risk,
    flag_column,
)
from evaluation.data.disclosure.problem import Asked
from evaluation.data.disclosure.spec import Spec

__all__ = ["Part", "hash_of", "part_of", "width_of"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """A table's cells with what is at risk and what is hidden or fixed from the start.

    Parameters
    ----------
    layout : Layout
        Cells, values, sums.
    reason : numpy.ndarray
        Shape (cells,): why a cell is at risk, empty where it is not.
    asked : Asked
        What its range must satisfy.
    hidden, fixed : numpy.ndarray
        Shape (cells,): hidden from the start; public, so that it cannot be hidden.
    """

    layout: Layout
    reason: Reasons
    asked: Asked
    hidden: _Bools
    fixed: _Bools


def part_of(table: pd.DataFrame, spec: Spec) -> Part:
    """Lay a table out and say what of it is at risk.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per cell.
    spec : Spec
        What it holds and the rules.

    Returns
    -------
    Part
        Primary cells hidden, and those that are worked out; what is public fixed.

    Raises
    ------
    InputError
        If the table is not sound.
    """
    for known in spec.known_sums:
        flag_column(table, known.rows, len(table))
    layout = lay_out(
        table,
        spec.value,
        spec.by,
        spec.sums,
        spec.flow,
        whole=spec.dominance is None,
        known_sums=spec.known_sums,
    )
    if spec.dominance is None:
        reason, asked = counts_at_risk(layout, spec)
    else:
        reason, asked = amounts_at_risk(layout, table, spec.dominance)
    size = len(layout.values)
    fixed = flag_column(table, spec.known, size) | layout.known
    reason[flag_column(table, spec.withhold, size) & (reason == "")] = "withheld"
    asked.width[:] = np.where(
        (reason == "withheld") & ~fixed,
        np.maximum(asked.width, width_of(layout, spec)),
        asked.width,
    )
    for a in (asked.width, asked.above, asked.below):
        a[fixed] = 0.0  # what is public is no secret any more
    reason[fixed] = ""
    hidden = reason != ""
    hidden[layout.n_published :] = ~layout.known[layout.n_published :]
    return Part(layout, reason, asked, hidden, fixed)


def width_of(layout: Layout, spec: Spec) -> _Floats:
    """Return the width asked of a cell that is hidden for the sake of others."""
    if spec.dominance is not None:
        return spec.dominance.p / 100 * layout.values
    return np.full(len(layout.values), float(spec.rules.width_of))


def hash_of(layout: Layout) -> str:
    """Return the SHA-256 of a table's cells and values."""
    text = layout.keys.assign(value=layout.values).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()
