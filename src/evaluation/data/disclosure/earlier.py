"""Earlier releases beside a new one: what both say about a cell is said together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.constraints import Constraints, Row, stacked
from evaluation.data.disclosure.former import Former, former_part
from evaluation.data.disclosure.layout import Layout
from evaluation.data.disclosure.parts import Part, hash_of, part_of, width_of
from evaluation.data.disclosure.primary import small_differences
from evaluation.data.disclosure.problem import Asked
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.spec import Rules, Spec
from evaluation.errors import InputError

__all__ = ["Joined", "Previous", "earlier_part", "joined"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


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


def earlier_part(before: Previous | Former, spec: Spec, new: Layout) -> Part:
    """Return an earlier release's cells: what it published is fixed.

    Parameters
    ----------
    before : Previous or Former
        The release, with the table behind it or without.
    spec : Spec
        Of the new table.
    new : Layout
        The new table.

    Returns
    -------
    Part
        What the earlier release hid is asked what it was asked then.

    Raises
    ------
    InputError
        If it has other columns, or is not what it is said to be.
    """
    then = before.spec if isinstance(before, Former) else before.protected.spec
    if (then.value, then.by, then.dominance is None) != (
        spec.value,
        spec.by,
        spec.dominance is None,
    ):
        raise InputError("the earlier release has other columns; they must agree", field="before")
    if isinstance(before, Former):
        return former_part(before, new)
    part = part_of(before.table, then)
    hidden, n = part.hidden.copy(), part.layout.n_published
    if n != before.protected.n_cells or hash_of(part.layout) != before.protected.data_hash:
        raise InputError("the earlier table is not the one that was protected", field="before")
    hidden[:n] = before.protected.table["suppressed"].to_numpy(bool)
    width = np.where(hidden & (part.reason == ""), width_of(part.layout, then), part.asked.width)
    width[n:] = part.asked.width[n:]
    asked = Asked(width, part.asked.above, part.asked.below)
    return Part(part.layout, part.reason, asked, hidden, ~hidden)


@dataclass(frozen=True)
class Joined:
    """A new table and earlier releases in one system.

    Parameters
    ----------
    constraints : Constraints
        Of the parts' cells, in their order, and of the differences.
    difference : numpy.ndarray
        The differences of few persons between the new table and an earlier release.
    before : numpy.ndarray
        Shape (cells of the new table,): cells that an earlier release hid and that have not
        changed since.
    changed : numpy.ndarray
        Shape (cells of the new table,): cells that an earlier release showed and that have
        changed by few persons since.
    """

    constraints: Constraints = field(repr=False)
    difference: _Floats = field(repr=False)
    before: _Bools = field(repr=False)
    changed: _Bools = field(repr=False)


def joined(
    parts: Sequence[Part], believed: Sequence[bool], rules: Rules | None, withheld: _Bools
) -> Joined:
    """Tie releases where their cells are the same number, and tell small differences.

    Parameters
    ----------
    parts : sequence of Part
        The new table first.
    believed : sequence of bool
        For each part whether its values are only believed (:class:`Former`): a cell that was
        shown and is at risk now is then not tied, for no protection undoes that it was shown.
    rules : Rules, optional
        Say which differences are small; none is where there are no rules (amounts).
    withheld : numpy.ndarray
        Shape (cells of the new table,): cells of blocks of which nothing is printed now. They say
        nothing of releases whose values are only believed, and are not tied to them.

    Returns
    -------
    Joined
        The system.

    Raises
    ------
    InputError
        If an earlier release has no cell in common with the new table.
    """
    sizes = [len(p.reason) for p in parts]
    start = np.concatenate([[0], np.cumsum(sizes)])
    index = [pd.MultiIndex.from_frame(p.layout.keys) for p in parts]
    links: list[Row] = []
    difference: list[float] = []
    before, changed = np.zeros(sizes[0], dtype=bool), np.zeros(sizes[0], dtype=bool)
    for a, b in itertools.combinations(range(len(parts)), 2):
        at = index[b].get_indexer(index[a])
        i = np.flatnonzero(at >= 0)
        j = at[i]
        if a == 0 and not len(i):
            raise InputError(
                "the earlier release has no cell in common with this one", field="before"
            )
        one, two = parts[a], parts[b]
        gap = one.layout.values[i] - two.layout.values[j]
        same = np.abs(gap) <= 1e-9 * np.abs(two.layout.values[j])
        apart = withheld[i] if a == 0 and believed[b] else np.zeros(len(i), dtype=bool)
        same &= ~apart
        if believed[b]:
            same &= ~((one.reason[i] != "") & two.fixed[j])
        links += [
            ([start[a] + c, start[b] + d], [1.0, -1.0], "unchanged since an earlier release")
            for c, d in zip(i[same], j[same], strict=True)
        ]
        if a == 0:
            again = same & two.hidden[j] & (two.asked.width[j] > 0) & ~one.fixed[i]
            before[i[again]] = True
        if a == 0 and rules is not None:
            few = small_differences(gap, rules) & ~apart & ~(one.fixed[i] & two.fixed[j])
            links += [
                (
                    [start[a] + c, start[b] + d, start[-1] + len(difference) + n],
                    [1.0, -1.0, -1.0],
                    "difference from an earlier release",
                )
                for n, (c, d) in enumerate(zip(i[few], j[few], strict=True))
            ]
            difference += gap[few].tolist()
            changed[i[few & two.fixed[j]]] = True
    system = stacked([p.layout.constraints for p in parts], links, len(difference))
    return Joined(system, np.array(difference), before, changed)
