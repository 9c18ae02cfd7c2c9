"""From a tidy table to its cells, their values and the sums that tie them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.cells import Cells
from evaluation.data.disclosure.constraints import Constraints
from evaluation.errors import InputError

__all__ = ["Flow", "KnownSum", "Layout", "Sums", "lay_out"]

Sums = Mapping[str, Mapping[str, Sequence[str]]]
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Flow:
    r"""The identity of a life table, along its time and across its measures.

    .. math:: r_{t+1} = r_t + \sum_e e_t - \sum_d d_t

    with :math:`r` at risk, :math:`e` what enters and :math:`d` what leaves.

    Parameters
    ----------
    time : str
        The column of whole time steps.
    measure : str
        The column that says which measure a row is.
    at_risk : str
        Its value for the number at risk.
    leaving, entering : tuple of str
        Its values for what leaves (events of each cause, censored) and what enters. One that
        the table does not have is worked out and guarded as a cell that is not published.
    """

    time: str
    measure: str
    at_risk: str = "at_risk"
    leaving: tuple[str, ...] = ("events", "censored")
    entering: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownSum:
    r"""A sum of cells that is public elsewhere, so that an attacker holds it against the table.

    .. math:: \sum_{i \in G} x_i = c_G \quad \text{for every group } G \text{ of marked rows}

    Parameters
    ----------
    rows : str
        Column of truth values: the rows that are summed.
    each : tuple of str
        Dimensions by which they are grouped; one sum for everything without.

    Examples
    --------
    A country's men, published beside a table of its municipalities by sex:

    >>> KnownSum("all_places", each=("sex",))
    KnownSum(rows='all_places', each=('sex',))
    """

    rows: str
    each: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A table as a vector of cells under linear sums.

    Parameters
    ----------
    keys : pandas.DataFrame
        One row per cell: the dimensions, as text. The table's own rows come first, in order.
    values : numpy.ndarray
        Shape (cells,).
    n_published : int
        How many cells are the table's own; the rest follow from them by subtraction.
    constraints : Constraints
        The sums.
    margin : numpy.ndarray
        Shape (cells,): whether the cell is a total of others.
    known : numpy.ndarray
        Shape (cells,): whether it is a sum that is public elsewhere.
    """

    keys: pd.DataFrame = field(repr=False)
    values: _Floats = field(repr=False)
    n_published: int
    constraints: Constraints = field(repr=False)
    margin: npt.NDArray[np.bool_] = field(repr=False)
    known: npt.NDArray[np.bool_] = field(repr=False)

    def label(self, cell: int) -> str:
        """Return a cell's name for messages."""
        return ", ".join(f"{k}={v}" for k, v in self.keys.iloc[cell].items())


def _fill(cells: Cells, dim: str, sums: Mapping[str, Sequence[str]]) -> None:
    """Add the one part that a total has and the table does not, by subtraction."""
    known = set(cells.keys[dim])
    for total, parts in sums.items():
        absent = [p for p in parts if p not in known]
        if total not in known:
            raise InputError(
                f"the total {total!r} is missing; it must stand in the table", field=dim
            )
        if not absent:
            continue
        if len(absent) > 1:
            raise InputError(
                f"of the parts of {total!r} {absent} are missing; at most one may be,"
                " join them to one code",
                field=dim,
            )
        present = [p for p in parts if p in known]
        grid, names = cells.grid([dim], [total, *present])
        some = (grid >= 0).any(axis=1)
        grid = grid[some]
        _demand(grid, [names[i] for i in np.flatnonzero(some)], dim, [total, *present])
        rest = cells.values[grid[:, 0]] - cells.values[grid[:, 1:]].sum(axis=1)
        cells.append(grid[:, 0], {dim: absent[0]}, rest)
        known.add(absent[0])


def _demand(grid: _Ints, names: list[str], dim: str, wanted: Sequence[str]) -> None:
    """Refuse a sum of which a member is missing."""
    lack = np.argwhere(grid < 0)
    if len(lack):
        g, w = int(lack[0][0]), int(lack[0][1])
        what = "total" if w == 0 else "part"
        raise InputError(
            f"the {what} {wanted[w]!r} is missing at {names[g] or 'the only row'}"
            f" ({len(lack)} missing); a cell of nobody must stand there as 0",
            field=dim,
        )


def _add_sums(cells: Cells, dim: str, sums: Mapping[str, Sequence[str]]) -> None:
    for total, parts in sums.items():
        wanted = [total, *parts]
        grid, names = cells.grid([dim], wanted)
        some = (grid >= 0).any(axis=1)
        _demand(grid[some], [names[i] for i in np.flatnonzero(some)], dim, wanted)
        sign = np.array([-1.0] + [1.0] * len(parts))
        for g in np.flatnonzero(some):
            at = f" at {names[g]}" if names[g] else ""
            cells.rows.append((grid[g], sign, f"{dim} {total}{at}"))
        cells.margin.update(grid[some, 0].tolist())


def _steps(cells: Cells, flow: Flow) -> list[str]:
    column = cells.keys[flow.time]
    try:
        return [str(t) for t in sorted({int(v) for v in column})]
    except ValueError:
        raise InputError("must hold whole time steps", field=flow.time) from None


def _add_flow(cells: Cells, flow: Flow) -> None:
    """Tie at risk of a step to that of the next; the last step's survivors are a cell too."""
    steps = _steps(cells, flow)
    known = set(cells.keys[flow.measure])
    moves = [*flow.leaving, *flow.entering]
    absent = [m for m in moves if m not in known]
    if flow.at_risk not in known:
        raise InputError(f"the measure {flow.at_risk!r} is missing", field=flow.measure)
    if len(absent) > 1:
        raise InputError(
            f"the measures {absent} are missing; at most one may be worked out", field=flow.measure
        )
    sign = dict.fromkeys(flow.leaving, -1.0) | dict.fromkeys(flow.entering, 1.0)
    last = str(int(steps[-1]) + 1)
    pairs = list(zip(steps, [*steps[1:], last], strict=True))
    if any(int(b) - int(a) != 1 for a, b in pairs):
        raise InputError("the steps of a life table must follow each other", field=flow.time)
    by = [flow.time, flow.measure]
    for now, after in pairs:
        there = [m for m in moves if m not in absent]
        wanted = [f"{now}\x1f{m}" for m in (flow.at_risk, *there)] + [f"{after}\x1f{flow.at_risk}"]
        grid, names = cells.grid(by, wanted)
        shown = [w.replace("\x1f", " ") for w in wanted]
        body = grid[:, :-1] if after == last else grid
        _demand(body, names, f"{flow.time}, {flow.measure}", shown)
        flows = cells.values[grid[:, 1:-1]] @ np.array([sign[m] for m in there])
        if after == last:
            if any(m in flow.entering for m in absent):
                continue  # who may have come in besides says nothing about who is left
            # those left after the last step, with what was not counted then: not below 0
            cells.append(grid[:, 0], {flow.time: last}, cells.values[grid[:, 0]] + flows)
            used = there
        else:
            if absent:
                gap = cells.values[grid[:, -1]] - cells.values[grid[:, 0]] - flows
                cells.append(grid[:, 0], {flow.measure: absent[0]}, gap * sign[absent[0]])
            used = moves
        wanted = [f"{now}\x1f{m}" for m in (flow.at_risk, *used)] + [f"{after}\x1f{flow.at_risk}"]
        grid, names = cells.grid(by, wanted)
        coefficients = np.array([1.0, *(sign[m] for m in used), -1.0])
        for row, name in zip(grid, names, strict=True):
            at = f" at {name}" if name else ""
            cells.rows.append((row, coefficients, f"{flow.time} {now} to {after}{at}"))


def _add_known(cells: Cells, table: pd.DataFrame, known: KnownSum, place: int) -> None:
    """Add a cell for every sum that is public elsewhere."""
    marked = np.flatnonzero(table[known.rows].to_numpy(bool))
    if known.each:
        group = cells.keys.iloc[marked].groupby(list(known.each), sort=False).ngroup().to_numpy()
    else:
        group = np.zeros(len(marked), dtype=np.int64)
    for g in range(int(group.max(initial=-1)) + 1):
        parts = marked[group == g].astype(np.int64)
        new = len(cells.values)
        change = {
            c: f"public elsewhere {place + 1}" for c in map(str, cells.keys) if c not in known.each
        }
        cells.append(parts[:1], change, np.array([cells.values[parts].sum()]))
        sign = np.append(np.ones(len(parts)), -1.0)
        cells.rows.append((np.append(parts, new), sign, f"public elsewhere: {known.rows}"))
        cells.known.append(new)


def lay_out(
    table: pd.DataFrame,
    value: str,
    by: Sequence[str],
    sums: Sums,
    flow: Flow | None = None,
    *,
    whole: bool = True,
    known_sums: Sequence[KnownSum] = (),
) -> Layout:
    """Read a tidy table as cells under sums, and refuse one that is not sound.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per cell.
    value : str
        The column of counts or amounts.
    by : sequence of str
        The dimensions.
    sums : mapping
        For each dimension with totals: total code to the codes of its parts. A part that the
        table has nowhere (men beside women and total) becomes a cell that is worked out.
    flow : Flow, optional
        The identity of a life table.
    whole : bool
        Whether values must be whole numbers.
    known_sums : sequence of KnownSum
        Sums that are public elsewhere: a cell each, after all others.

    Returns
    -------
    Layout
        Cells, values, sums.

    Raises
    ------
    InputError
        Names the row: a negative, missing or not whole value, a repeated cell, a missing total
        or part, a sum that does not add up, an unknown column.
    """
    named = [*by, value, *sums, *((flow.time, flow.measure) if flow else ())]
    for column in named:
        if column not in table.columns:
            raise InputError(f"the table has no column {column!r}", field=column)
    for dim in (*sums, *((flow.time, flow.measure) if flow else ())):
        if dim not in by:
            raise InputError("has sums but is not among the dimensions", field=dim)
    if not len(table):
        raise InputError("the table has no rows", field=value)
    keys = table[list(by)].reset_index(drop=True)
    gone = np.argwhere(keys.isna().to_numpy())
    if len(gone):
        raise InputError("is empty", row=int(gone[0][0]) + 2, field=by[int(gone[0][1])])
    keys = keys.astype(str)
    values = _numbers(table[value].reset_index(drop=True), value, whole)
    twice = np.flatnonzero(keys.duplicated().to_numpy())
    if len(twice):
        row = int(twice[0])
        name = ", ".join(f"{k}={v}" for k, v in keys.iloc[row].items())
        raise InputError(f"the cell {name} stands twice; one row per cell", row=row + 2)
    cells = Cells(keys, values, 1e-9 * max(1.0, float(values.max())))
    for dim, groups in sums.items():
        _fill(cells, dim, groups)
    if flow is not None:
        _add_flow(cells, flow)
    for dim, groups in sums.items():
        _add_sums(cells, dim, groups)
    for place, sum_ in enumerate(known_sums):
        _add_known(cells, table, sum_, place)
    constraints = Constraints.of(len(cells.values), cells.rows)
    constraints.demand_sums(cells.values)
    margin = np.zeros(len(cells.values), dtype=bool)
    margin[sorted(cells.margin)] = True
    known = np.zeros(len(cells.values), dtype=bool)
    known[cells.known] = True
    return Layout(cells.keys, cells.values, len(table), constraints, margin, known)


def _numbers(column: pd.Series, name: str, whole: bool) -> _Floats:
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{column.iloc[row]!r} is not a number", row=row + 2, field=name)
    if (values < 0).any():
        row = int(np.argmax(values < 0))
        raise InputError(f"must be 0 or more, not {values[row]:g}", row=row + 2, field=name)
    if whole and (values % 1 != 0).any():
        row = int(np.argmax(values % 1 != 0))
        raise InputError(f"must be a whole number, not {values[row]:g}", row=row + 2, field=name)
    return values
