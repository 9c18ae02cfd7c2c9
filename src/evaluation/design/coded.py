"""The design of a plan with coding sheets of its own: whom the coders call active, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.design.coding.adjudication import Adjudicated, adjudicate
from evaluation.design.coding.agreement import Agreement, agreement
from evaluation.design.coding.error_rates import (
    CoderCalls,
    MiscodingRates,
    coder_calls,
    miscoding_rates,
)
from evaluation.design.coding.periods import ALWAYS, STILL, read_period
from evaluation.design.coding.sheet import CodingSheet, combine, read_sheet
from evaluation.design.coding.units import coded_units, rank_matrix
from evaluation.design.coding.vocabulary import ADJUDICATED, EVIDENCE, ORDERED_STANCES
from evaluation.design.exposure import ExposedYears, Span, exposed_years
from evaluation.design.stance import ACTIVE, StanceCounts
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.errors import InputError
from evaluation.plan import Plan, SheetCoding

__all__ = ["Apart", "Coded", "design_from_sheets"]

Row = Mapping[str, Any]
_NOBODY_ELSE = (
    "; not_yet_treated adds the treated before their own start, but the permutation behind a "
    "plan's interval gives the start years to municipalities that never start, so there must be "
    "some; for a panel without any, evaluation estimate --control notyet takes a file"
)
_WHY = {
    "unsettled": "the coders disagree on it and no decision is recorded",
    "no_start": "it is called active and no start is given",
    "too_short": "the plan's rule counts no year between its start and its end as treated",
}


@dataclass(frozen=True)
class Apart:
    """A municipality that is in neither group.

    Parameters
    ----------
    code, name : str
        Municipality.
    reason : {"unsettled", "no_start", "too_short"}
        The coders differ on its group or treated years without a decision; it is active
        and nobody says since when; the plan's rule counts no year between start and end.
    """

    code: str
    name: str
    reason: str


@dataclass(frozen=True)
class Coded:
    """What the coders of a plan's sheets say, and how far they agree.

    Parameters
    ----------
    adjudicated : Adjudicated
        Every coding and decision, and the final stances.
    agreement : Agreement or None
        None with one coder, or where no two coded the same municipality.
    calls : CoderCalls
        How the coders divide the municipalities.
    rates : MiscodingRates or None
        Shares of miscoded as the plan states them, or as the coders' disagreement bounds
        them; None where neither tells.
    apart : tuple of Apart
        Municipalities in neither group, other than for weak evidence.
    ended : tuple of str
        Treated whose active stance ended; the years after their last treated one count as nothing.
    route : dict of str to str
        By code of the treated: ``agreed``, ``adjudicated``, ``single coder``, or ``no
        consequence`` where the coders differ in what changes neither group nor treated years.
    files : dict of str to str
        SHA-256 by sheet, named as in the plan.
    """

    adjudicated: Adjudicated = field(repr=False)
    agreement: Agreement | None = field(repr=False)
    calls: CoderCalls
    rates: MiscodingRates | None
    apart: tuple[Apart, ...]
    ended: tuple[str, ...]
    route: dict[str, str]
    files: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "coders": list(self.adjudicated.sheet.coders),
            "agreement": self.agreement.to_dict() if self.agreement else None,
            "adjudicated": self.adjudicated.to_dict(),
            "calls": self.calls.to_dict(),
            "rates": self.rates.to_dict() if self.rates else None,
            "apart": [vars(a) for a in self.apart],
            "ended": list(self.ended),
            "route": self.route,
            "files": self.files,
            "data_hash": self.adjudicated.sheet.hash,
            "notes": list(self.adjudicated.sheet.notes),
        }


@dataclass(frozen=True)
class _Call:
    """What a set of rows makes of a municipality: its group, when it was active, and the rows."""

    group: str
    start: Span | None = None
    end: Span | None = None
    rows: tuple[Row, ...] = field(default=(), compare=False)


def _first_period(rows: list[Row]) -> tuple[Span | None, Span | None]:
    """Return the start and the end of the first stretch of rows that follow without a gap."""
    ordered = sorted(rows, key=lambda r: int(r["first"]))
    begins = last = ordered[0]
    for row in ordered[1:]:
        if int(row["first"]) > int(last["last"]) + 1:
            break
        last = max(last, row, key=lambda r: int(r["last"]))
    began = read_period(begins["began"], begins["ended"])
    ended = read_period(last["began"], last["ended"])
    start = None if began.first == ALWAYS else Span(began.first, began.first_latest)
    return start, None if ended.last == STILL else Span(ended.last_earliest, ended.last)


def _call(rows: list[Row], evidence: tuple[str, ...]) -> _Call:
    """Return the group that rows without contradiction put a municipality in."""
    claims = [r for r in rows if r["stance"] in ACTIVE and r["evidence"] != EVIDENCE[0]]
    enough = [r for r in claims if r["evidence"] in evidence]
    if enough:
        return _Call("active", *_first_period(enough), tuple(enough))
    return _Call("uncertain" if claims else "not_known", rows=tuple(claims))


def _records(rows: pd.DataFrame) -> list[Row]:
    return [{str(k): v for k, v in r.items()} for r in rows.to_dict("records")]


def _said(adjudicated: Adjudicated) -> dict[str, dict[str, list[Row]]]:
    """Return by code the rows of each coder, and the final ones under ``adjudicated``."""
    said: dict[str, dict[str, list[Row]]] = {}
    for r in _records(adjudicated.sheet.codings):
        said.setdefault(str(r["code"]), {}).setdefault(str(r["coder"]), []).append(r)
    final = adjudicated.as_sheet().rows if len(adjudicated.final) else adjudicated.sheet.rows[:0]
    for r in _records(final):
        said[str(r["code"])].setdefault(ADJUDICATED, []).append(r)
    return said


def _resolve(by_coder: dict[str, list[Row]], open_: bool, plan: Plan) -> _Call | None:
    """Return what a municipality is taken for; None where that is not settled."""
    evidence = plan.treatment.evidence
    final = _call(by_coder.get(ADJUDICATED, []), evidence)
    if not open_:
        return final
    calls = [_call(rows, evidence) for coder, rows in by_coder.items() if coder != ADJUDICATED]
    years = {(c.group, _years(c, plan)) for c in calls}
    # a disagreement that changes neither the group nor the treated years has no consequence
    return calls[0] if len(years) == 1 else None


def _years(call: _Call, plan: Plan) -> ExposedYears | None:
    """Return the treated years of a call; None without a start or a year that counts."""
    if call.start is None:
        return None
    try:
        return exposed_years(call.start, call.end, plan.treatment.exposure)
    except InputError:
        return None


def _read(
    plan: Plan, coding: SheetCoding, at: Mapping[str, Path]
) -> tuple[CodingSheet, dict[str, str]]:
    """Read a plan's sheets and put them together; their files keep the names of the plan."""
    read, hashes = [], {}
    for name in dict.fromkeys(coding.sheets):
        path = at.get(name, plan.folder / name)
        if not path.is_file():
            here = ("treatment", "coding", "sheets", coding.sheets.index(name))
            raise plan.fault(here, f"there is no file {name!r}; paths start from the plan's folder")
        read.append(read_sheet(path))
        hashes[name] = embedded.file_hash(path)
    return combine(read), hashes


def _check_rows(sheet: CodingSheet) -> None:
    """Refuse a coder with one row, which tells of nobody else, or of a misspelt name."""
    for coder, own in sheet.codings.groupby("coder"):
        if len(own) == 1:
            raise InputError(
                f"coder {coder!r} has one row only; at least two are needed (is the name written "
                "as in the coder's other rows?)",
                file=own["file"].iloc[0] or None,
                row=int(own["row"].iloc[0]),
                field="coder",
            )


def _agreement(sheet: CodingSheet, plan: Plan) -> Agreement | None:
    """Measure agreement where there is something to compare."""
    units = coded_units(sheet.codings, sheet.coders)
    ranks = rank_matrix(units, sheet.coders)
    if not ((ranks == ranks).sum(axis=1) >= 2).any():
        return None
    e = plan.estimation
    return agreement(sheet, draws=e.draws, seed=e.seed, alpha=e.alpha)


def _rates(coding: SheetCoding, calls: CoderCalls, alpha: float) -> MiscodingRates | None:
    """Return the stated ranges, or those that the coders' disagreement gives."""
    stated = coding.miscoding
    if stated:
        return MiscodingRates(stated.false_active, stated.hidden_active, 0.0, "the plan")
    if not calls.both_active + calls.n_split:
        return None
    return miscoding_rates(calls, alpha=alpha, shared=coding.shared_errors)


def _unit(
    code: str, call: _Call, adjudicated: Adjudicated, names: Mapping[str, str], plan: Plan
) -> TreatedUnit:
    """Describe a treated municipality; its start stands in the sheet's row that began first."""
    places = embedded.municipalities()
    every = adjudicated.sheet.rows
    own = every[(every["code"] == code) & every["stance"].isin(ACTIVE)]
    years = _years(call, plan)
    assert call.start is not None
    assert years is not None
    began = own[own["first"] == call.start.first]
    # a decision before the codings that it settles
    stands = min(_records(began if len(began) else own), key=lambda r: r["coder"] != ADJUDICATED)
    weakest = min((str(r["evidence"]) for r in call.rows), key=EVIDENCE.index)
    latest = min((str(r["stance"]) for r in call.rows), key=ORDERED_STANCES.index)
    return TreatedUnit(
        code=code,
        name=str(places.loc[code, "name"]),
        population=int(places["population_2017"][code]),
        stance=latest,
        strength=weakest,
        document=str(stands["source"]),
        line=str(stands["page"]),
        model="",
        # a whole day is its month
        stated_start=str(call.start) if call.start.known else str(stands["began"]),
        start_document=names.get(str(stands["file"]), str(stands["file"])),
        start_line=str(stands["row"]),
        first_year=years.first,
        assumed=False,
        because_sv="",
        because_en="",
        neighbours=(years.first, years.first),
        partial=years.partial,
        last_year=years.last,
    )


def design_from_sheets(plan: Plan, at: Mapping[str, Path] | None = None) -> tuple[Design, Coded]:
    """Resolve a plan against its own coding sheets.

    A municipality is treated if its final stance is active on evidence that the plan accepts, in
    the years that ``treatment.exposure`` counts between the start and the end of the first such
    period. What the coders disagree on and nobody has decided puts it in neither group, unless it
    changes neither its group nor its treated years. An active municipality without a start, or
    without a year that counts, is in neither group. The years after an end count as nothing.

    Parameters
    ----------
    plan : Plan
        Whose ``treatment.coding`` is :class:`evaluation.plan.SheetCoding`.
    at : mapping of str to pathlib.Path, optional
        Where the sheets lie, by their name in the plan, if not where the plan says.

    Returns
    -------
    design : Design
        Treated units in the order of their codes, and the comparison group.
    coded : Coded
        Agreement, decisions, what is unsettled, and how far the coding may err.

    Raises
    ------
    InputError
        If a sheet is faulty, a coder has one row only, nobody or everybody is treated, or a
        disagreement is unsettled where the plan refuses that.
    """
    coding = plan.treatment.coding
    assert isinstance(coding, SheetCoding)
    at = at or {}
    sheet, hashes = _read(plan, coding, at)
    _check_rows(sheet)
    key = ("treatment", "coding")
    adjudicated = adjudicate(sheet)
    open_codes = set(adjudicated.unsettled["code"])
    places = embedded.municipalities()
    groups: dict[str, list[str]] = {"active": [], "uncertain": []}
    calls: dict[str, _Call] = {}
    apart: list[Apart] = []
    for code, by_coder in sorted(_said(adjudicated).items()):
        call = _resolve(by_coder, code in open_codes, plan)
        reason = None
        if call is None:
            reason = "unsettled"
        elif call.group == "active" and call.start is None:
            reason = "no_start"
        elif call.group == "active" and _years(call, plan) is None:
            reason = "too_short"
        if reason:
            apart.append(Apart(code, str(places.loc[code, "name"]), reason))
        elif call is not None and call.group in groups:
            groups[call.group].append(code)
            calls[code] = call
    if coding.unsettled == "refuse":
        for a in apart:
            if a.reason == "unsettled":
                problem = f"{a.name} ({a.code}): {_WHY[a.reason]}; add a row of {ADJUDICATED!r}"
                raise plan.fault((*key, "unsettled"), problem)
    if not groups["active"]:
        wanted = " or ".join(plan.treatment.evidence)
        why = "".join(f"; {a.name} is left out: {_WHY[a.reason]}" for a in apart[:1])
        problem = (
            f"no municipality is active on {wanted} evidence since a stated month, and at least "
            f"one must be treated{why}"
        )
        raise plan.fault((*key, "sheets"), problem)
    names = {str(at.get(n, plan.folder / n)): n for n in hashes}
    treated = tuple(_unit(c, calls[c], adjudicated, names, plan) for c in groups["active"])
    out = {a.code for a in apart}
    rest = [c for c in places.index if c not in calls and c not in out]
    weak = groups["uncertain"]
    as_controls = plan.treatment.uncertain == "control"
    controls = sorted([*rest, *(weak if as_controls else ())])
    if not controls:
        problem = f"leaves nobody to compare with: {len(treated)} municipalities are active"
        if plan.comparison.group == "not_yet_treated" and len({t.first_year for t in treated}) > 1:
            problem += _NOBODY_ELSE
        raise plan.fault((*key, "sheets"), problem)
    anonymous = len(sheet.anonymous)
    # who is apart may well be active on good evidence, and never joins the comparison
    counts = StanceCounts(tuple(groups["active"]), tuple(sorted(weak)), tuple(rest), anonymous)
    excluded = tuple(sorted(out if as_controls else [*weak, *out]))
    final = adjudicated.final
    route = {
        c: str(r)
        for c, r in zip(final["code"][::-1], final["route"][::-1], strict=True)
        if c in calls and calls[c].group == "active"
    }
    found = coder_calls(sheet, evidence=plan.treatment.evidence)
    coded = Coded(
        adjudicated=adjudicated,
        agreement=_agreement(sheet, plan),
        calls=found,
        rates=_rates(coding, found, plan.estimation.alpha),
        apart=tuple(apart),
        ended=tuple(c for c in groups["active"] if calls[c].end is not None),
        route={c: "no consequence" if c in open_codes else route[c] for c in groups["active"]},
        files=hashes,
    )
    return Design(treated, tuple(controls), excluded, counts), coded
