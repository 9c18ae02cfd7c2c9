"""The assessment: each verdict follows from the model's fields by rules; none is typed."""

from __future__ import annotations

from collections.abc import Callable

from evaluation.data import embedded
from evaluation.design.catalogue import Model, catalogue
from evaluation.errors import InputError
from evaluation.questions.evaluability.fitting import fit_outcome, model_start
from evaluation.questions.evaluability.result import CatalogueAssessment, Evaluability
from evaluation.questions.evaluability.rules import ADVICE, decide, design_checks
from evaluation.questions.evaluability.smallest import smallest_effect
from evaluation.questions.evaluability.words import say
from evaluation.questions.grading import grade
from evaluation.results import Check

__all__ = ["assess", "assess_catalogue"]


def _neighbours(model: Model) -> tuple[str, ...]:
    here = set(model.where.codes)
    return tuple(
        m.id
        for m in catalogue().values()
        if m.id != model.id and here & set(m.where.codes) and model_start(m)[0] is not None
    )


def assess(model: Model | str) -> Evaluability:
    """Assess whether a model can be evaluated.

    The rules, in order. **not evaluable**: it is advice that nobody is known to follow from a
    date; or municipalities take part that are not named; or no date of its start is stated,
    nor assumed by the plan that ships; or no outcome of the registry measures its goal; or it
    began everywhere at once and the outcome is no person's. **with person records**: it began
    everywhere at once (people are compared by date of arrival); or it is for a group, which
    drowns among all newly arrived; or the series begins after it did. **now**: an outcome that
    fits the goal ships, with a year before and a year after the start. **with live data**: such
    an outcome is in the registry and must be fetched.

    Parameters
    ----------
    model : Model or str
        A row of the catalogue, or its key.

    Returns
    -------
    Evaluability
        Verdict with its reason; for ``now`` the smallest effect that the design could find.

    Raises
    ------
    InputError
        If there is no such model.

    Examples
    --------
    >>> assess("vg_factor_1").verdict, assess("vellinge_upprop").verdict
    ('not evaluable', 'with live data')
    """
    if isinstance(model, str):
        if model not in catalogue():
            raise InputError(f"there is no model {model!r}; `evaluation models list` shows all")
        model = catalogue()[model]
    start, start_from = model_start(model)
    fits = tuple(fit_outcome(k, direct, start, model) for k, direct in model.reads.outcomes)
    verdict, obstacles, chosen, design = decide(model, start, fits)
    n_treated = len(model.where.codes)
    if model.where.scope == "region" and model.kind not in ADVICE:
        n_treated += len(model.where.regions)
    checks: tuple[Check, ...] = ()
    graded = ("", "", "")
    smallest = None
    if chosen and verdict in ("now", "with live data"):
        checks = design_checks(n_treated, start_from, chosen)
        graded = grade(checks)
    if chosen and verdict == "now":
        assert chosen.first_year is not None
        smallest = smallest_effect(chosen.outcome, chosen.first_year, model.where.codes)
    keys = obstacles or (["now"] if chosen and chosen.direct else ["now", "indirect"])
    why = {
        lang: " ".join(say(k, lang, model, chosen.outcome if chosen else "") for k in keys)
        for lang in ("sv", "en")
    }
    return Evaluability(
        model=model,
        verdict=verdict,
        obstacles=tuple(obstacles),
        reason_sv=why["sv"],
        reason_en=why["en"],
        start=start,
        start_from=start_from,
        n_treated=n_treated,
        exposed=tuple(r.text for r in model.results if r.role == "exposed"),
        outcomes=fits,
        chosen=chosen,
        design=design,
        grade=graded[0],
        grade_reason_sv=graded[1],
        grade_reason_en=graded[2],
        checks=checks,
        shares_place_with=_neighbours(model),
        smallest=smallest,
    )


def assess_catalogue(progress: Callable[[str], None] = lambda _: None) -> CatalogueAssessment:
    """Assess every model of the documents.

    Parameters
    ----------
    progress : callable
        Called with each model's key as it begins.

    Returns
    -------
    CatalogueAssessment
        One row per model.

    Examples
    --------
    >>> len(assess_catalogue().rows)
    68
    """
    rows = []
    for name, model in catalogue().items():
        progress(name)
        rows.append(assess(model))
    return CatalogueAssessment(tuple(rows), embedded.DATA_SETS["models"].sha256)
