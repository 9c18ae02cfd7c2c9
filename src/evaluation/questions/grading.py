"""The evidence grade: a rule over checks, so that two analysts give the same grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.results import Check

__all__ = ["GRADES", "REASONS", "RULE_REASONS", "grade", "reasons"]

GRADES = ("very weak", "weak", "moderate", "strong")

# a check without a reason here informs and does not grade
REASONS: Mapping[str, tuple[str, str]] = {
    "few_treated": ("få behandlade kommuner", "few treated municipalities"),
    "pre_period": ("kort förperiod", "a short pre-period"),
    "pre_trends": ("skilda trender före starten", "different trends before the start"),
    "years_stated": ("antagna startår", "assumed start years"),
    "neighbour_years": ("tecknet beror på startåret", "the sign depends on the start year"),
    "leave_one_out": (
        "tecknet vänds om en viss kommun utelämnas",
        "the sign turns if a certain municipality is left out",
    ),
    "hidden_active": (
        "få dolt aktiva kommuner räcker för att vända tecknet",
        "few hidden active municipalities suffice to turn the sign",
    ),
    "same_treatment_of_uncertain": (
        "tecknet beror på kommunerna med osäker hållning",
        "the sign depends on the municipalities of uncertain stance",
    ),
    "same_place": ("andra modeller på samma plats", "other models in the same place"),
}

# these grade only where the headline rests on the rule
RULE_REASONS: Mapping[str, tuple[str, str]] = {
    "calibrated_level": ("testets nivå är inte belagd", "the test's level is not established"),
    "variance_function": (
        "svaret beror på hur variansen antas falla med storleken",
        "the answer leans on how variance is taken to fall with size",
    ),
    "change_and_size": (
        "förändringen hänger ihop med kommunens storlek",
        "change goes with a municipality's size",
    ),
}


def reasons(*, by_rule: bool = False) -> Mapping[str, tuple[str, str]]:
    """Return the checks that grade, each with its reason in Swedish and in English.

    Parameters
    ----------
    by_rule : bool
        Whether the headline rests on the rule's test and not on the permutation.

    Examples
    --------
    >>> "change_and_size" in reasons(), "change_and_size" in reasons(by_rule=True)
    (False, True)
    """
    return {**REASONS, **RULE_REASONS} if by_rule else REASONS


def grade(
    checks: Sequence[Check],
    named: Mapping[str, tuple[str, str]] | None = None,
    *,
    by_rule: bool = False,
) -> tuple[str, str, str]:
    """Grade the evidence.

    A comparison over time without random assignment starts at «moderate», and each grading
    check that failed or could not be answered takes it one step down, to «very weak» at
    the lowest. Checks that only inform (the level of the usual tests, on which the headline
    does not rest) do not count.

    Parameters
    ----------
    checks : sequence of Check
        The checks of the analysis.
    named : mapping of str to tuple of str, optional
        By check, what its reason is about, in Swedish and in English; put in brackets
        after the reason.
    by_rule : bool
        Whether the headline rests on the rule's test; then its own checks grade too.

    Returns
    -------
    tuple of str
        The grade, and its reason in Swedish and in English.

    Examples
    --------
    >>> grade([Check("few_treated", False, "", "")])[0]
    'weak'
    >>> which = {"leave_one_out": ("utan Åre", "without Åre")}
    >>> grade([Check("leave_one_out", False, "", "")], which)[2].partition(": ")[2]
    'the sign turns if a certain municipality is left out (without Åre).'
    """
    known = reasons(by_rule=by_rule)
    failed = [c.name for c in checks if c.name in known and not c.passed]
    step = max(0, 2 - len(failed))
    base = (
        "Jämförelse över tid utan lottning ger högst måttlig evidens.",
        "A comparison over time without random assignment gives moderate evidence at most.",
    )
    if not failed:
        return GRADES[step], base[0], base[1]
    about = named or {}

    def told(i: int) -> str:
        return "; ".join(
            f"{known[n][i]} ({about[n][i]})" if n in about else known[n][i] for n in failed
        )

    return (
        GRADES[step],
        f"{base[0]} Sänkt av dessa skäl: {told(0)}.",
        f"{base[1]} Lowered for these reasons: {told(1)}.",
    )
