"""The sentences about women, men and their gap, made from the numbers, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.data.registry import Indicator
from evaluation.design.treatment import Design
from evaluation.estimation.joint_test import GapMovement
from evaluation.language import Lang, interval, level, listed, number, p_value, per_cent
from evaluation.questions.evaluated import who
from evaluation.questions.gender.gap import GapAnalysis
from evaluation.questions.gender.sample import CommonSample
from evaluation.results import Check, Estimate

__all__ = ["SEX", "finding_sentence", "movement_sentence", "outcome_words", "sample_check"]

SEX: Mapping[str, tuple[str, str]] = {"K": ("kvinnorna", "women"), "M": ("männen", "men")}
"""Definite in Swedish, plain in English."""

_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "lagging_rose": (
        "gapet krympte därför att {low} steg och {high} inte föll",
        "the gap closed because {low} rose and {high} did not fall",
    ),
    "both": (
        "gapet krympte från båda håll: {low} steg och {high} föll",
        "the gap closed from both ends: {low} rose and {high} fell",
    ),
    "leading_fell": (
        "gapet krympte därför att {high} föll och {low} inte steg",
        "the gap closed because {high} fell and {low} did not rise",
    ),
    "not_closed": ("gapet krympte inte", "the gap did not close"),
}


def outcome_words(outcome: str, lower: str, lang: Lang) -> str:
    """Say one of the four outcomes with the sexes in it.

    Examples
    --------
    >>> outcome_words("both", "K", "en")
    'the gap closed from both ends: women rose and men fell'
    """
    i = 0 if lang == "sv" else 1
    return _OUTCOMES[outcome][i].format(low=SEX[lower][i], high=SEX[_other(lower)][i])


def _other(sex: str) -> str:
    return "M" if sex == "K" else "K"


def movement_sentence(g: GapAnalysis, lang: Lang) -> str:
    """Say what the joint test decides or leaves open, and whether the gap went past zero.

    Parameters
    ----------
    g : GapAnalysis
        The effects, their joint test and the levels.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        One sentence, and one more where the sex that lagged is now the higher.
    """
    return f"{_decided(g.movement, g.lower, lang)}{_past_zero(g, lang)}"


def _decided(m: GapMovement, lower: str, lang: Lang) -> str:
    sv = lang == "sv"
    alpha = level(m.alpha, lang)
    if m.outcome != "cannot_tell":
        text = outcome_words(m.outcome, lower, lang)
        return (
            f"Det gemensamma testet avgör det: {text} (övriga tre utfall förkastas på nivån "
            f"{alpha})."
            if sv
            else f"The joint test decides it: {text} (the other three outcomes are rejected at "
            f"the level {alpha})."
        )
    gone = [k for k, p in m.p_values.items() if p <= m.alpha]
    if "not_closed" in gone:
        # that it closed is decided, because of whom is not, or in part
        moved = {k: SEX[lower if k == "rose" else _other(lower)][not sv] for k in ("rose", "fell")}
        open_sv = "om det var därför att kvinnorna rörde sig eller männen"
        open_en = "whether because women moved or men"
        also_sv = also_en = ""
        if "leading_fell" in gone:
            also_sv, also_en = f" och att {moved['rose']} steg", f" and that {moved['rose']} rose"
            open_sv = f"om {moved['fell']} också föll"
            open_en = f"whether {moved['fell']} fell too"
        elif "lagging_rose" in gone:
            also_sv, also_en = f" och att {moved['fell']} föll", f" and that {moved['fell']} fell"
            open_sv = f"om {moved['rose']} också steg"
            open_en = f"whether {moved['rose']} rose too"
        return (
            f"Det gemensamma testet visar att gapet krympte{also_sv} (ensidigt på nivån {alpha}), "
            f"men kan inte avgöra {open_sv}."
            if sv
            else f"The joint test shows that the gap closed{also_en} (one-sided at the level "
            f"{alpha}), but cannot tell {open_en}."
        )
    text = (
        "Det gemensamma testet kan inte avgöra om gapet krympte, och i så fall om det var "
        "därför att kvinnorna rörde sig eller männen"
        if sv
        else "The joint test cannot tell whether the gap closed and, if so, because women "
        "moved or men"
    )
    if not gone:
        return f"{text}."
    out = listed([f"«{outcome_words(k, lower, lang)}»" for k in gone], lang)
    return f"{text}; förkastat är bara {out}." if sv else f"{text}; rejected is only {out}."


def _past_zero(g: GapAnalysis, lang: Lang) -> str:
    """Tell where the sex that lagged is the higher after the start: no gap that closed."""
    found = g.levels()
    before, after = found["gap_before"], found["gap_after"]
    if before * after >= 0:
        return ""
    n = [number(found[f"{who}_{when}"], lang) for when in ("before", "after")
         for who in ("women", "men")]  # fmt: skip
    if lang == "sv":
        return (
            f" Nivåerna, som inte prövas, har bytt plats: {n[2]} för kvinnor och {n[3]} för män "
            f"efter starten, mot {n[0]} och {n[1]} före."
        )
    return (
        f" The levels, which are not tested, have changed places: {n[2]} for women and {n[3]} for "
        f"men after the start, against {n[0]} and {n[1]} before."
    )


def _shown(e: Estimate, lang: Lang) -> str:
    return number(e.estimate, lang, sign=True)


def finding_sentence(
    g: GapAnalysis, i: Indicator, design: Design, lang: Lang, *, narrower: bool = False
) -> str:
    """Tell both effects, the gap with its interval, and what the joint test says.

    Parameters
    ----------
    g : GapAnalysis
        The numbers.
    i : Indicator
        The outcome, without the words for one sex.
    design : Design
        Who is treated and compared.
    lang : {"sv", "en"}
        Language.
    narrower : bool
        Whether the outcomes' own headlines are matched, weighted or against those not yet
        treated: these effects are not, and that is said.

    Returns
    -------
    str
        Two sentences or more.
    """
    about, sv = who(design), lang == "sv"
    women, men, gap = (g.estimates[k] for k in ("women", "men", "gap"))
    tested = ""
    if gap.p_value is not None:
        tested = (
            f" ({level(1 - gap.alpha, lang)} {'intervall' if sv else 'interval'} "
            f"{interval(*gap.conf_int, lang)}; {p_value(gap.p_value, lang)})"
        )
    moved = movement_sentence(g, lang)
    if narrower:
        moved += (
            " Båda könen jämförs med hela jämförelsegruppen; planens matchning, vägning eller ännu "
            "inte behandlade gäller bara utfallen var för sig."
            if sv
            else " Both sexes are compared with the whole comparison group; the plan's matching, "
            "weighting or not yet treated concern the outcomes one by one."
        )
    if sv:
        return (
            f"Efter starten förändrades {i.definite_sv} i {about.treated[0]} med "
            f"{_shown(women, lang)} {i.change_sv} för kvinnor och {_shown(men, lang)} för män "
            f"jämfört med {about.compared[0]}; gapet, kvinnor minus män, ändrades med "
            f"{_shown(gap, lang)}{tested}. {moved}"
        )
    return (
        f"After the start the {i.label_en} changed in {about.treated[1]} by "
        f"{_shown(women, lang)} {i.change_en} for women and {_shown(men, lang)} for men, compared "
        f"with {about.compared[1]}; the gap, women less men, changed by "
        f"{_shown(gap, lang)}{tested}. {moved}"
    )


def sample_check(s: CommonSample) -> Check:
    """Ask whether the common municipalities hold most of the persons."""
    n, total = s.kept["common"], s.n_units
    women, men = s.persons["common_K"], s.persons["common_M"]
    held = min(x for x in (women, men, 1.0) if x is not None)
    known = women is not None and men is not None
    share_sv = share_en = ""
    if women is not None and men is not None:
        share_sv = (
            f" De har {per_cent(women, 'sv')} av kvinnorna och {per_cent(men, 'sv')} av männen "
            "bakom utfallet, så långt antalen är kända."
        )
        share_en = (
            f" They hold {per_cent(women, 'en')} of the women and {per_cent(men, 'en')} of the men "
            "behind the outcome, as far as the counts are known."
        )
    lost = {k: len(v) for k, v in s.lost.items()}
    return Check(
        "common_sample",
        held >= 0.5 if known else None,
        f"{n} av {total} kommuner har värden för båda könen varje år; {lost['K']} saknar något år "
        f"för kvinnor och {lost['M']} för män.{share_sv}",
        f"{n} of {total} municipalities have values for both sexes in every year; {lost['K']} lack "
        f"a year for women and {lost['M']} for men.{share_en}",
        held if known else None,
        0.5,
    )
