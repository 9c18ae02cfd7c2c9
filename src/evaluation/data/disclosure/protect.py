"""Protect a table: primary and secondary suppression, alone or beside an earlier release."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.disclosure.attack import bounds
from evaluation.data.disclosure.constraints import Constraints, stacked
from evaluation.data.disclosure.layout import Layout, lay_out
from evaluation.data.disclosure.primary import (
    Reasons,
    amounts_at_risk,
    counts_at_risk,
    flag_column,
    small_differences,
)
from evaluation.data.disclosure.problem import Asked, Problem
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.secondary import suppress
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError

__all__ = ["Previous", "protect"]

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


@dataclass(frozen=True)
class _Part:
    """A table's cells with what is at risk and what is hidden or fixed from the start."""

    layout: Layout
    reason: Reasons
    asked: Asked
    hidden: _Bools
    fixed: _Bools


def protect(
    table: pd.DataFrame, spec: Spec, *, before: Previous | None = None, free: bool = True
) -> Protected:
    """Hide every cell that says too much, and those that would give it away.

    What is guaranteed: over all tables that meet the published numbers and their sums, with
    no cell below 0, each hidden count takes values at least ``width`` apart, and each small
    count can be ``k`` or more. A share of 0 or 100 % in a small group and every cell hidden for
    the sake of others keeps the width too. For amounts see :class:`Dominance`.

    Parameters
    ----------
    table : pandas.DataFrame
        Tidy: one row per cell, totals among them.
    spec : Spec
        What it holds and the rules.
    before : Previous, optional
        An earlier release of the same cells. Both are guarded together: cells that did not
        change are one number to the attacker, and a cell that changed by 1 to k − 1 persons
        must not show by how many.
    free : bool
        Whether cells that turn out not to be needed are published after all.

    Returns
    -------
    Protected
        With the log of every hidden cell.

    Raises
    ------
    InputError
        If the table is not sound, or a cell cannot be protected because what is public
        already gives it away.

    Examples
    --------
    >>> t = pd.DataFrame({"kommun": ["A", "A", "A", "B", "B", "B", "all", "all", "all"],
    ...                   "sex": ["K", "M", "T"] * 3, "n": [2, 20, 22, 30, 14, 44, 32, 34, 66]})
    >>> spec = Spec(by=("kommun", "sex"), sums={"sex": {"T": ["K", "M"]},
    ...                                         "kommun": {"all": ["A", "B"]}})
    >>> protect(t, spec).tidy()["n"].tolist()
    [<NA>, <NA>, 22, <NA>, <NA>, 44, 32, 34, 66]
    """
    for column in spec.columns():
        if column not in table.columns:
            raise InputError(f"the table has no column {column!r}", field=column)
    new = _part(table, spec)
    parts, difference = [new], np.empty(0)
    constraints = new.layout.constraints
    labels = pd.Index(["table"] * len(new.reason))
    if before is not None:
        old = _earlier(before, spec)
        parts.append(old)
        constraints, difference = _joined(new.layout, old.layout)
        labels = labels.append(pd.Index(["earlier"] * len(old.reason)))
    labels = labels.append(pd.Index(["difference"] * len(difference)))
    problem, reason = _problem(parts, constraints, difference, spec)
    hidden, hopeless = suppress(problem, free=free)
    if hopeless:
        where = hopeless[0]
        names = _names(parts, len(difference))
        raise InputError(
            f"{names[where]} cannot be protected: what is public already gives it away"
            f" ({len(hopeless)} such cells); withhold the table, or join categories",
            field=spec.value,
        )
    final = problem.with_hidden(hidden)
    seen = final.published()
    n, own = new.layout.n_published, len(new.reason)
    # from this table's published numbers alone
    alone = np.where(new.layout.known, np.nan, seen[:own])
    low, high = bounds(alone, new.layout.constraints, whole=problem.whole)
    reason = np.where(hidden & (reason == ""), "secondary", reason)
    return Protected(
        table=_shown(table, spec, hidden[:n], low[:n], high[:n]),
        log=_log(parts, reason, hidden, labels, spec),
        spec=spec,
        n_cells=n,
        n_primary=int((new.hidden[:n] & hidden[:n]).sum()),
        n_secondary=int((hidden[:n] & ~new.hidden[:n]).sum()),
        data_hash=_hash(new.layout),
        problem=final,
    )


def _part(table: pd.DataFrame, spec: Spec) -> _Part:
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
        (reason == "withheld") & ~fixed, np.maximum(asked.width, _width(layout, spec)), asked.width
    )
    for a in (asked.width, asked.above, asked.below):
        a[fixed] = 0.0  # what is public is no secret any more
    reason[fixed] = ""
    hidden = reason != ""
    hidden[layout.n_published :] = ~layout.known[layout.n_published :]
    return _Part(layout, reason, asked, hidden, fixed)


def _width(layout: Layout, spec: Spec) -> _Floats:
    """Return the width asked of a cell that is hidden for the sake of others."""
    if spec.dominance is not None:
        return spec.dominance.p / 100 * layout.values
    return np.full(len(layout.values), float(spec.rules.width_of))


def _earlier(before: Previous, spec: Spec) -> _Part:
    """Return the earlier release's cells: what it published is fixed."""
    then = before.protected.spec
    if (then.value, then.by, then.dominance is None) != (
        spec.value,
        spec.by,
        spec.dominance is None,
    ):
        raise InputError("the earlier release has other columns; they must agree", field="before")
    part = _part(before.table, then)
    hidden, n = part.hidden.copy(), part.layout.n_published
    if n != before.protected.n_cells or _hash(part.layout) != before.protected.data_hash:
        raise InputError("the earlier table is not the one that was protected", field="before")
    hidden[:n] = before.protected.table["suppressed"].to_numpy(bool)
    width = np.where(hidden & (part.reason == ""), _width(part.layout, then), part.asked.width)
    width[n:] = part.asked.width[n:]
    asked = Asked(width, part.asked.above, part.asked.below)
    return _Part(part.layout, part.reason, asked, hidden, ~hidden)


def _joined(new: Layout, old: Layout) -> tuple[Constraints, _Floats]:
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


def _problem(
    parts: list[_Part], constraints: Constraints, difference: _Floats, spec: Spec
) -> tuple[Problem, Reasons]:
    d = len(difference)
    small = small_differences(difference, spec.rules) & (spec.dominance is None)
    width = np.where(small, float(spec.rules.width_of), 0.0)

    def joined(arrays: list[npt.NDArray[Any]], last: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([*arrays, last])

    values = joined([p.layout.values for p in parts], difference)
    asked = Asked(
        joined([p.asked.width for p in parts], width),
        joined([p.asked.above for p in parts], np.zeros(d)),
        joined([p.asked.below for p in parts], np.zeros(d)),
    )
    margin = joined([p.layout.margin for p in parts], np.zeros(d, bool))
    reason = joined([p.reason for p in parts], np.where(small, "difference", "").astype(object))
    n = len(values)
    known = joined([p.layout.known for p in parts], np.zeros(d, bool))
    problem = Problem(
        values=values,
        constraints=constraints,
        low=np.where(np.arange(n) < n - d, 0.0, -np.inf),
        high=np.full(n, np.inf),
        hidden=joined([p.hidden for p in parts], np.ones(d, bool)),
        fixed=joined([p.fixed for p in parts], np.zeros(d, bool)),
        asked=asked,
        width=joined([_width(p.layout, spec) for p in parts], np.zeros(d)),
        cost=np.log(2.0 + np.abs(values)) * np.where(margin, 3.0, 1.0),
        ties=np.asarray(abs(constraints.matrix) @ known.astype(float)) > 0,
        whole=spec.dominance is None,
    )
    return problem, reason


def _names(parts: list[_Part], n_differences: int) -> list[str]:
    names = [p.layout.label(i) for p in parts for i in range(len(p.reason))]
    return names + ["the difference from the earlier release"] * n_differences


def _shown(
    table: pd.DataFrame, spec: Spec, hidden: _Bools, low: _Floats, high: _Floats
) -> pd.DataFrame:
    """Return the table as it may be seen: bounds that the published numbers imply, no more."""
    out = table[[*spec.by, spec.value, *spec.derived]].reset_index(drop=True)
    out[spec.value] = out[spec.value].astype("Float64").mask(hidden)
    if spec.dominance is None:
        out[spec.value] = out[spec.value].astype("Int64")
    out["suppressed"] = hidden
    out["low"], out["high"] = low, high
    keys = out[list(spec.by)].astype(str)
    at = pd.Series(hidden, index=pd.MultiIndex.from_frame(keys))
    for column, sources in spec.derived.items():
        gone = np.zeros(len(out), dtype=bool)
        for change in sources:
            for dim in change:
                if dim not in spec.by:
                    raise InputError(f"{dim!r} is not among the dimensions", field=column)
            other = pd.MultiIndex.from_frame(keys.assign(**change)[list(spec.by)])
            # a source that is not in the table was worked out from hidden or unknown cells
            gone |= at.reindex(other, fill_value=True).to_numpy(bool)
        out[column] = out[column].mask(gone)
    return out


def _log(
    parts: list[_Part], reason: Reasons, hidden: _Bools, labels: pd.Index, spec: Spec
) -> pd.DataFrame:
    keys = [p.layout.keys for p in parts]
    n = sum(len(k) for k in keys)
    frame = pd.concat(keys, ignore_index=True).reindex(range(len(labels)), fill_value="")
    frame = frame.set_axis(list(spec.by), axis=1)
    published = np.zeros(len(labels), dtype=bool)
    published[: parts[0].layout.n_published] = True
    frame["reason"] = reason
    frame["kind"] = np.select(
        [labels == "earlier", labels == "difference", ~published],
        ["earlier release", "difference", "worked out"],
        np.where(reason == "secondary", "secondary", "primary"),
    )
    own = published & hidden
    guarded = ~published & (reason != "") & (reason != "secondary")
    guarded[len(parts[0].reason) : n] = False  # the earlier release has a log of its own
    kept: pd.DataFrame = frame[own | guarded].reset_index(drop=True)
    return kept


def _hash(layout: Layout) -> str:
    text = layout.keys.assign(value=layout.values).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()
