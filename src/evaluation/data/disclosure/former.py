"""A former release of which only what was published is left: its likeliest table stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array, hstack

from evaluation.data.disclosure.attack import attack, batches, bounds, hidden_blocks
from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.layout import Layout, lay_out
from evaluation.data.disclosure.parts import Part, width_of
from evaluation.data.disclosure.primary import counts_at_risk
from evaluation.data.disclosure.problem import Asked, asked_nothing
from evaluation.data.disclosure.programs import CLEAR, Target
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError

__all__ = ["Former", "former_part", "in_common", "likeliest"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]
_HALF_ORE = 0.005


@dataclass(frozen=True)
class Former:
    """A former release as it was published, without the table behind it.

    What was hidden in it is unknown here as to everybody else. An attacker who sets two releases
    beside each other takes for unchanged what need not have changed; so does the protection:
    the table nearest to the new one that has the published numbers stands in for the old one.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per cell: the dimensions, the value, missing where it was hidden, and the columns
        of truth values that the specification names.
    spec : Spec
        What it held and by what rules it was protected. Of an amount's dominance only the per
        cent matters.

    Raises
    ------
    InputError
        If the numbers are not sound or contradict each other sum by sum.
    """

    table: pd.DataFrame = field(repr=False)
    spec: Spec

    def __post_init__(self) -> None:
        layout, seen = self.laid_out()
        own = _without_known(layout)
        low, high = bounds(seen, own, whole=self.spec.dominance is None)
        slack = 1e-6 * np.maximum(1.0, np.abs(high))
        shown = ~np.isnan(seen)
        whole_rows = np.asarray(abs(own.matrix) @ ~shown) == 0
        off = np.abs(own.matrix @ np.where(shown, seen, 0.0))[whole_rows]
        size = np.maximum(np.max(seen, initial=1.0, where=shown), 1.0)
        if (low > high + slack).any() or (off > 1e-6 * size).any():
            raise InputError(CLEAR, field=self.spec.value)

    def _published(self) -> _Floats:
        name, whole = self.spec.value, self.spec.dominance is None
        column = self.table[name].astype("Float64")
        values = np.asarray(column.to_numpy(float, na_value=np.nan), np.float64)
        wrong = (values < 0) | np.isinf(values) | (whole & (np.nan_to_num(values) % 1 != 0))
        if wrong.any():
            row = int(np.argmax(wrong))
            kind = "a count" if whole else "an amount of 0 or more"
            raise InputError(f"{values[row]:g} is not {kind}", row=row + 2, field=name)
        return values

    def laid_out(self) -> tuple[Layout, _Floats]:
        """Return the cells under their sums, all 0, and what was published of them, else NaN."""
        s = self.spec
        values = self._published()
        # a table of nobody has every sum: what is wanted are the cells and the sums alone
        layout = lay_out(
            self.table.assign(**{s.value: 0.0}),
            s.value,
            s.by,
            s.sums,
            s.flow,
            whole=s.dominance is None,
            known_sums=s.known_sums,
        )
        seen = np.full(len(layout.values), np.nan)
        seen[: len(values)] = values
        return layout, seen


def in_common(table: pd.DataFrame, spec: Spec, releases: Sequence[Former]) -> list[Former]:
    """Return the releases that have any of a table's cells.

    Parameters
    ----------
    table : pandas.DataFrame
        The new table.
    spec : Spec
        What it holds.
    releases : sequence of Former
        Earlier releases; those of other dimensions are given back, to be refused by name.
    """

    def keys(frame: pd.DataFrame) -> pd.MultiIndex:
        return pd.MultiIndex.from_frame(frame[list(spec.by)].astype(str))

    own = keys(table)
    return [r for r in releases if r.spec.by != spec.by or keys(r.table).isin(own).any()]


def _without_known(layout: Layout) -> Constraints:
    """Return the sums without those that are public elsewhere: of these nothing is left."""
    c = layout.constraints
    keep = np.asarray(abs(c.matrix) @ layout.known.astype(float)) == 0
    names = tuple(name for name, k in zip(c.rows, keep, strict=True) if k)
    return Constraints(csr_array(c.matrix[keep]), names)


def former_part(former: Former, new: Layout) -> Part:
    """Return a former release's cells with what is asked of those that it hid.

    Parameters
    ----------
    former : Former
        The release.
    new : Layout
        The new table, to which the likeliest former one is as near as it can be.

    Returns
    -------
    Part
        What was published is fixed. A hidden cell is asked what its release left it: the width
        by its rules, and k or more where it can be that.

    Raises
    ------
    InputError
        If the published numbers contradict each other.
    """
    spec, whole = former.spec, former.spec.dominance is None
    layout, seen = former.laid_out()
    at = pd.Series(new.values, index=pd.MultiIndex.from_frame(new.keys))
    near = np.asarray(at.reindex(pd.MultiIndex.from_frame(layout.keys)), np.float64)
    values = likeliest(seen, _without_known(layout), near, whole=whole)
    values[layout.known] = 0.0
    known = csr_array(layout.constraints.matrix)[:, np.flatnonzero(layout.known)].tocoo()
    total = layout.constraints.matrix @ values
    values[np.flatnonzero(layout.known)[known.col]] = total[known.row]
    layout = replace(layout, values=values)
    hidden = np.isnan(seen) & ~layout.known
    if whole:
        reason, asked = counts_at_risk(layout, spec)
    else:
        reason, asked = np.full(len(values), "", dtype=object), asked_nothing(len(values))
    reason[~hidden] = ""
    printed = np.arange(len(values)) < layout.n_published
    wanted = np.where(printed, width_of(layout, spec), asked.width)
    asked = Asked(
        np.where(hidden, wanted, 0.0),
        np.where(hidden, asked.above, 0.0),
        np.zeros(len(values)),
    )
    return Part(layout, reason, _left(asked, layout, hidden, whole), hidden, ~hidden)


def _left(asked: Asked, layout: Layout, hidden: _Bools, whole: bool) -> Asked:
    """Return what of the demands the former release meets by itself."""
    x = layout.values
    reach = np.where(asked.above > 0, x + asked.above, -np.inf)
    found = attack(
        np.where(hidden, np.nan, x),
        layout.constraints,
        whole=whole,
        target=Target(asked.width, reach, np.full(len(x), np.inf)),
    )
    slack = 1e-6 * np.maximum(1.0, np.abs(x))
    return Asked(
        np.minimum(asked.width, np.maximum(found.high - found.low, 0.0)),
        np.where(found.high >= reach - slack, asked.above, 0.0),
        asked.below,
    )


def likeliest(
    seen: _Floats, constraints: Constraints, near: _Floats, *, whole: bool = True
) -> _Floats:
    r"""Return the table with the published numbers that differs least from another.

    .. math:: \min \sum_{i \in H} |x_i - y_i| \quad \text{s.t.} \quad A x = 0,\; x_P = p,\; x \ge 0

    Parameters
    ----------
    seen : numpy.ndarray
        Shape (cells,): :math:`p`, NaN where hidden.
    constraints : Constraints
        The sums :math:`A`.
    near : numpy.ndarray
        Shape (cells,): :math:`y`, NaN where the other table has no such cell.
    whole : bool
        Whether cells are whole numbers.

    Returns
    -------
    numpy.ndarray
        Shape (cells,).

    Raises
    ------
    InputError
        If no table has the published numbers.

    Examples
    --------
    Of 20 women and men one was hidden; there are 3 women now.

    >>> c = Constraints.of(3, [([0, 1, 2], [1, 1, -1], "sex T")])
    >>> likeliest(np.array([np.nan, np.nan, 20]), c, np.array([3.0, 18, 21])).sum()
    np.float64(40.0)
    """
    hidden = np.isnan(seen)
    guess = np.where(hidden, np.nan_to_num(near, nan=0.0), seen)
    matrix = csc_array(constraints.matrix)
    off = np.asarray(matrix @ guess)
    slack = 1e-9 * np.maximum(1.0, np.asarray(abs(matrix) @ np.abs(guess)))
    broken = np.zeros(len(seen), dtype=bool)
    rows = csr_array(matrix)[np.abs(off) > slack]
    broken[np.unique(rows.indices)] = True
    todo = [block for block in hidden_blocks(matrix, hidden) if broken[block].any()]
    for cells, _ in batches(todo, whole):
        guess[cells] = _nearest(cells, matrix, off, guess[cells], ~np.isnan(near[cells]), whole)
    return guess


def _nearest(
    cells: _Ints, matrix: csc_array, off: _Floats, guess: _Floats, told: _Bools, whole: bool
) -> _Floats:
    """Return the values of some blocks' cells that mend their sums by the least change."""
    part = csc_array(matrix[:, cells])
    rows = np.unique(part.indices)
    part = csc_array(csr_array(part)[rows])
    unit = 1.0 if whole else max(float(np.abs(off[rows]).max()), 1.0)
    n = len(cells)
    price = np.where(told, 1.0, 1e-6)
    answer = milp(
        np.concatenate([price, price]),
        constraints=LinearConstraint(
            csc_array(hstack([part, -part])), -off[rows] / unit, -off[rows] / unit
        ),
        bounds=Bounds(np.zeros(2 * n), np.concatenate([np.full(n, np.inf), guess / unit])),
        integrality=np.full(2 * n, int(whole)),
    )
    if answer.x is None:
        raise InputError(CLEAR)
    change = (answer.x[:n] - answer.x[n:]) * unit
    if whole:
        moved = np.round(guess + change)
    else:
        moved = np.maximum(guess + np.where(np.abs(change) < _HALF_ORE, 0.0, change), 0.0)
    out: _Floats = moved
    return out
