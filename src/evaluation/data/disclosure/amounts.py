"""Cells of amounts from contributions: sums, how many gave, and the largest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.data.disclosure.layout import Sums
from evaluation.errors import InputError

__all__ = ["cell_amounts"]


def cell_amounts(
    contributions: pd.DataFrame,
    by: tuple[str, ...],
    amount: str,
    contributor: str,
    sums: Sums | None = None,
    *,
    largest: int = 2,
) -> pd.DataFrame:
    """Add contributions up to cells, margins among them, with what the dominance rule needs.

    Parameters
    ----------
    contributions : pandas.DataFrame
        One row per payment; several of one contributor in one cell are added first.
    by : tuple of str
        The dimensions.
    amount, contributor : str
        Columns of the amount, 0 or more, and of who gave or got it.
    sums : mapping, optional
        As in :class:`Spec`: total code to the codes of its parts.
    largest : int
        How many of the largest contributions are kept.

    Returns
    -------
    pandas.DataFrame
        Every combination of the dimensions' codes: ``amount`` by its name, ``contributors``,
        ``largest_1`` and on. It holds single persons' amounts and may not leave.

    Raises
    ------
    InputError
        If a column is missing or an amount is negative or missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"sex": ["K", "K", "M"], "who": [1, 2, 3], "kr": [10.0, 5, 7]})
    >>> cell_amounts(rows, ("sex",), "kr", "who", {"sex": {"T": ["K", "M"]}}).tail(1)
      sex    kr  contributors  largest_1  largest_2
    2   T  22.0             3       10.0        7.0
    """
    for column in (*by, amount, contributor):
        if column not in contributions.columns:
            raise InputError(f"the table has no column {column!r}", field=column)
    values = pd.to_numeric(contributions[amount], errors="coerce").to_numpy(float)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{contributions[amount].iloc[row]!r} is not an amount of 0 or more",
            row=row + 2,
            field=amount,
        )
    rows = contributions[[*by, contributor]].astype(dict.fromkeys(by, str))
    rows[amount] = values
    rows = rows[values > 0]  # who got nothing is not counted among those who got
    for dim, groups in (sums or {}).items():
        for total, parts in groups.items():
            rows = pd.concat([rows, rows[rows[dim].isin(list(parts))].assign(**{dim: total})])
    each = rows.groupby([*by, contributor], sort=False)[amount].sum().reset_index()
    each = each.sort_values(amount, ascending=False, kind="stable")
    group = each.groupby(list(by), sort=False)[amount]
    out = group.agg(["sum", "size"]).set_axis([amount, "contributors"], axis=1)
    rank = group.cumcount()
    for i in range(largest):
        top = each[rank == i].set_index(list(by))[amount]
        out[f"largest_{i + 1}"] = top.reindex(out.index, fill_value=0.0)
    codes = [sorted({*contributions[c].astype(str), *(sums or {}).get(c, {})}) for c in by]
    full = pd.MultiIndex.from_product(codes, names=by) if len(by) > 1 else pd.Index(codes[0])
    table: pd.DataFrame = out.reindex(full.set_names(list(by)), fill_value=0).reset_index()
    return table
