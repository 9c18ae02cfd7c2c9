"""A life table that `evaluation cohorts` released: one row per measure, some of them hidden."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.survival.life_table import KINDS, LifeTable, life_table

__all__ = ["from_released"]

_NEEDED = ("month", "measure", "n")
_MEASURES = ("at_risk", *KINDS, "censored")


def from_released(frame: pd.DataFrame, *, file: str | None = None) -> LifeTable:
    r"""Return the life table that the published numbers tell, and no more.

    Whoever left in month t follows from those at risk and lost, whatever kinds are hidden:

    .. math:: d_t = Y_t - Y_{t+1} - c_t + e_{t+1} .

    Kinds of which any number is hidden are joined to one, which is the rest of :math:`d_t`. A
    group ends before the first month of which :math:`d_t` or another kind cannot be told: those
    still there are censored in the month before, as after the last month.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``month``, ``measure``, ``n`` (missing or «..» where hidden) and keys such as ``sex`` and
        ``exposed``; sums of women and men (T) are passed over.
    file : str, optional
        Named in errors.

    Returns
    -------
    LifeTable
        With notes on what was joined and where groups end.

    Raises
    ------
    InputError
        If a column or measure is missing, a number is none, or nothing can be told.
    """
    for name in _NEEDED:
        if name not in frame:
            raise InputError("the column is missing", file=file, field=name)
    keys = [c for c in frame if c not in (*_NEEDED, "suppressed", "low", "high")]
    rows = frame[frame["sex"].astype(str) != "T"] if "sex" in keys else frame
    for name in ("month", "n"):
        text = rows[name].replace("..", np.nan) if name == "n" else rows[name]
        number = pd.to_numeric(text, errors="coerce")
        bad = number.isna() & (text.notna() if name == "n" else True)
        if bad.any():
            first = int(bad.to_numpy().argmax())
            raise InputError(
                f"{rows[name].iloc[first]!r} is no number",
                file=file,
                row=int(rows.index.to_numpy()[first]) + 2,
                field=name,
            )
        rows = rows.assign(**{name: number})
    twice = rows.duplicated([*keys, "month", "measure"])
    if twice.any():
        row = int(rows.index.to_numpy()[twice.to_numpy().argmax()]) + 2
        raise InputError("stands twice", file=file, row=row, field="measure")
    lacking = [m for m in _MEASURES if m not in set(rows["measure"])]
    if lacking:
        raise InputError(f"has no rows for {lacking[0]}", file=file, field="measure")
    wide = rows.pivot(index=[*keys, "month"], columns="measure", values="n").reset_index()
    hidden = [k for k in KINDS if wide[k].isna().any()]
    kinds = [k for k in KINDS if k not in hidden]
    joined = "_or_".join(hidden)
    names = [*kinds, joined] if hidden else kinds
    parts, ends = [], []
    for label, group in wide.groupby(keys) if keys else [((), wide)]:
        part = _told(group.sort_values("month"), kinds, joined)
        if len(part):
            parts.append(part)
        if len(part) < len(group):
            ends.append(f"{', '.join(map(str, label)) or 'all'}: {len(part)} months")
    if not parts:
        raise InputError("so much is hidden that no month can be told", file=file, field="n")
    notes = ["a released life table: hidden numbers are not guessed"]
    if hidden:
        notes.append(f"joined, since some of their numbers are hidden: {', '.join(hidden)}")
    if ends:
        notes.append(f"ends before the first month that cannot be told: {'; '.join(ends)}")
    table = pd.concat(parts, ignore_index=True)
    return life_table(table, kinds=names, notes=notes, file=file)


def _told(group: pd.DataFrame, kinds: Sequence[str], joined: str) -> pd.DataFrame:
    """Return the months of one group that can be told, from the first on."""
    after = group.shift(-1)
    coming = group["enters_next"] if "enters_next" in group else pd.Series(0.0, group.index)
    left = group["at_risk"] - after["at_risk"] - group["censored"] + coming
    shown = group[list(kinds)].sum(axis=1, skipna=False)
    if not joined:
        left = left.fillna(shown)
    out = group.assign(entered=coming.shift(1, fill_value=0.0))
    out.loc[out.index[0], "entered"] = group["at_risk"].iloc[0]
    if joined:
        out[joined] = left - shown
    known = (left + shown + group["at_risk"] + group["censored"] + out["entered"]).notna()
    n = len(out) if known.all() else int((~known).to_numpy().argmax())
    out = out.iloc[:n]
    if n:
        rest = out["at_risk"].iloc[-1] - left.iloc[n - 1]
        out = out.assign(censored=np.r_[out["censored"].to_numpy()[:-1], rest])
    names = [c for c in group if c not in ("measure", *KINDS, "enters_next")]
    kept = [*dict.fromkeys([*names, *kinds, *([joined] if joined else []), "entered"])]
    return out[kept]
