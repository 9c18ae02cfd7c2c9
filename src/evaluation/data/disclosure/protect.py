"""Protect a table: primary and secondary suppression, alone or beside an earlier release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from evaluation.data.disclosure.attack import bounds
from evaluation.data.disclosure.earlier import Joined, Previous, earlier_part, joined
from evaluation.data.disclosure.former import Former
from evaluation.data.disclosure.parts import Part, hash_of, part_of, width_of
from evaluation.data.disclosure.primary import Reasons
from evaluation.data.disclosure.problem import Asked, Problem
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.secondary import suppress
from evaluation.data.disclosure.spec import Spec
from evaluation.errors import InputError

__all__ = ["protect"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


def protect(
    table: pd.DataFrame,
    spec: Spec,
    *,
    before: Previous | Former | Sequence[Previous | Former] | None = None,
    free: bool = True,
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
    before : Previous, Former or sequence of these, optional
        Earlier releases of some of the same cells. All are guarded together: cells that did not
        change are one number to the attacker, and a cell that changed by 1 to k − 1 persons
        must not show by how many. :class:`Previous` has the table behind the release,
        :class:`Former` only what was published.
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
    new = part_of(table, spec)
    earlier = [before] if isinstance(before, Previous | Former) else [*(before or ())]
    parts = [new, *(earlier_part(b, spec, new.layout) for b in earlier)]
    believed = [isinstance(b, Former) for b in (None, *earlier)]
    rules = spec.rules if spec.dominance is None else None
    withheld = np.zeros(len(new.reason), dtype=bool)
    while True:
        joint = joined(parts, believed, rules, withheld)
        problem, reason = _problem(parts, joint, spec, withheld)
        hidden, hopeless = suppress(problem, free=free)
        if not hopeless:
            break
        # what was shown cannot be taken back; where it stands in the way, nothing is shown now
        more = _around(hopeless, problem, new) & ~withheld
        withheld |= more
        if not any(believed) or not more.any() or withheld[: new.layout.n_published].all():
            names = _names(parts, len(joint.difference))
            raise InputError(
                f"{names[hopeless[0]]} cannot be protected: what is public already gives it away"
                f" ({len(hopeless)} such cells); withhold the table, or join categories",
                field=spec.value,
            )
    final = problem.with_hidden(hidden)
    seen = final.published()
    n, own = new.layout.n_published, len(new.reason)
    # from this table's published numbers alone
    alone = np.where(new.layout.known, np.nan, seen[:own])
    low, high = bounds(alone, new.layout.constraints, whole=problem.whole)
    few = np.zeros(len(reason), dtype=bool)
    few[: len(joint.changed)] = joint.changed
    reason = np.where(hidden & (reason == ""), np.where(few, "difference", "secondary"), reason)
    return Protected(
        table=_shown(table, spec, hidden[:n], low[:n], high[:n]),
        log=_log(parts, reason, hidden, spec),
        spec=spec,
        n_cells=n,
        n_primary=int((new.hidden[:n] & hidden[:n]).sum()),
        n_secondary=int((hidden[:n] & ~new.hidden[:n]).sum()),
        data_hash=hash_of(new.layout),
        problem=final,
    )


def _around(cells: list[int], problem: Problem, new: Part) -> _Bools:
    """Return the new table's cells that share sums with some cells, one after the other.

    Sums that are public elsewhere do not count, and what is public cannot be withheld.
    """
    matrix = csr_array(problem.constraints.matrix)[~problem.ties]
    _, block = connected_components(csr_array(abs(matrix).T @ abs(matrix)), directed=False)
    own = len(new.reason)
    return np.isin(block[:own], block[cells]) & ~new.fixed


def _problem(
    parts: list[Part], joint: Joined, spec: Spec, withheld: _Bools
) -> tuple[Problem, Reasons]:
    d = len(joint.difference)
    width = np.full(d, float(spec.rules.width_of))
    again = np.zeros(sum(len(p.reason) for p in parts) + d, dtype=bool)
    own = slice(0, len(withheld))
    again[own] = (joint.before | withheld) & ~parts[0].hidden

    def end_to_end(arrays: list[npt.NDArray[Any]], last: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([*arrays, last])

    values = end_to_end([p.layout.values for p in parts], joint.difference)
    own_width = end_to_end([width_of(p.layout, spec) for p in parts], np.zeros(d))
    asked = Asked(
        np.where(again, own_width, end_to_end([p.asked.width for p in parts], width)),
        end_to_end([p.asked.above for p in parts], np.zeros(d)),
        end_to_end([p.asked.below for p in parts], np.zeros(d)),
    )
    margin = end_to_end([p.layout.margin for p in parts], np.zeros(d, bool))
    reason = end_to_end([p.reason for p in parts], np.full(d, "difference", dtype=object))
    reason[again] = "hidden before"
    reason[own][withheld & again[own]] = "shown before"
    n = len(values)
    known = end_to_end([p.layout.known for p in parts], np.zeros(d, bool))
    problem = Problem(
        values=values,
        constraints=joint.constraints,
        low=np.where(np.arange(n) < n - d, 0.0, -np.inf),
        high=np.full(n, np.inf),
        hidden=end_to_end([p.hidden for p in parts], np.ones(d, bool)) | again,
        fixed=end_to_end([p.fixed for p in parts], np.zeros(d, bool)),
        asked=asked,
        width=own_width,
        cost=np.log(2.0 + np.abs(values)) * np.where(margin, 3.0, 1.0),
        ties=np.asarray(abs(joint.constraints.matrix) @ known.astype(float)) > 0,
        whole=spec.dominance is None,
    )
    return problem, reason


def _names(parts: list[Part], n_differences: int) -> list[str]:
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


def _log(parts: list[Part], reason: Reasons, hidden: _Bools, spec: Spec) -> pd.DataFrame:
    keys = [p.layout.keys for p in parts]
    own, n, total = len(parts[0].reason), sum(len(k) for k in keys), len(reason)
    frame = pd.concat(keys, ignore_index=True).reindex(range(total), fill_value="")
    frame = frame.set_axis(list(spec.by), axis=1)
    place = np.arange(total)
    published = place < parts[0].layout.n_published
    frame["reason"] = reason
    frame["kind"] = np.select(
        [(place >= own) & (place < n), place >= n, ~published],
        ["earlier release", "difference", "worked out"],
        np.where(
            np.isin(reason, ["secondary", "hidden before", "shown before", "difference"]),
            "secondary",
            "primary",
        ),
    )
    guarded = ~published & (reason != "") & (reason != "secondary")
    guarded[own:n] = False  # the earlier release has a log of its own
    kept: pd.DataFrame = frame[published & hidden | guarded].reset_index(drop=True)
    return kept
