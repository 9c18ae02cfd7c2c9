"""Every figure that other figures imply, computed again; a slip is reported, never repaired."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evaluation.data import embedded
from evaluation.data.documents.figures import Figure, document_figures, read_number
from evaluation.data.documents.rules import COUNTS, RULES, Rule
from evaluation.errors import InputError
from evaluation.language import Lang, number
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CheckedRule", "DocumentFigures", "Suspect", "Verdict", "check_figures"]

Verdict = Literal["agrees", "slip", "cannot_tell"]
EPS = 1e-9


@dataclass(frozen=True)
class CheckedRule:
    """One rule with its outcome.

    Parameters
    ----------
    rule : Rule
        What implies what.
    figure : Figure
        The figure that is implied.
    printed : str
        As printed.
    computed : str
        What the others give, empty where that cannot be computed.
    low, high : float
        Between what the computed value lies, given how the others are rounded; NaN where it
        cannot be computed.
    tolerance : float
        How far the printed value may lie from the true one.
    verdict : {"agrees", "slip", "cannot_tell"}
        Whether printed and computed overlap; what rests on a bound, or needs what is not
        printed, cannot be told.
    """

    rule: Rule
    figure: Figure
    printed: str
    computed: str
    low: float
    high: float
    tolerance: float
    verdict: Verdict

    def sentence(self, lang: Lang) -> str:
        """Return the outcome as one sentence."""
        f, sv = self.figure, lang == "sv"
        place = f"{f.id} ({f.geography} {f.year}, {f.document} {'rad' if sv else 'line'} {f.line})"
        if self.rule.missing_en:
            if sv:
                return f"{place} kan inte räknas om; det som fattas är {self.rule.missing_sv}."
            return f"{place} cannot be told; what is missing is {self.rule.missing_en}."
        because = self.rule.because_sv if sv else self.rule.because_en
        because = f" ({because})" if because else ""
        printed = self.printed if f.printed or not sv else self.printed.replace(".", ",")
        computed = self.computed.replace(".", ",") if sv else self.computed
        formula = self.rule.formula
        if self.verdict == "agrees":
            said = "stämmer med" if sv else "agrees with"
            return f"{place}: {printed} {said} {formula}{because}."
        if self.verdict == "slip":
            tail = f"{formula} ger {computed}" if sv else f"{formula} gives {computed}"
            if self.rule.known:
                tail = f"det ska vara {computed}" if sv else f"it should be {computed}"
            is_printed = "är tryckt" if sv else "is printed"
            return f"{place} {is_printed} {printed}, {'men' if sv else 'but'} {tail}{because}."
        said = "anger bara en gräns" if sv else "only gives a bound"
        return f"{place}: {printed}; {formula} {said}, {computed}{because}."

    def check(self) -> Check:
        """Return the outcome as a check: passed, failed, or None where it cannot be told."""
        passed = {"agrees": True, "slip": False, "cannot_tell": None}[self.verdict]
        middle = (self.low + self.high) / 2
        return Check(
            f"figure_{self.figure.id}",
            passed,
            self.sentence("sv"),
            self.sentence("en"),
            middle if math.isfinite(middle) else None,
            self.tolerance,
        )


@dataclass(frozen=True)
class Suspect:
    """A figure that stands in two or more slips, in nothing that agrees, and would mend them alike.

    Parameters
    ----------
    figure : Figure
        As printed.
    implied : float
        The value that every rule with it asks for.
    n_rules : int
        How many rules ask for it.
    """

    figure: Figure
    implied: float
    n_rules: int

    def sentence(self, lang: Lang) -> str:
        """Return what is suspected as one sentence."""
        f = self.figure
        should = number(self.implied, lang, 0)
        rules = number(self.n_rules, lang, 0)
        if lang == "sv":
            return f"{f.id} är tryckt {f.value}; {rules} regler oberoende av varandra ger {should}."
        return (
            f"{f.id} is printed {f.value}; {rules} rules independent of each other give {should}."
        )


@dataclass(frozen=True)
class DocumentFigures:
    """What checking the figures against each other gave.

    Parameters
    ----------
    rules : tuple of CheckedRule
        One per rule.
    suspects : tuple of Suspect
        Figures that the slips point at.
    place : dict of str to str
        Every figure: ``implied`` by others, ``enters`` what implies others, ``untold`` (parts
        are not printed, or only a bound), or ``alone``.
    n_figures : int
        How many there are.
    data_hash : str
        SHA-256 of the file, where it is the one that ships.
    """

    rules: tuple[CheckedRule, ...]
    suspects: tuple[Suspect, ...]
    place: Mapping[str, str] = field(repr=False)
    n_figures: int
    data_hash: str = ""

    @property
    def slips(self) -> tuple[CheckedRule, ...]:
        """The rules that found a slip."""
        return tuple(r for r in self.rules if r.verdict == "slip")

    @property
    def counts(self) -> dict[str, int]:
        """How many figures are implied, enter, cannot be told, or stand alone."""
        found = list(self.place.values())
        return {k: found.count(k) for k in ("implied", "enters", "untold", "alone")}

    def tidy(self) -> pd.DataFrame:
        """Return one row per rule."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "figure": r.figure.id,
                    "printed": r.printed,
                    "formula": r.rule.formula,
                    "computed": r.computed,
                    "low": r.low,
                    "high": r.high,
                    "tolerance": r.tolerance,
                    "verdict": r.verdict,
                    "document": r.figure.document,
                    "line": r.figure.line,
                }
                for r in self.rules
            ]
        )

    def checks(self) -> tuple[Check, ...]:
        """Return one check per rule."""
        return tuple(r.check() for r in self.rules)

    def sentence(self, lang: Lang) -> str:
        """Return the whole as one sentence."""
        c, n = self.counts, self.n_figures
        agree = sum(r.verdict == "agrees" for r in self.rules)
        if lang == "sv":
            return (
                f"Av {n} siffror följer {c['implied']} av andra, {c['enters']} ingår i dem som "
                f"räknas om, {c['untold']} kan inte räknas om och {c['alone']} står ensamma; av "
                f"{len(self.rules)} regler stämmer {agree} och {len(self.slips)} visar en miss."
            )
        return (
            f"Of {n} figures {c['implied']} follow from others, {c['enters']} enter what is "
            f"computed, {c['untold']} cannot be told and {c['alone']} stand alone; of "
            f"{len(self.rules)} rules {agree} agree and {len(self.slips)} show a slip."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "n_figures": self.n_figures,
            "counts": self.counts,
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
            "suspects": [
                {"figure": asdict(s.figure), "implied": s.implied, "n_rules": s.n_rules}
                for s in self.suspects
            ],
            "rules": [
                {
                    "figure": r.figure.id,
                    "printed": r.printed,
                    "formula": r.rule.formula,
                    "computed": r.computed,
                    "tolerance": r.tolerance,
                    "verdict": r.verdict,
                    "text_sv": r.sentence("sv"),
                    "text_en": r.sentence("en"),
                }
                for r in self.rules
            ],
            "place": dict(self.place),
            "data_hash": self.data_hash,
        }


def _write(value: float, as_date: bool) -> str:
    if as_date:
        return datetime.date.fromordinal(round(value)).isoformat()
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _computed(rule: Rule, figures: Mapping[str, Figure]) -> tuple[float, float]:
    """Return between what the implied value lies, from how its parts are rounded."""
    if rule.counted:
        return (float(COUNTS[rule.counted]()),) * 2
    if rule.known:
        value = read_number(rule.known)
        assert value is not None
        return value, value
    low = high = rule.constant
    for term in rule.terms:
        a = figures[term.over].bounds
        b = figures[term.under].bounds if term.under else (1.0, 1.0)
        if b[0] <= 0:
            raise InputError("cannot be divided by; it must be above 0", field=term.under)
        ends = [term.factor * x / y for x in a for y in b]
        low, high = low + min(ends), high + max(ends)
    return low, high


def _check(rule: Rule, figures: Mapping[str, Figure]) -> CheckedRule:
    figure = figures[rule.target]
    if rule.missing_en:
        nan = math.nan
        return CheckedRule(rule, figure, figure.value, "", nan, nan, figure.rounding, "cannot_tell")
    low, high = _computed(rule, figures)
    bounds = figure.bounds
    overlap = low <= bounds[1] + EPS and bounds[0] - EPS <= high
    verdict: Verdict = "slip"
    if overlap:
        told = math.isfinite(low) and math.isfinite(high)
        verdict = "agrees" if told else "cannot_tell"
    as_date = "-" in figure.value.lstrip("-")
    ends = sorted({_write(e, as_date) for e in (low, high) if math.isfinite(e)}, key=len)
    if not math.isfinite(high):
        computed = f"≥ {_write(low, as_date)}"
    elif not math.isfinite(low):
        computed = f"≤ {_write(high, as_date)}"
    else:
        computed = ends[0] if len(ends) == 1 else _write((low + high) / 2, as_date)
    printed = figure.printed if rule.as_printed else figure.value
    return CheckedRule(rule, figure, printed, computed, low, high, figure.rounding, verdict)


def _solved(checked: CheckedRule, name: str, figures: Mapping[str, Figure]) -> float | None:
    """Return the value of one figure that would make the rule hold; None in a quotient."""
    rule = checked.rule
    if name == rule.target:
        return (checked.low + checked.high) / 2
    if any(t.under for t in rule.terms):
        return None
    target = checked.figure.number
    factor = sum(t.factor for t in rule.terms if t.over == name)
    rest = rule.constant
    for t in rule.terms:
        if t.over != name:
            rest += t.factor * (figures[t.over].number or 0.0)
    return None if target is None else (target - rest) / factor


def _suspects(checked: Sequence[CheckedRule], figures: Mapping[str, Figure]) -> tuple[Suspect, ...]:
    inner = [r for r in checked if r.rule.terms and not r.rule.as_printed]
    fine = {f for r in inner if r.verdict == "agrees" for f in (r.rule.target, *r.rule.uses)}
    asked: dict[str, list[float | None]] = {}
    for r in inner:
        if r.verdict == "slip":
            for name in (r.rule.target, *r.rule.uses):
                if name not in fine:
                    asked.setdefault(name, []).append(_solved(r, name, figures))
    found = []
    for name, values in asked.items():
        known = [v for v in values if v is not None]
        if len(known) == len(values) > 1 and max(known) - min(known) < EPS:
            found.append(Suspect(figures[name], known[0], len(known)))
    return tuple(found)


def _places(checked: Sequence[CheckedRule], figures: Mapping[str, Figure]) -> dict[str, str]:
    told = [r for r in checked if r.verdict != "cannot_tell"]
    implied = {r.rule.target for r in told}
    enters = {f for r in checked for f in r.rule.uses}
    untold = {r.rule.target for r in checked}

    def place(name: str) -> str:
        if name in implied:
            return "implied"
        return "enters" if name in enters else "untold" if name in untold else "alone"

    return {name: place(name) for name in figures}


def check_figures(
    figures: Mapping[str, Figure] | None = None, rules: Sequence[Rule] = RULES
) -> DocumentFigures:
    """Compute every figure that others imply, and compare with what is printed.

    Printed and computed agree where the intervals overlap that their rounding leaves: half a
    unit of the last printed decimal of what was computed, nothing for what was counted.

    Parameters
    ----------
    figures : mapping of str to Figure, optional
        By id; those that ship by default.
    rules : sequence of Rule
        What implies what.

    Returns
    -------
    DocumentFigures
        Each rule's outcome; every figure is accounted for.

    Raises
    ------
    InputError
        If a rule names a figure that is not there, is no number, or cannot be divided by.

    Examples
    --------
    >>> found = check_figures()
    >>> [(s.figure.id, s.figure.value, s.implied) for s in found.suspects]
    [('F030', '5574', 5774.0)]
    >>> sorted({r.figure.id for r in found.slips})
    ['F012', 'F019', 'F030', 'F140']
    """
    known = document_figures() if figures is None else figures
    for rule in rules:
        for name in (rule.target, *rule.uses):
            if name not in known:
                raise InputError(f"the rule for {rule.target} names {name!r}, which is no figure")
    checked = tuple(_check(r, known) for r in rules)
    shipped = embedded.DATA_SETS["document_figures"].sha256 if figures is None else ""
    return DocumentFigures(
        checked, _suspects(checked, known), _places(checked, known), len(known), shipped
    )
