"""The rule's test beside the permutation: its checks, and the calibration that it rests on."""

from __future__ import annotations

from dataclasses import replace

from evaluation.estimation.few_treated.auto import TESTS, FewTreated
from evaluation.estimation.few_treated.calibration import Cited, cite
from evaluation.language import Lang, level, number, per_cent
from evaluation.questions.inference import DesignInference
from evaluation.results import Check, Estimate

__all__ = ["calibrated_level_check", "cited_cell", "rule_checks", "rule_estimates"]

TOLERATED = (0.035, 0.065)
"""Rejection of a true null at 5 % that the calibration asks of every cell."""
NOMINAL = 0.05
"""Level that the calibration was made at."""

_WHO = {
    "random": ("behandlade av blandad storlek", "treated of mixed size"),
    "small": ("små behandlade", "small treated"),
    "large": ("stora behandlade", "large treated"),
}
_WHEN = {
    "staggered": ("olika startår", "different start years"),
    "simultaneous": ("samma startår", "the same start year"),
}


def rule_estimates(found: FewTreated, peers: FewTreated) -> dict[str, Estimate]:
    """Return the rule's estimates and its companions, by key of the report's table.

    Parameters
    ----------
    found : FewTreated
        Against the whole comparison group.
    peers : FewTreated
        Against those of it who are near the treated in size.
    """
    rules = {name: rule for rule, name in TESTS.items()}
    companions = {f"companion_{rules[e.inference]}": e for e in found.companions}
    return {f"rule_{found.rule}": found.result, "rule_among_peers": peers.result} | companions


def cited_cell(inference: DesignInference) -> Cited | None:
    """Return the calibration's cell nearest to the design."""
    treated = inference.design.treated
    rank = inference.size[inference.panel.units].rank(pct=True)[inference.design.treated_codes]
    years = {t.first_year for t in treated}
    return cite(len(inference.design.controls), rank.to_numpy(dtype=float), len(years))


def calibrated_level_check(found: FewTreated, cell: Cited | None) -> Check:
    """Ask whether the rule keeps its level in designs like this one.

    Parameters
    ----------
    found : FewTreated
        The rule's answer.
    cell : Cited or None
        From :func:`cited_cell`; None for fewer units than the rule takes.

    Returns
    -------
    Check
        Fails where the rule gives no p-value, or the cell strays from 3.5 to 6.5 %.
    """
    if found.result.p_value is None:
        return Check(
            "calibrated_level",
            False,
            f"Regeln ger inget p-värde här. {found.reason_sv}",
            f"The rule gives no p-value here. {found.reason_en}",
        )
    if cell is None:
        return Check(
            "calibrated_level",
            None,
            "Kalibreringen har ingen cell med så få enheter.",
            "The calibration has no cell with so few units.",
        )

    def share(low: float, high: float, lang: Lang) -> str:
        return f"{number(100 * low, lang, 1)}–{per_cent(high, lang, 1)}"

    who, when = _WHO[cell.treated], _WHEN[cell.adoption]
    low, high = TOLERATED
    return Check(
        "calibrated_level",
        bool(low <= cell.lowest and cell.highest <= high),
        f"I kalibreringens närmaste cell ({cell.n_units} enheter, {cell.n_treated} behandlade, "
        f"{who[0]}, {when[0]}; {number(cell.draws, 'sv', 0)} paneler per variant) förkastar "
        f"regeln en sann nollhypotes i {share(cell.lowest, cell.highest, 'sv')} av fallen på nivån "
        f"{level(NOMINAL, 'sv')}, det analytiska testet i {share(*cell.analytic, 'sv')}.",
        f"In the calibration's nearest cell ({cell.n_units} units, {cell.n_treated} treated, "
        f"{who[1]}, {when[1]}; {number(cell.draws, 'en', 0)} panels per variant) the rule rejects "
        f"a true null in {share(cell.lowest, cell.highest, 'en')} of cases at the level "
        f"{level(NOMINAL, 'en')}, the analytic test in {share(*cell.analytic, 'en')}.",
        cell.highest,
        high,
    )


def rule_checks(found: FewTreated, cell: Cited | None, *, headline: bool) -> list[Check]:
    """Return the rule's own checks and its calibration.

    Parameters
    ----------
    found : FewTreated
        The rule's answer.
    cell : Cited or None
        The calibration's nearest cell.
    headline : bool
        Whether the report's headline rests on the rule.

    Returns
    -------
    list of Check
        ``change_and_size`` says what its failing means for the headline.
    """
    if headline:
        sv = " Huvudresultatet vilar på regeln, som inte rättar för det; läs det med raderna för "
        sv += "kommuner av liknande storlek."
        en = " The headline rests on the rule, which does not correct for it; read it with the "
        en += "rows for municipalities of similar size."
    else:
        sv = " Därför är permutationen huvudresultat: den mäter skattningen mot vad kommuner av "
        sv += (
            "liknande storlek ger, medan regelns test räknar med samma förändring i alla storlekar."
        )
        en = " Hence the permutation is the headline: it measures the estimate against what "
        en += "municipalities of similar size give, while the rule's test takes all sizes to "
        en += "change alike."
    told = [
        replace(c, text_sv=c.text_sv + sv, text_en=c.text_en + en)
        if c.name == "change_and_size" and c.passed is False
        else c
        for c in found.checks
    ]
    return [calibrated_level_check(found, cell), *told]
