"""The coders' agreement as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluation.design.coding.agreement import Agreement
from evaluation.design.coding.resampling import Statistic
from evaluation.language import Lang, level, number, translated

__all__ = ["agreement_text"]

MOST_ROWS: Final = 20

_MEASURES: Final = {
    "krippendorff_alpha_ordinal": "Krippendorffs alfa, ordnad",
    "raw_agreement": "andel eniga par",
    "fleiss_kappa": "Fleiss kappa",
    "cohen_kappa": "Cohens kappa",
    "cohen_kappa_quadratic": "Cohens kappa, kvadratisk",
}
_COLUMNS: Final = {
    "kind": "slag",
    "code": "kod",
    "municipality": "kommun",
    "began": "från",
    "ended": "till",
    "steps": "steg",
}
_KINDS: Final = {"stance": "hållning", "unclear": "oklart", "dates": "tid"}
_NOTES: Final = (
    (
        r"(\w+) is a missing value, not a place in the order",
        "{0} är ett saknat värde, ingen plats i ordningen",
    ),
    (
        r"the kappas leave out units that not all of their coders gave a stance",
        "kappamåtten utelämnar enheter som inte alla deras kodare har gett en hållning",
    ),
    (
        r"(\d+) units bear different stances: with fewer than (\d+) the bootstrap interval tends "
        r"to be too short",
        "{0} enheter bär olika hållningar: med färre än {1} blir bootstrapintervallet lätt för "
        "kort",
    ),
    (r"coder '(.+)' has one row only", "kodaren '{0}' har en enda rad"),
    (
        r"(\d+) rows state evidence and name no source",
        "{0} rader anger evidens och nämner ingen källa",
    ),
    (
        r"(\d+) rows state a stance on no evidence; they make nobody active",
        "{0} rader anger en hållning utan evidens; de gör ingen aktiv",
    ),
    (
        r"(\d+) anonymous rows are counted and tied to no municipality",
        "{0} anonyma rader räknas och knyts inte till någon kommun",
    ),
    (r"no unit was coded by all", "ingen enhet kodades av alla"),
    (r"not defined: only one value was used", "inte definierat: bara ett värde används"),
    (r"no interval: one municipality", "inget intervall: en enda kommun"),
    (r"no interval: no disagreement was seen", "inget intervall: ingen oenighet syns"),
    (
        r"no interval: (\d+)\.(\d) % of the draws have no variation",
        "inget intervall: {0},{1} % av dragningarna har ingen variation",
    ),
    (
        r"percentile bootstrap, municipalities resampled",
        "percentilbootstrap, kommuner dras om",
    ),
)


def agreement_text(found: Agreement, lang: Lang, notes: Sequence[str] = ()) -> str:
    """Write every measure, the check, what is to settle and the notes.

    Parameters
    ----------
    found : Agreement
        The result.
    lang : {"sv", "en"}
        Language; stances stay as the sheet has them.
    notes : sequence of str
        Those of the sheet.

    Returns
    -------
    str
        Several lines.
    """
    sv = lang == "sv"
    out = [
        f"{', '.join(found.coders)}: {found.n_municipalities} kommuner, {found.n_units} enheter, "
        f"{found.n_pairable} med två hållningar att jämföra"
        if sv
        else f"{', '.join(found.coders)}: {found.n_municipalities} municipalities, "
        f"{found.n_units} units, {found.n_pairable} with two stances to compare",
        "",
        *(_measure(s, lang) for s in found.statistics),
        "",
    ]
    how = _said(found.inference, lang)
    out.append(
        f"{level(1 - found.alpha, lang)} intervall: {how}, {found.draws} dragningar"
        if sv
        else f"{level(1 - found.alpha, lang)} intervals: {how}, {found.draws} draws"
    )
    out.append(found.check.text_sv if sv else found.check.text_en)
    out += _to_settle(found, lang)
    mark = "not" if sv else "note"
    out += [f"{mark}: {_said(n, lang)}" for n in (*found.notes, *notes)]
    return "\n".join(out)


def _said(note: str, lang: Lang) -> str:
    return translated(note, _NOTES) if lang == "sv" else note


def _measure(s: Statistic, lang: Lang) -> str:
    sv = lang == "sv"
    name = _MEASURES.get(s.name, s.name) if sv else s.name
    value = "–" if s.value is None else number(s.value, lang, 3)
    bounds = ""
    if s.conf_int:
        low, high = (number(v, lang, 3) for v in s.conf_int)
        bounds = f"{low} {'till' if sv else 'to'} {high}"
    units = "enheter" if sv else "units"
    line = f"{name:<28}{' – '.join(s.coders):<20}{value:>7}  {bounds:<18}{s.n_units:>5} {units}"
    return f"{line}  {_said(s.note, lang)}".rstrip()


def _to_settle(found: Agreement, lang: Lang) -> list[str]:
    settle, sv = found.disagreements, lang == "sv"
    if not len(settle):
        return []
    # a missing number of whole ones would print as <NA>
    shown = settle.head(MOST_ROWS).astype(object)
    shown = shown.where(shown.notna(), "")
    if sv:
        shown = shown.assign(kind=shown["kind"].map(_KINDS)).rename(columns=_column_sv)
    out = ["", f"{'att avgöra' if sv else 'to settle'}: {len(settle)}", ""]
    out.append(shown.to_string(index=False))
    more = len(settle) - MOST_ROWS
    if more > 0:
        out.append(
            f"… och {more} till; --json har alla" if sv else f"… and {more} more; --json has all"
        )
    return out


def _column_sv(name: str) -> str:
    """Translate a heading; the coder's name follows the word for a coder's own column."""
    what, _, coder = name.partition(" ")
    if coder:
        return f"{'hållning' if what == 'stance' else 'källa'} {coder}"
    return _COLUMNS.get(name, name)
