"""One outcome's effect as text for people."""

from __future__ import annotations

from evaluation.language import Lang, interval, number, p_value
from evaluation.questions.effect import OutcomeAnalysis
from evaluation.questions.horizons.names import group_label, part_name
from evaluation.questions.horizons.subgroups import Subgroups
from evaluation.questions.horizons.words import horizon_name
from evaluation.questions.lines import check_line, grade_line
from evaluation.results import Estimate

__all__ = ["division_lines", "estimate_line", "summary"]

_WIDTH = 46


def estimate_line(label: str, e: Estimate | None, lang: Lang, *more: str) -> str:
    """Set an estimate, its interval and its p-value on one line; None is said in words."""
    if e is None:
        told = "syns inte i data" if lang == "sv" else "not seen in the data"
        return f"  {label:<{_WIDTH}}{told}"
    p = "" if e.p_value is None else p_value(e.p_value, lang)
    cells = (
        f"{number(e.estimate, lang, sign=True):>8}",
        f"{interval(*e.conf_int, lang):<22}",
        p,
        *more,
    )
    return f"  {label:<{_WIDTH}}{'  '.join(cells)}".rstrip()


def _municipalities(n: int, lang: Lang) -> str:
    one, many = ("kommun", "kommuner") if lang == "sv" else ("municipality", "municipalities")
    return f"{n} {one if n == 1 else many}"


def _real(value: float | None, lang: Lang) -> tuple[str, ...]:
    if value is None:
        return ()
    return (f"{'sant' if lang == 'sv' else 'truth'} {number(value, lang, sign=True)}",)


def division_lines(s: Subgroups, lang: Lang, *, units: bool = False) -> list[str]:
    """Set a division's groups under each other, with their differences from the others.

    ``units`` says that every group holds the same units, which need not be counted in each.
    """
    sv = lang == "sv"
    out = [f"{part_name(s.by, lang)}:"]
    if not s.groups:
        same = group_label(s.by, s.only, lang)
        told = f"alla lika ({same})" if sv else f"all alike ({same})"
        return [f"{out[0]} {told}"]
    for g in s.groups:
        label = group_label(s.by, g.label, lang)
        if not units:
            label += f", {_municipalities(len(g.codes), lang)}"
        adjusted = f"{'justerat' if sv else 'adjusted'} {p_value(g.p_adjusted, lang)}"
        out.append(estimate_line(label, g.estimate, lang, adjusted))
        adjusted = f"{'justerat' if sv else 'adjusted'} {p_value(g.difference_p_adjusted, lang)}"
        less = "  minus övriga" if sv else "  less the others"
        out.append(estimate_line(less, g.difference, lang, adjusted))
    return out


def summary(o: OutcomeAnalysis, lang: Lang, real: float | None = None) -> str:
    """Write one outcome's headline, grade, horizons, doses, subgroups, families and checks.

    Parameters
    ----------
    o : OutcomeAnalysis
        Its analysis.
    lang : {"sv", "en"}
        Language.
    real : float, optional
        The truth behind the headline, where the data are simulated.

    Returns
    -------
    str
        Several lines.
    """
    sv = lang == "sv"
    i, h, d, f = o.indicator, o.horizons, o.horizons.duration, o.finding
    label, unit = (i.label_sv, i.change_sv) if sv else (i.label_en, i.change_en)
    out = [
        f"{label[0].upper()}{label[1:]} ({unit})",
        f.sentence_sv if sv else f.sentence_en,
        grade_line(f, lang),
        "Horisonter:" if sv else "Horizons:",
        estimate_line(
            "huvudresultatet, alla år" if sv else "the headline, all years",
            o.headline,
            lang,
            *_real(real, lang),
        ),
    ]
    truth = h.truth
    known = truth.horizons if truth else {}
    for x in d.horizons:
        name = horizon_name(x.key, lang)
        if x.estimate is not None:
            name += f", {_municipalities(len(x.codes), lang)}"
        out.append(estimate_line(name, x.estimate, lang, *_real(known.get(x.key), lang)))
    if d.difference is not None:
        name = "sent minus tidigt" if sv else "late less early"
        name += f", {_municipalities(d.difference.n_treated_units, lang)}"
        out.append(estimate_line(name, d.difference, lang, *_real(known.get("difference"), lang)))
    if h.exposure is not None:
        doses = (truth and truth.exposure) or {}
        out.append("Dos:" if sv else "Dose:")
        for key, told in (("partial", "partial"), ("full", "full"), ("difference", "")):
            name = part_name(told or "full_minus_partial", lang)
            e = getattr(h.exposure, key)
            out.append(estimate_line(name, e, lang, *_real(doses.get(key), lang)))
    for division in h.subgroups:
        out += division_lines(division, lang)
    out.append(
        "Andra skattare (kort, medellång, lång):" if sv else "Families (short, middle, long):"
    )
    for family in h.families:
        if family.reason:
            points = "går inte att räkna" if sv else "cannot be computed"
        else:
            points = "  ".join(
                f"{'–' if v is None else number(v, lang, sign=True):>8}"
                for v in family.points.values()
            )
        out.append(f"  {part_name(family.key, lang):<{_WIDTH}}{points}")
    out.append("Kontroller:" if sv else "Checks:")
    out += [check_line(c, lang) for c in f.checks]
    return "\n".join(out)
