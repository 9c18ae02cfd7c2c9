"""Disagreements settled by decisions that are recorded beside the codings, never over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from evaluation.design.coding.disagreements import disagreements, kind_of
from evaluation.design.coding.periods import month_text
from evaluation.design.coding.sheet import CodingSheet, coding_sheet, combine
from evaluation.design.coding.units import Unit, coded_units
from evaluation.design.coding.vocabulary import ADJUDICATED, DECISION_COLUMNS, EVIDENCE
from evaluation.design.exposure import read_span
from evaluation.errors import InputError
from evaluation.results import Check

__all__ = ["AGREED", "SINGLE", "Adjudicated", "adjudicate"]

AGREED: Final = "agreed"
SINGLE: Final = "single coder"
_COLUMNS = (
    "code", "municipality", "began", "ended", "stance", "route", "coders", "evidence", "components",
    "components_some", "source", *DECISION_COLUMNS,
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Adjudicated:
    """What is to be used, how it came about, and everything it came from.

    Parameters
    ----------
    sheet : CodingSheet
        Every row of every coder and every decision, unchanged.
    final : pandas.DataFrame
        One row per municipality and stretch of time: ``began`` and ``ended`` (first and last
        month, empty where open), ``stance``, ``route`` (``agreed``, ``adjudicated`` or
        ``single coder``), ``coders`` of that stance, the weakest ``evidence`` among them,
        ``components`` that all of them name and ``components_some`` that only some do,
        ``source``, and the decision's ``decided_by``, ``decided_on`` and ``reason``.
    unsettled : pandas.DataFrame
        Disagreements without a decision. Those on the stance have no row in ``final``; where
        only the dates differ, ``final`` has what was said of that time.
    check : Check
        Whether everything is settled.
    notes : tuple of str
        What a reader must know.
    """

    sheet: CodingSheet = field(repr=False)
    final: pd.DataFrame = field(repr=False)
    unsettled: pd.DataFrame = field(repr=False)
    check: Check
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return the final stances."""
        return self.final

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        open_ = self.unsettled
        return {
            "final": self.final.to_dict("records"),
            "unsettled": open_.astype(object).where(open_.notna(), None).to_dict("records"),
            "check": self.check.to_dict(),
            "data_hash": self.sheet.hash,
            "notes": list(self.notes),
        }

    def as_sheet(self, coder: str = "final") -> CodingSheet:
        """Return the final stances as a sheet of one coder, to be compared with others.

        Parameters
        ----------
        coder : str
            Its name.

        Returns
        -------
        CodingSheet
            Without the decisions' columns, which stay in ``sheet``.
        """
        kept = ["code", "began", "ended", "stance", "evidence", "components", "source"]
        return coding_sheet(self.final[kept].assign(coder=coder))

    def __repr__(self) -> str:
        return f"<Adjudicated, {len(self.final)} rows, {len(self.unsettled)} unsettled>"

    def _repr_html_(self) -> str:
        return self.final.to_html(index=False, border=0)


def adjudicate(sheet: CodingSheet, decisions: CodingSheet | None = None) -> Adjudicated:
    """Give every municipality and period its final stance, with how it came about.

    Where there is a decision it speaks for its period; elsewhere coders who say the same agree,
    and a coder alone stands as such. A disagreement without a decision gives no stance.

    Parameters
    ----------
    sheet : CodingSheet
        The coders' rows, and decisions where they stand in the same sheet.
    decisions : CodingSheet, optional
        Further decisions: rows with the coder ``adjudicated``.

    Returns
    -------
    Adjudicated
        The final stances; all rows are kept.

    Raises
    ------
    InputError
        If ``decisions`` holds a coder's row, or a decision is about a municipality that nobody
        has coded.

    Examples
    --------
    >>> base = {"code": "2321", "evidence": "strong", "source": "are_2017"}
    >>> rows = [base | {"coder": "A", "stance": "active_day_one"},
    ...         base | {"coder": "B", "stance": "active_from_asylum"},
    ...         base | {"coder": "adjudicated", "stance": "active_from_asylum", "reason": "p. 3",
    ...                 "decided_by": "A and B", "decided_on": "2026-11-23"}]
    >>> found = adjudicate(coding_sheet(rows))
    >>> found.final[["stance", "route", "coders"]].values.tolist()
    [['active_from_asylum', 'adjudicated', 'B']]
    """
    if decisions is not None:
        if len(decisions.codings):
            first = decisions.codings.iloc[0]
            raise InputError(
                f"the decisions hold a row of the coder {first['coder']!r}; a decision's coder is "
                f"{ADJUDICATED!r}",
                file=first["file"] or None,
                row=int(first["row"]),
                field="coder",
            )
        sheet = combine([sheet, decisions])
    coded_by = {str(c): set(g["coder"]) for c, g in sheet.codings.groupby("code")}
    for row in sheet.decisions.to_dict("records"):
        if row["code"] not in coded_by:
            raise InputError(
                f"a decision on {row['municipality']} ({row['code']}), which nobody has coded",
                file=row["file"] or None,
                row=int(row["row"]),
                field="code",
            )
    final: list[dict[str, str]] = []
    unsettled: list[Unit] = []
    overturned = 0
    for unit in coded_units(sheet.rows, [*sheet.coders, ADJUDICATED]):
        said = {c: s for c, s in unit.stances.items() if c != ADJUDICATED}
        codings = Unit(
            unit.code, unit.municipality, unit.first, unit.last, said,
            {c: unit.rows[c] for c in said},
        )  # fmt: skip
        decided = ADJUDICATED in unit.stances
        if not decided:
            kind = kind_of(codings, coded_by[unit.code])
            unsettled += [codings] if kind else []
            if kind in ("stance", "unclear"):
                continue
        stance = unit.stances[ADJUDICATED] if decided else next(iter(said.values()))
        if decided and len(said) > 1 and len(set(said.values())) == 1:
            overturned += stance not in said.values()
        _append(final, _final_row(unit, stance, decided))
    table = pd.DataFrame(final, columns=[*_COLUMNS, "first", "last"]).drop(
        columns=["first", "last"]
    )
    notes = []
    if overturned:
        notes.append(f"{overturned} decisions differ from what all coders had agreed on")
    return Adjudicated(
        sheet,
        table,
        disagreements(unsettled, sheet.coders, coded_by),
        _check(unsettled),
        tuple(notes),
    )


def _final_row(unit: Unit, stance: str, decided: bool) -> dict[str, Any]:
    """Describe one stretch of time."""
    agreeing = {c: r for c, r in unit.rows.items() if unit.stances[c] == stance}
    coders = [c for c in agreeing if c != ADJUDICATED]
    decision = unit.rows[ADJUDICATED][-1] if decided else {}
    rows = [decision] if decided else [r for c in coders for r in agreeing[c]]
    named = [{p.strip() for p in r["components"].split(";") if p.strip()} for r in rows]
    everyone = set.intersection(*named)
    return {
        "code": unit.code,
        "municipality": unit.municipality,
        "began": _date(rows, "began", unit.first),
        "ended": _date(rows, "ended", unit.last),
        "stance": stance,
        "route": ADJUDICATED if decided else AGREED if len(coders) > 1 else SINGLE,
        "coders": "; ".join(coders),
        "evidence": min((r["evidence"] for r in rows), key=EVIDENCE.index),
        "components": ";".join(sorted(everyone)),
        "components_some": ";".join(sorted(set.union(*named) - everyone)),
        "source": "; ".join(dict.fromkeys(f"{r['source']} {r['page']}".strip() for r in rows)),
        **{k: decision.get(k, "") for k in DECISION_COLUMNS},
        "first": unit.first,
        "last": unit.last,
    }


def _date(rows: list[dict[str, Any]], field: str, month: int) -> str:
    """Write a stretch's first or last month; less exactly where all rows know it less exactly."""
    texts = {str(r[field]) for r in rows}
    text = texts.pop()
    span = None if texts else read_span(text)
    at = None if span is None else span.first if field == "began" else span.last
    return text if at == month else month_text(month)


def _append(final: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Add a stretch, or lengthen the one before it where nothing but the coders' rows changed."""
    before = final[-1] if final else None
    same = ("code", "stance", "route", "coders", "evidence", "components", "components_some",
            "source", *DECISION_COLUMNS)  # fmt: skip
    if before and before["last"] == row["first"] - 1 and all(before[k] == row[k] for k in same):
        before |= {"last": row["last"], "ended": row["ended"]}
    else:
        final.append(row)


def _check(unsettled: list[Unit]) -> Check:
    n = len(unsettled)
    where = len({u.code for u in unsettled})
    if not n:
        sv, en = "Inga oenigheter står oavgjorda.", "No disagreement is left unsettled."
    else:
        sv = f"Oavgjorda oenigheter: {n}, i {where} kommuner."
        en = f"Disagreements left unsettled: {n}, in {where} municipalities."
    return Check("disagreements_settled", n == 0, sv, en, float(n), 0.0)
