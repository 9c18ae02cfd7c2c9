"""Primary suppression: cells that say too much by themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.layout import Layout
from evaluation.data.disclosure.problem import Asked, asked_nothing
from evaluation.data.disclosure.spec import Dominance, Rules, Spec
from evaluation.errors import InputError

__all__ = ["Reasons", "amounts_at_risk", "counts_at_risk", "flag_column", "small_differences"]

_Floats = npt.NDArray[np.float64]
Reasons = npt.NDArray[np.object_]


def counts_at_risk(layout: Layout, spec: Spec) -> tuple[Reasons, Asked]:
    """Say which counts are at risk, why, and what their ranges must satisfy.

    Parameters
    ----------
    layout : Layout
        The cells.
    spec : Spec
        The rules.

    Returns
    -------
    tuple
        Reasons, shape (cells,), empty where there is none, and the demands. The range of a small
        count must be ``width`` wide and reach k, so that it cannot be shown to be small; that of
        a share of 0 or 100 % must be ``width`` wide.
    """
    rules, x = spec.rules, layout.values
    reason = np.full(len(x), "", dtype=object)
    asked = asked_nothing(len(x))
    for row, what in _shares(layout, spec):
        reason[row] = what
    small = (x >= (0 if rules.zeros else 1)) & (x < rules.k)
    reason[small & (x > 0)] = "small"
    reason[small & (x == 0) & (reason == "")] = "zero"
    asked.above[small] = rules.k - x[small]
    asked.width[reason != ""] = rules.width_of
    return reason, asked


def _shares(layout: Layout, spec: Spec) -> list[tuple[npt.NDArray[np.int64], str]]:
    """Return the parts that are nobody or everybody of a small group."""
    matrix, x, limit = layout.constraints.matrix, layout.values, spec.rules.small_group_of
    found = []
    for i, name in enumerate(layout.constraints.rows):
        if name.split(" ", 1)[0] not in spec.shares:
            continue
        span = slice(matrix.indptr[i], matrix.indptr[i + 1])
        cells, sign = matrix.indices[span], matrix.data[span]
        group = float(x[cells[sign < 0]][0])
        parts = cells[sign > 0].astype(np.int64)
        if 0 < group < limit:
            found.append((parts[x[parts] == 0], "share 0 %"))
            found.append((parts[x[parts] == group], "share 100 %"))
    return found


def amounts_at_risk(layout: Layout, table: pd.DataFrame, rule: Dominance) -> tuple[Reasons, Asked]:
    """Say which amounts are at risk, why, and how far their ranges must reach.

    Parameters
    ----------
    layout : Layout
        The cells; none may be worked out, for its contributions are not known.
    table : pandas.DataFrame
        With the columns that the rule names.
    rule : Dominance
        The rule.

    Returns
    -------
    tuple
        Reasons and demands.

    Raises
    ------
    InputError
        If contributions are missing, not in order, or more than the cell.
    """
    if len(layout.values) > layout.n_published:
        raise InputError(
            f"{layout.label(layout.n_published)} is missing: every amount needs its contributions",
            field="sums",
        )
    total = layout.values
    big = np.column_stack([_column(table, c) for c in rule.largest])
    many = _column(table, rule.contributors)
    slack = 1e-9 * np.maximum(total, 1.0)
    wrong = (np.diff(big, axis=1) > slack[:, None]).any(axis=1) | (big.sum(axis=1) > total + slack)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            "the largest contributions must fall and sum to the amount at most",
            row=row + 2,
            field=rule.largest[0],
        )
    top = big[:, : rule.n].sum(axis=1)
    by_p = rule.p / 100 * big[:, 0] - (total - big[:, 0] - big[:, 1])
    by_nk = 100 / rule.k * top - total
    few = (many > 0) & (many < rule.few)
    risky = (total > 0) & ((by_p > slack) | (by_nk > slack) | few)
    reach = np.maximum.reduce([by_p, by_nk, np.where(few, rule.p / 100 * total, 0.0)])
    reason = np.full(len(total), "", dtype=object)
    reason[risky] = "dominance"
    reason[risky & few] = "few contributors"
    asked = asked_nothing(len(total))
    asked.above[risky] = reach[risky]
    asked.below[risky] = np.minimum(reach, total)[risky]
    asked.width[risky] = asked.above[risky] + asked.below[risky]
    return reason, asked


def _column(table: pd.DataFrame, name: str) -> _Floats:
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{table[name].iloc[row]!r} is not a number of 0 or more", row=row + 2, field=name
        )
    return values


def flag_column(table: pd.DataFrame, name: str | None, n_cells: int) -> npt.NDArray[np.bool_]:
    """Return a column of truth values, False for the cells that the table does not have."""
    out = np.zeros(n_cells, dtype=bool)
    if name is not None:
        column = table[name]
        bad = ~column.isin([True, False])
        if bad.any():
            row = int(np.argmax(bad.to_numpy()))
            raise InputError(
                f"must be true or false, not {column.iloc[row]!r}", row=row + 2, field=name
            )
        out[: len(column)] = column.astype(bool)
    return out


def small_differences(values: _Floats, rules: Rules) -> npt.NDArray[np.bool_]:
    """Say which differences between two releases are of few persons."""
    size = np.abs(values)
    small: npt.NDArray[np.bool_] = (size > 0) & (size < rules.k)
    return small
