"""The findings for files of one's own: sentences, checks and grade from the numbers alone."""

from __future__ import annotations

import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.decomposition import Decomposition
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.language import Lang, interval, level, number, p_value
from evaluation.questions.checks import ENOUGH_PRE_YEARS, pre_trends_check
from evaluation.questions.gender.gap import GapAnalysis
from evaluation.questions.gender.sample import CommonSample
from evaluation.questions.gender.words import movement_sentence, sample_check
from evaluation.questions.grading import grade
from evaluation.results import Check, Estimate, Finding

__all__ = ["cells_finding", "gap_finding"]


def _few(treated: int, others: int) -> Check:
    return Check(
        "few_treated",
        min(treated, others) >= ENOUGH_UNITS,
        f"{treated} behandlade enheter mot {others}; under {ENOUGH_UNITS} på någon sida håller "
        "vanliga intervall inte sin nivå.",
        f"{treated} treated units against {others}; with fewer than {ENOUGH_UNITS} on either side "
        "the usual intervals do not keep their level.",
        float(min(treated, others)),
        float(ENOUGH_UNITS),
    )


def _pre_period(panel: Panel, cohort: pd.Series) -> Check:
    first = int(cohort[cohort > 0].min())
    years = sum(y < first for y in panel.years)
    return Check(
        "pre_period",
        years >= ENOUGH_PRE_YEARS,
        f"Kortaste förperioden är {years} år; under {ENOUGH_PRE_YEARS} kan parallella trender inte "
        "bedömas.",
        f"The shortest pre-period is {years} year(s); with fewer than {ENOUGH_PRE_YEARS} parallel "
        "trends cannot be judged.",
        float(years),
        float(ENOUGH_PRE_YEARS),
    )


def _tested(e: Estimate, lang: Lang, decimals: int = 2) -> str:
    word = "intervall" if lang == "sv" else "interval"
    p = "" if e.p_value is None else f"; {p_value(e.p_value, lang)}"
    return f"({level(1 - e.alpha, lang)} {word} {interval(*e.conf_int, lang, decimals)}{p})"


def gap_finding(
    gap: GapAnalysis,
    sample: CommonSample,
    panel: Panel,
    cohort: pd.Series,
    outcome: str,
    *,
    by_rule: bool,
) -> Finding:
    """Return the answer for a file of one's own as a finding.

    Parameters
    ----------
    gap : GapAnalysis
        Both effects and the gap.
    sample : CommonSample
        Units lost for women and for men.
    panel : Panel
        Of either sex: units and years.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    outcome : str
        The column.
    by_rule : bool
        Whether the intervals rest on the rule and not on permutation.

    Returns
    -------
    Finding
        ``gap`` first; no check of how the start years are known, which a file does not say.
    """
    alpha = gap.movement.alpha

    def said(lang: Lang) -> str:
        women, men = (number(gap.estimates[k].estimate, lang, sign=True) for k in ("women", "men"))
        found = gap.estimates["gap"]
        change = f"{number(found.estimate, lang, sign=True)} {_tested(found, lang)}"
        moved = movement_sentence(gap, lang)
        if lang == "sv":
            return (
                f"Efter starten förändrades {outcome} i de behandlade enheterna med {women} för "
                f"kvinnor och {men} för män jämfört med de övriga; gapet, kvinnor minus män, "
                f"ändrades med {change}. {moved}"
            )
        return (
            f"After the start {outcome} changed in the treated units by {women} for women and "
            f"{men} for men, compared with the others; the gap, women less men, changed by "
            f"{change}. {moved}"
        )

    treated = int((cohort > 0).sum())
    checks = [
        sample_check(sample),
        _few(treated, len(cohort) - treated),
        _pre_period(panel, cohort),
    ]
    if gap.pre_p is not None:
        checks.append(pre_trends_check(gap.pre_p, gap.n_pre, alpha))
    if gap.equivalence is not None:
        checks.append(gap.equivalence.check("enheter av utfallet", "units of the outcome"))
    graded = grade(checks, by_rule=by_rule)
    return Finding("gender", gap.estimates, tuple(checks), said("sv"), said("en"), *graded)


def cells_finding(found: Decomposition) -> Finding:
    """Return the decomposition of the gap's change as a finding.

    Parameters
    ----------
    found : Decomposition
        From :func:`evaluation.estimation.gap_change.gap_change`.

    Returns
    -------
    Finding
        Graded down for what counts before and after the start cannot show: earlier trends.
    """
    whole = found.estimates["difference"]
    treated = whole.n_treated_units

    def said(lang: Lang) -> str:
        unit = "procentenheter" if lang == "sv" else "percentage points"
        total, mix, rates = (
            f"{number(e.estimate, lang, 1, sign=True)} {word}{_tested(e, lang, 1)}"
            for e, word in (
                (whole, f"{unit} "),
                (found.estimates["composition"], ""),
                (found.estimates["rates"], ""),
            )
        )
        if lang == "sv":
            return (
                f"Gapet, kvinnor minus män, ändrades per person med {total} i de {treated} "
                f"behandlade enheterna jämfört med de övriga: {mix} därför att gruppernas "
                f"sammansättning ändrades, {rates} därför att andelarna inom grupperna ändrades."
            )
        return (
            f"The gap, women less men, changed per person by {total} in the {treated} treated "
            f"units compared with the others: {mix} because the mix of groups changed, {rates} "
            "because the rates within groups did."
        )

    checks = (
        _few(treated, whole.n_units - treated),
        Check(
            "pre_trends",
            None,
            "Uppdelningen jämför före och efter starten och prövar inga tidigare trender.",
            "The decomposition compares before and after the start and tests no earlier trends.",
        ),
    )
    # its errors are the jackknife's, no permutation
    graded = grade(checks, by_rule=True)
    return Finding("gender", found.estimates, checks, said("sv"), said("en"), *graded)
