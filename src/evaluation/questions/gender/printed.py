"""Answers about women and men from a file of one's own, as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evaluation.estimation.few_treated.auto import TESTS
from evaluation.language import Lang, interval, number, p_value, translated
from evaluation.questions.gender.words import movement_sentence
from evaluation.questions.lines import grade_line

if TYPE_CHECKING:
    from evaluation.estimation.decomposition import Decomposition
    from evaluation.questions.gender.gap import GapAnalysis
    from evaluation.questions.gender.sample import CommonSample
    from evaluation.results import Finding

__all__ = ["printed_cells", "printed_gap"]

_ROWS: Mapping[str, tuple[str, str]] = {
    "gap": ("gap", "gap"),
    "women": ("kvinnor", "women"),
    "men": ("män", "men"),
    "log_ratio": ("log kvot", "log_ratio"),
    "difference": ("skillnad", "difference"),
    "composition": ("sammansättning", "composition"),
    "rates": ("andelar", "rates"),
    "women_composition": ("kvinnor, sammans.", "women_composition"),
    "women_rates": ("kvinnor, andelar", "women_rates"),
    "men_composition": ("män, sammans.", "men_composition"),
    "men_rates": ("män, andelar", "men_rates"),
    "treated": ("behandlade", "treated"),
    "comparison": ("övriga", "comparison"),
}
_TESTS_SV: Mapping[str, str] = {
    "welch": "varje sidas egen varians (CR2, Welch–Satterthwaite)",
    "integrated_t": "t-test över tänkbara varianssamband",
    "own_history": "varians ur egna år före starten",
    "none": "inget test håller sin nivå här",
}
_INFERENCE = (
    (r"permutation: any units", "permutation: vilka enheter som helst"),
    (
        r"permutation: any of (\d+) units of similar size in each set",
        "permutation: vilken som helst av {0} enheter av liknande storlek i varje grupp",
    ),
)


def _inference(text: str, lang: Lang) -> str:
    if lang == "en":
        return text
    chosen = next((k for k, test in TESTS.items() if text == f"auto: {test}"), None)
    return translated(text, _INFERENCE) if chosen is None else f"regeln: {_TESTS_SV[chosen]}"


def printed_gap(gap: GapAnalysis, sample: CommonSample, finding: Finding, lang: Lang) -> str:
    """Write the answer for a file of values.

    Parameters
    ----------
    gap : GapAnalysis
        Effects, covariance, the joint test.
    sample : CommonSample
        Units lost for women, for men, and kept for both.
    finding : Finding
        For its grade.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        The estimates, what they rest on, levels, the joint test, the sample and the grade.
    """
    sv = lang == "sv"
    head = ("skattning", "intervall") if sv else ("estimate", "interval")
    lines = [f"{'':<12}{head[0]:>9}   {head[1]:<24}  p"]
    for name, e in gap.estimates.items():
        p = "" if e.p_value is None else p_value(e.p_value, lang)
        lines.append(
            f"{_ROWS[name][not sv]:<12}{number(e.estimate, lang, sign=True):>9}   "
            f"{interval(*e.conf_int, lang):<24}  {p}".rstrip()
        )
    levels = {k: number(v, lang) for k, v in gap.levels().items()}
    women, men, w0, m0 = (
        levels[f"{k}_{when}"] for when in ("after", "without") for k in ("women", "men")
    )
    rests = _inference(gap.estimates["gap"].inference, lang)
    lines += [
        f"{'inferens' if sv else 'inference':<12}{rests}",
        f"nivåer      kvinnor {women}, män {men}; utan effekten {w0} och {m0}"
        if sv
        else f"levels      women {women}, men {men}; without the effect {w0} and {m0}",
        movement_sentence(gap, lang),
    ]
    if gap.equivalence is not None:
        e2 = gap.equivalence
        margin, ends = number(e2.margin, lang), interval(*e2.conf_int, lang)
        lines.append(
            f"Att gapets förändring är mindre än {margin} åt båda hållen är "
            f"{'' if e2.equivalent else 'inte '}visat (intervall {ends})."
            if sv
            else f"The change of the gap {'is' if e2.equivalent else 'is not'} shown to be less "
            f"than {margin} either way (interval {ends})."
        )
    kept, lost = sample.kept["common"], {k: len(v) for k, v in sample.lost.items()}
    lines.append(
        f"{kept} av {sample.n_units} enheter har båda könen alla år; {lost['K']} saknar något år "
        f"för kvinnor, {lost['M']} för män."
        if sv
        else f"{kept} of {sample.n_units} units have both sexes in every year; {lost['K']} lack a "
        f"year for women, {lost['M']} for men."
    )
    if gap.ratio_problem:
        lines.append(
            "Ingen kvot: en nivå är inte större än noll, med eller utan effekten."
            if sv
            else f"No ratio: {gap.ratio_problem}."
        )
    lines.append(grade_line(finding, lang))
    return "\n".join(lines)


def printed_cells(split: Decomposition, finding: Finding, lang: Lang) -> str:
    """Write the answer for a file of counts.

    Parameters
    ----------
    split : Decomposition
        The change of the gap and its parts, rounded.
    finding : Finding
        For its sentence and grade.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        Every part in percentage points, the sentence and the grade.
    """
    sv = lang == "sv"
    method = (
        "Kitagawa av gapets förändring, två delar, behandlade minus övriga" if sv else split.method
    )
    lines = [method]
    for name, e in split.estimates.items():
        shown = number(e.estimate, lang, 1, sign=True)
        ends = interval(*e.conf_int, lang, 1)
        lines.append(f"{_ROWS[name][not sv]:<20}{shown:>8}   {ends}")
    e = split.estimates["difference"]
    lines.append(
        f"procentenheter; {e.n_obs} personer, {e.n_units} enheter, {e.n_treated_units} behandlade"
        if sv
        else f"percentage points; {e.n_obs} persons, {e.n_units} units, {e.n_treated_units} treated"
    )
    lines.append(finding.sentence_sv if sv else finding.sentence_en)
    lines.append(grade_line(finding, lang))
    return "\n".join(lines)
