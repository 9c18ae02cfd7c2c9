"""What changed between two vintages of the same data."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.observations import KEYS
from evaluation.data.store.content import Content, joint_key
from evaluation.data.store.snapshot import Snapshot
from evaluation.errors import InputError
from evaluation.language import Lang, number

__all__ = ["CHANGES", "Revisions", "diff"]

CHANGES = ("value", "state", "added", "removed")
SHOWN = 20
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Revisions:
    """What one snapshot has that another has not, or has otherwise.

    A value is revised if it is not exactly equal (absolute tolerance 0). A row whose state
    changes, for instance from suppressed to observed, counts as a change of state and not
    of value.

    Parameters
    ----------
    old, new : Snapshot
        The two vintages.
    table : pandas.DataFrame
        One row per revision: ``indicator, code, year, sex, change`` (``value``, ``state``,
        ``added``, ``removed``), ``old_value, new_value, old_state, new_state, difference``
        (new less old, where both are observed).
    counts : pandas.DataFrame
        One row per indicator and year that either has: ``indicator, year, both`` (rows in
        both), and the revisions ``value, state, added, removed``.
    """

    old: Snapshot
    new: Snapshot
    table: pd.DataFrame = field(repr=False)
    counts: pd.DataFrame = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def tidy(self) -> pd.DataFrame:
        """Return one row per revision."""
        return self.table

    def total(self, column: str) -> int:
        """Return the sum of a column of ``counts``, such as ``"added"``."""
        return int(self.counts[column].sum())

    def revised(self) -> pd.DataFrame:
        """Return the rows of ``counts`` with revisions, the newest year first."""
        some = self.counts.loc[self.counts[list(CHANGES)].any(axis=1)]
        order = some.sort_values(["year", "indicator"], ascending=[False, True])
        return order.reset_index(drop=True)

    def select(self, indicators: Sequence[str]) -> Revisions:
        """Return the revisions of some indicators only.

        Raises
        ------
        InputError
            If neither snapshot has one of them.
        """
        known = set(self.counts["indicator"])
        for indicator in indicators:
            if indicator not in known:
                raise InputError(
                    f"neither snapshot has {indicator!r}; they have {', '.join(sorted(known))}",
                    field="indicator",
                )
        table, counts = (
            frame.loc[frame["indicator"].isin(indicators)].reset_index(drop=True)
            for frame in (self.table, self.counts)
        )
        return replace(self, table=table, counts=counts)

    def summary(self, lang: Lang = "en") -> str:
        """Return what changed, in one sentence made from the numbers.

        Parameters
        ----------
        lang : {"sv", "en"}
            Language.

        Returns
        -------
        str
            The sentence.
        """
        n = {name: number(self.total(name), lang, 0) for name in (*CHANGES, "both")}
        sv = lang == "sv"
        if self.table.empty:
            return (
                f"Inga revideringar: alla {n['both']} observationer är lika."
                if sv
                else f"No revisions: all {n['both']} observations are equal."
            )
        largest = ""
        if self.total("value"):
            row = self.table.iloc[int(np.nanargmax(self.table["difference"].abs()))]
            where = " ".join(str(row[k]) for k in KEYS)
            amount = float(row["difference"])
            finite = math.isfinite(amount)
            # two significant digits, and no decimals where there are as many before the point
            digits = min(max(1 - math.floor(math.log10(abs(amount))), 0), 20) if finite else 0
            shown = number(amount, lang, digits, sign=True)
            largest = f" ({'störst' if sv else 'largest'} {shown}: {where})"
        if sv:
            return (
                f"Av {n['both']} observationer som finns i båda skiljer sig värdet i "
                f"{n['value']}{largest} och läget i {n['state']}; tillkomna är {n['added']} och "
                f"borttagna {n['removed']}."
            )
        return (
            f"Of {n['both']} observations that both have, the value differs in "
            f"{n['value']}{largest} and the state in {n['state']}; added {n['added']}, removed "
            f"{n['removed']}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, every revision included; what is no finite number is None."""
        table = self.table.replace([np.inf, -np.inf], np.nan)
        rows = table.astype(object).where(table.notna(), None)
        return {
            "old": {"id": self.old.id, "name": self.old.name},
            "new": {"id": self.new.id, "name": self.new.name},
            "tolerance": 0.0,
            "summary_sv": self.summary("sv"),
            "summary_en": self.summary("en"),
            "both": self.total("both"),
            **{name: self.total(name) for name in CHANGES},
            "counts": self.revised().to_dict("records"),
            "revisions": rows.to_dict("records"),
        }

    def _repr_html_(self) -> str:
        parts = [
            f"<p>{html.escape(self.summary('sv'))}</p>",
            f"<p>{html.escape(self.summary('en'))}</p>",
        ]
        if len(self.table):
            parts += [
                self.revised().to_html(index=False),
                self.table.head(SHOWN).to_html(index=False),
            ]
        return "\n".join(parts)


def _shared(old: Content, new: Content, name: str) -> tuple[Codes, Codes, int]:
    """Return a column of both as codes into the union of their labels, and the union's size."""
    union = sorted({*old.labels[name], *new.labels[name]})
    place = {label: i for i, label in enumerate(union)}
    left, right = (
        np.array([place[label] for label in c.labels[name]], dtype=np.int64)[c.codes[name]]
        for c in (old, new)
    )
    return left, right, len(union)


def _find(keys: Codes, among: Codes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Return where ascending keys stand among others, and whether they do."""
    place = np.searchsorted(among, keys)
    place[place == len(among)] = 0
    return place, among[place] == keys


def diff(a: Snapshot, b: Snapshot) -> Revisions:
    """Compare two snapshots, row by row.

    Parameters
    ----------
    a, b : Snapshot
        The older and the newer vintage.

    Returns
    -------
    Revisions
        Every row that was added, removed, or has another value or state.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    old = a.content()
    new = old if a.id == b.id else b.content()
    shared = {name: _shared(old, new, name) for name in (*KEYS, "state")}
    keys = joint_key(
        [np.concatenate(shared[name][:2]) for name in KEYS], [shared[name][2] for name in KEYS]
    )
    old_key, new_key = keys[: len(old)], keys[len(old) :]
    place, kept = _find(old_key, new_key)
    _, known = _find(new_key, old_key)
    i, j = np.flatnonzero(kept), place[kept]
    state = shared["state"][0][i] != shared["state"][1][j]
    with np.errstate(invalid="ignore", over="ignore"):
        difference = new.value[j] - old.value[i]
    value = (difference != 0) & ~np.isnan(difference)
    parts: dict[str, tuple[Codes | None, Codes | None]] = {
        "value": (i[value], j[value]),
        "state": (i[state], j[state]),
        "added": (None, np.flatnonzero(~known)),
        "removed": (np.flatnonzero(~kept), None),
    }
    table = pd.concat([_rows(old, new, name, *parts[name]) for name in CHANGES])
    counts = _counts(old, new, i, table)
    return Revisions(a, b, table.sort_values(list(KEYS), ignore_index=True), counts)


def _rows(
    old: Content, new: Content, change: str, i: Codes | None, j: Codes | None
) -> pd.DataFrame:
    """Return the rows of one kind of change: ``i`` of the old, ``j`` of the new content."""
    before = None if i is None else old.frame(i)
    after = None if j is None else new.frame(j)
    present = before if before is not None else after
    assert present is not None
    out = present[list(KEYS)].assign(change=change)
    out["change"] = out["change"].astype("str")
    gaps: dict[str, Any] = {"value": np.nan, "state": pd.array([None] * len(out), dtype="str")}
    for name, gap in gaps.items():
        out[f"old_{name}"] = gap if before is None else before[name]
        out[f"new_{name}"] = gap if after is None else after[name]
    with np.errstate(over="ignore"):
        out["difference"] = out["new_value"] - out["old_value"]
    return out


def _counts(old: Content, new: Content, both: Codes, table: pd.DataFrame) -> pd.DataFrame:
    """Count rows in both and revisions, by indicator and year."""
    by = ["indicator", "year"]
    index = pd.concat([old.cells(), new.cells()])[by].drop_duplicates().sort_values(by)
    common = old.cells(both).rename(columns={"rows": "both"})
    out = index.merge(common, on=by, how="left")
    for change in CHANGES:
        found = table.loc[table["change"] == change, by].value_counts().rename(change)
        out = out.merge(found.reset_index(), on=by, how="left")
    columns = ["both", *CHANGES]
    out[columns] = out[columns].fillna(0).astype(np.int64)
    return out
