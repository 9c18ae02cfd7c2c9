"""The sentences about one outcome's effect, made from its headline, in both languages."""

from __future__ import annotations

from evaluation.data.registry import Indicator
from evaluation.design.treatment import Design
from evaluation.language import Lang, interval, level, number, p_value, share_of_draws
from evaluation.questions.evaluated import who
from evaluation.results import Estimate

__all__ = ["effect_sentences"]

_COMPARED = {
    "": ("{}", "{}"),
    "mahalanobis": ("de mest lika bland {}", "those most alike among {}"),
    "entropy": (
        "{}, vägda så att de liknar dem före starten",
        "{}, weighted to resemble them before the start",
    ),
    "not_yet_treated": (
        "{}, de själva före starten inräknade",
        "{}, themselves before their start included",
    ),
}
"""Against whom, by what the plan's comparison asks for."""


def effect_sentences(
    i: Indicator, e: Estimate, design: Design, by_rule: bool, compared: str
) -> tuple[str, str]:
    """Say how an outcome changed where the treated were active, and how surely.

    Parameters
    ----------
    i : Indicator
        The outcome.
    e : Estimate
        The headline.
    design : Design
        Who is treated and compared.
    by_rule : bool
        Whether the interval is that of the rule for few treated, and not of permutation.
    compared : str
        How the plan narrows the comparison: ``mahalanobis``, ``entropy``, ``not_yet_treated``
        or nothing.

    Returns
    -------
    tuple of str
        In Swedish and in English.
    """
    about = who(design)
    whom_sv, whom_en = (
        f.format(w) for f, w in zip(_COMPARED[compared], about.compared, strict=True)
    )
    sv = (
        f"Efter starten förändrades {i.definite_sv} i {about.treated[0]} med i genomsnitt "
        f"{number(e.estimate, 'sv', sign=True)} {i.change_sv} jämfört med {whom_sv}"
    )
    en = (
        f"After the start the {i.label_en} changed in {about.treated[1]} by "
        f"{number(e.estimate, 'en', sign=True)} {i.change_en} on average, compared with "
        f"{whom_en}"
    )
    if e.p_value is None:
        return (
            f"{sv}. Inget känt test håller sin nivå här; därför anges varken intervall eller "
            "p-värde.",
            f"{en}. No known test keeps its level here, so neither an interval nor a p-value is "
            "given.",
        )
    often = (_often(e.p_value, "sv"), _often(e.p_value, "en"))
    kind = ("intervall enligt regeln", "interval by the rule") if by_rule else (
        "permutationsintervall", "permutation interval"
    )  # fmt: skip
    sv += (
        f" ({level(1 - e.alpha, 'sv')} {kind[0]} {interval(*e.conf_int, 'sv')}; "
        f"{p_value(e.p_value, 'sv')}). "
    )
    en += (
        f" ({level(1 - e.alpha, 'en')} {kind[1]} {interval(*e.conf_int, 'en')}; "
        f"{p_value(e.p_value, 'en')}). "
    )
    if by_rule:
        sv += f"Minst så stor blir skillnaden i {often[0]} av fallen även om inget har hänt."
        en += f"The difference is at least that large in {often[1]} of cases if nothing happened."
    else:
        sv += (
            f"Minst så stor är skillnaden i {often[0]} av placebostudierna med slumpvis valda "
            f"{about.chosen[0]}."
        )
        en += (
            f"It is at least that large in {often[1]} of the placebo studies with randomly chosen "
            f"{about.chosen[1]}."
        )
    return sv, en


def _often(p: float, lang: Lang) -> str:
    """Write a p-value as a share of cases; what is rounded to nothing is not called nothing."""
    return share_of_draws(p, lang, 0 if p >= 0.1 else 1)
