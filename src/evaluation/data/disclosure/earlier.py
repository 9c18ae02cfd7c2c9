"""Earlier releases beside a new one: what both say about a cell is said together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.constraints import Constraints, stacked
from evaluation.data.disclosure.layout import Layout
from evaluation.data.disclosure.parts import Part, hash_of, part_of, width_of
from evaluation.data.disclosure.problem import Asked
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError

__all__ = ["Previous", "earlier_part", "joined"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Previous:
    """An earlier release: the table as it was before protection, and how it was protected.

    Parameters
    ----------
    table : pandas.DataFrame
        The original.
    protected : Protected
        What was released of it.
    """

    table: pd.DataFrame = field(repr=False)
    protected: Protected


def earlier_part(before: Previous, spec: Spec) -> Part:
    """Return the earlier release's cells: what it published is fixed."""
    then = before.protected.spec
    if (then.value, then.by, then.dominance is None) != (
        spec.value,
        spec.by,
        spec.dominance is None,
    ):
        raise InputError("the earlier release has other columns; they must agree", field="before")
    part = part_of(before.table, then)
    hidden, n = part.hidden.copy(), part.layout.n_published
    if n != before.protected.n_cells or hash_of(part.layout) != before.protected.data_hash:
        raise InputError("the earlier table is not the one that was protected", field="before")
    hidden[:n] = before.protected.table["suppressed"].to_numpy(bool)
    width = np.where(hidden & (part.reason == ""), width_of(part.layout, then), part.asked.width)
    width[n:] = part.asked.width[n:]
    asked = Asked(width, part.asked.above, part.asked.below)
    return Part(part.layout, part.reason, asked, hidden, ~hidden)


def joined(new: Layout, old: Layout) -> tuple[Constraints, _Floats]:
    """Return both systems tied where cells are the same, and the differences of the others."""
    at = pd.Series(np.arange(len(old.keys)), index=pd.MultiIndex.from_frame(old.keys))
    match = at.reindex(pd.MultiIndex.from_frame(new.keys)).to_numpy(float)
    pairs = [(i, int(j)) for i, j in enumerate(match) if np.isfinite(j)]
    if not pairs:
        raise InputError("the earlier release has no cell in common with this one", field="before")
    gap = np.array([new.values[i] - old.values[j] for i, j in pairs])
    offset, changed = len(new.values), np.flatnonzero(gap != 0)
    place = {int(c): offset + len(old.values) + k for k, c in enumerate(changed)}
    links = [
        ([i, offset + j, place[c]], [1.0, -1.0, -1.0], f"difference at {new.label(i)}")
        if c in place
        else ([i, offset + j], [1.0, -1.0], f"unchanged at {new.label(i)}")
        for c, (i, j) in enumerate(pairs)
    ]
    return stacked([new.constraints, old.constraints], links, len(changed)), gap[changed]
