"""What a municipality's own population table says beside the estimate, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.data.documents import PopulationTable
from evaluation.language import Lang, interval, level, number, p_value, per_cent
from evaluation.results import Check, Estimate

__all__ = ["Told", "finding_sentence", "printed_check", "received_sentence", "within_check"]

_SEX_SV = {"men": "män", "women": "kvinnor", "total": "alla"}


@dataclass(frozen=True)
class Told:
    """What the sentences are made from.

    Parameters
    ----------
    table : PopulationTable
        The municipality's own.
    base_year, year : int
        First and last 31 December.
    persons, gap : Estimate
        The gap to the synthetic municipality, in persons and in percentage points.
    """

    table: PopulationTable
    base_year: int
    year: int
    persons: Estimate
    gap: Estimate

    def growth(self, sex: str) -> int:
        """Return the growth between the two years, persons."""
        return self.table.change(sex, self.base_year, self.year)

    @property
    def span(self) -> str:
        """The years in which newcomers were received."""
        first, last = self.table.received_years
        return f"{first}–{last}"


def printed_check(table: PopulationTable) -> Check:
    """Say which figures of the table are misprinted, and what is used in their place."""
    if not table.corrected:
        return Check(
            "printed_table",
            True,
            "Tabellens summor och ökningar stämmer med varandra som de är tryckta.",
            "The table's sums and growth agree with each other as they are printed.",
            0.0,
            0.0,
        )
    sv, en = [], []
    for s in table.corrected:
        f, printed = s.figure, float(s.figure.value)
        sv.append(
            f"{number(printed, 'sv', 0)} {_SEX_SV[f.sex]} {f.year} ska vara "
            f"{number(s.implied, 'sv', 0)}"
        )
        en.append(
            f"{number(printed, 'en', 0)} for {f.sex} in {f.year} should be "
            f"{number(s.implied, 'en', 0)}"
        )
    return Check(
        "printed_table",
        False,
        f"Tabellen är feltryckt: {'; '.join(sv)} enligt dess egna summor och ökningar, och det är "
        "vad som används här.",
        f"The table is misprinted: {'; '.join(en)} by its own sums and growth, which is what is "
        "used here.",
        float(len(table.corrected)),
        0.0,
    )


def within_check(t: Told) -> Check:
    """Ask whether the upper end of the interval is within the number received."""
    high, received = t.persons.conf_int[1], t.table.received
    fine = high <= received
    top, all_ = number(high, "sv", 0), number(received, "sv", 0)
    sv = f"Intervallets övre gräns, {top} personer, är " + (
        f"inte fler än de {all_} som togs emot {t.span}: de kan ha varit så många."
        if fine
        else f"fler än de {all_} som togs emot {t.span}: intervallet rymmer även andra."
    )
    top, all_ = number(high, "en", 0), number(received, "en", 0)
    en = f"The upper end of the interval, {top} persons, is " + (
        f"no more than the {all_} received in {t.span}: they can have been that many."
        if fine
        else f"more than the {all_} received in {t.span}: the interval holds others too."
    )
    return Check("within_received", fine, sv, en, high, float(received))


def finding_sentence(t: Told, lang: Lang) -> str:
    """Tell the growth, the gap in persons, and what of the growth it is at most."""
    return f"{_grown(t, lang)} {_gap(t, lang)} {_at_most(t, lang)}"


def _grown(t: Told, lang: Lang) -> str:
    total = t.growth("total")
    start = t.table.population("total", t.base_year)
    assert start is not None
    by, rise = number(abs(total), lang, 0), per_cent(abs(total) / start, lang, 1)
    men, women = (number(t.growth(s), lang, 0, sign=True) for s in ("men", "women"))
    if lang == "sv":
        verb = "ökade" if total >= 0 else "minskade"
        return (
            f"Folkmängden i {t.table.name} {verb} med {by} personer ({rise}) från den 31 december "
            f"{t.base_year} till den 31 december {t.year}: män {men}, kvinnor {women}."
        )
    verb = "grew" if total >= 0 else "fell"
    return (
        f"The population of {t.table.name} {verb} by {by} persons ({rise}) from 31 December "
        f"{t.base_year} to 31 December {t.year}: men {men}, women {women}."
    )


def _gap(t: Told, lang: Lang) -> str:
    points = number(t.gap.estimate, lang, sign=True)
    p = "" if t.gap.p_value is None else f" ({p_value(t.gap.p_value, lang)})"
    one, ends = number(t.persons.estimate, lang, 0), interval(*t.persons.conf_int, lang, 0)
    cover = level(1 - t.gap.alpha, lang)
    if lang == "sv":
        return (
            f"Gapet i andelen med utländsk bakgrund {t.year}, {points} procentenheter{p}, "
            f"motsvarar {one} personer ({cover} placebointervall {ends}), om alla som modellen "
            "förde till kommunen har utländsk bakgrund."
        )
    return (
        f"The gap in the share with foreign background in {t.year}, {points} percentage points"
        f"{p}, amounts to {one} persons ({cover} placebo interval {ends}), if all whom the model "
        "brought have foreign background."
    )


def _at_most(t: Told, lang: Lang) -> str:
    (low, high), total = t.persons.conf_int, t.growth("total")
    sv = lang == "sv"
    if total <= 0:
        return "Någon ökning att förklara finns inte." if sv else "There is no growth to explain."
    if high <= 0:
        return (
            "Någon del av ökningen kan modellen då inte förklara."
            if sv
            else "No part of the growth can then be explained by the model."
        )
    whole = high >= total
    top = number(min(high, total), lang, 0)
    part = per_cent(high / total, lang, 1)
    if sv:
        text = "Då kan modellen som mest förklara " + (
            "hela ökningen" if whole else f"{top} personer, {part} av ökningen"
        )
        return text + (", men intervallet rymmer också ingen alls." if low <= 0 else ".")
    text = "The model can then explain at most " + (
        "all of the growth" if whole else f"{top} persons, {part} of the growth"
    )
    return text + (", but the interval also holds none at all." if low <= 0 else ".")


def received_sentence(t: Told, lang: Lang) -> str:
    """Say what those received would be of the growth, in all and in the last year."""
    sv, table, total = lang == "sv", t.table, t.growth("total")
    n = number(table.received, lang, 0)
    text = (
        f"{table.name} tog emot {n} nyanlända {t.span}."
        if sv
        else f"{table.name} received {n} newcomers in {t.span}."
    )
    if total > 0:
        of, grown = per_cent(table.received / total, lang, 1), number(total, lang, 0)
        text += (
            f" Hade alla kommit {t.base_year + 1}–{t.year} och stannat vore de {of} av ökningen på "
            f"{grown}."
            if sv
            else f" Had all come in {t.base_year + 1}–{t.year} and stayed, they would be {of} of "
            f"the growth of {grown}."
        )
    last = table.received_by_year.get(t.year)
    men, women, grew = (table.growth[s][table.years.index(t.year)] for s in _SEX_SV)
    if last is not None and grew > 0:
        of = per_cent(last / grew, lang, 1)
        a, b, c, d = (number(x, lang, 0) for x in (last, grew, men, women))
        text += (
            f" De {a} som togs emot {t.year} vore {of} av det årets ökning på {b} ({c} män och {d} "
            "kvinnor)."
            if sv
            else f" The {a} received in {t.year} would be {of} of that year's growth of {b} ({c} "
            f"men and {d} women)."
        )
    return text
