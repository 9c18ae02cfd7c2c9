"""What coders have to settle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from evaluation.design.coding.periods import month_text
from evaluation.design.coding.units import Unit
from evaluation.design.coding.vocabulary import rank

__all__ = ["KINDS", "coded_by", "disagreements", "kind_of"]

KINDS = ("stance", "unclear", "dates")
"""Two stances; a stance against ``unclear``; a time that one coder covers and another does not."""


def kind_of(unit: Unit, coders: Collection[str]) -> str:
    """Say what the coders of a municipality disagree on in a stretch of its time.

    Parameters
    ----------
    unit : Unit
        The stretch.
    coders : collection of str
        Who coded the municipality at any time.

    Returns
    -------
    str
        ``stance``, ``unclear``, ``dates``, or nothing where they agree.
    """
    words = set(unit.stances.values())
    if sum(rank(s) is not None for s in words) > 1:
        return "stance"
    if len(words) > 1:
        return "unclear"
    return "dates" if set(coders) - set(unit.stances) else ""


def coded_by(units: Sequence[Unit]) -> dict[str, set[str]]:
    """Return who coded each municipality at any time, by code."""
    found: dict[str, set[str]] = {}
    for u in units:
        found.setdefault(u.code, set()).update(u.stances)
    return found


def disagreements(
    units: Sequence[Unit], coders: Sequence[str], who: Mapping[str, Collection[str]] | None = None
) -> pd.DataFrame:
    """List what is to settle, the farthest apart first.

    Parameters
    ----------
    units : sequence of Unit
        From :func:`evaluation.design.coding.units.coded_units`.
    coders : sequence of str
        Whose.
    who : mapping of str to collection of str, optional
        Who coded each municipality at any time; read from the units without it.

    Returns
    -------
    pandas.DataFrame
        ``kind``, ``code``, ``municipality``, ``began`` and ``ended`` of the stretch (empty where
        open), ``steps`` between the farthest stances (missing unless the kind is ``stance``), and
        for every coder ``stance <coder>`` and ``source <coder>``, empty where a coder says nothing
        of that time. A municipality that one coder coded is no disagreement.
    """
    by_code = coded_by(units) if who is None else who
    rows = []
    for u in units:
        kind = kind_of(u, by_code[u.code])
        if not kind:
            continue
        places = [r for s in u.stances.values() if (r := rank(s)) is not None]
        row: dict[str, object] = {
            "kind": kind,
            "code": u.code,
            "municipality": u.municipality,
            "began": month_text(u.first),
            "ended": month_text(u.last),
            "steps": max(places) - min(places) if kind == "stance" else None,
        }
        for c in coders:
            cited = [f"{r['source']} {r['page']}".strip() for r in u.rows.get(c, ())]
            row[f"stance {c}"] = u.stances.get(c, "")
            row[f"source {c}"] = "; ".join(dict.fromkeys(cited))
        rows.append(row)
    columns = ["kind", "code", "municipality", "began", "ended", "steps"]
    columns += [f"{what} {c}" for c in coders for what in ("stance", "source")]
    table = pd.DataFrame(rows, columns=columns).astype({"steps": "Int64"})
    order = table.assign(
        kind=table["kind"].map({k: i for i, k in enumerate(KINDS)}), steps=-table["steps"]
    ).sort_values(["kind", "steps", "code", "began"], kind="stable")
    return table.loc[order.index].reset_index(drop=True)
