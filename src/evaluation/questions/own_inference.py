"""Which inference a file of one's own gets, and the tests for few treated units on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import (
    ENOUGH_UNITS,
    HISTORY,
    INTEGRATED,
    WELCH,
    FewTreated,
    auto_inference,
)
from evaluation.estimation.few_treated.collapsed import collapse, unit_sizes
from evaluation.estimation.few_treated.conley_taber import conley_taber
from evaluation.estimation.few_treated.ferman_pinto import ferman_pinto
from evaluation.estimation.few_treated.integrated_t import IntegratedTest, integrated_t
from evaluation.estimation.few_treated.own_history import ENOUGH_HISTORY, own_history
from evaluation.estimation.few_treated.placebo_test import PlaceboTest
from evaluation.estimation.few_treated.reported import report_test
from evaluation.estimation.few_treated.welch import StudentTest, welch
from evaluation.questions.own_linear import LinearDesign, estimator_of
from evaluation.results import Check, Estimate, EventStudy

__all__ = [
    "BY_NAME",
    "NAMED_TESTS",
    "USE_SIZE",
    "Inferred",
    "few_treated_inference",
    "infer",
    "without_inference",
]

ENOUGH_FOR_ANALYTIC = 20
"""Units on either side from which the analytic error is the default: with sixteen treated it was
still seen to reject a true null in up to nine per cent (reports/calibration)."""

NAMED_TESTS: Mapping[str, str] = {
    "conley-taber": "Conley–Taber, placebos from the controls",
    "ferman-pinto": "Ferman–Pinto, residuals of the controls rescaled by size",
    "cr2": WELCH,
    "own-history": HISTORY,
    "integrated-t": INTEGRATED,
}
USE_SIZE = {"auto", "ferman-pinto", "integrated-t"}
DRAWN = {"conley-taber", "ferman-pinto"}
BY_NAME = "Asked for by name."
LIMITS = {
    "conley-taber": "it takes treated and controls to have the same variance: where variance fell "
    "with size, a 5 % test rejected a true null in 8 to 39 % of simulated studies whose treated "
    "units were small, and in under 1 % of those whose treated units were large",
    "ferman-pinto": "a 5 % test rejected a true null in 1 to 11 % of simulated studies with 33 "
    "units and in 0.5 to 8 % with 290: the line A + B·h is learnt from few residuals",
    "cr2": "with two to seven treated units it keeps its level but has little power",
    "own-history": "it takes the variance before and after adoption to be in the same ratio in "
    "every unit",
    "integrated-t": "it takes treatment not to change the variance",
}


@dataclass(frozen=True)
class Inferred:
    """A result with its inference and what stands beside it.

    Parameters
    ----------
    result : Estimate
        The headline.
    event : EventStudy or None
        By event time, under the same rule; no band.
    rule, reason : str
        What was chosen and why.
    companions : tuple of Estimate
        The same number under other tests.
    checks : tuple of Check
        What the test says about its own assumptions.
    event_p : mapping of int to float or None
        p-values by event time.
    """

    result: Estimate
    event: EventStudy | None
    rule: str
    reason: str
    companions: tuple[Estimate, ...] = ()
    checks: tuple[Check, ...] = ()
    event_p: Mapping[int, float | None] = field(default_factory=dict)


def _named_test(
    d: LinearDesign, estimand: str, name: str, draws: int, seed: int
) -> tuple[float, StudentTest | IntegratedTest | PlaceboTest]:
    """Run one test; return the linear estimate beside it."""
    y = d.panel.values.to_numpy(dtype=float)
    c = collapse(y, estimator_of(d, estimand))
    size = None if d.size is None else unit_sizes(d.panel, d.size)
    test: StudentTest | IntegratedTest | PlaceboTest | None
    if name in {"ferman-pinto", "integrated-t"} and size is None:
        raise InputError(
            f"{name} needs the persons behind each value: name their column", field="--size"
        )
    if c.n_controls < 3:
        raise InputError(
            f"{name} needs three never-treated units or more; there are {c.n_controls}",
            field="--inference",
        )
    if name == "conley-taber":
        test = conley_taber(c, draws=draws, seed=seed)
    elif name == "ferman-pinto":
        assert size is not None
        test = ferman_pinto(c, size, draws=draws, seed=seed)
    elif name == "integrated-t":
        assert size is not None
        test = integrated_t(c, y, size)
    elif name == "cr2":
        test = welch(c)
        if not np.isfinite(test.std_error[0]):
            raise InputError("cr2 needs two treated units or more", field="--inference")
    else:
        test = own_history(c, y)
        if test is None:
            raise InputError(
                "own-history needs more years before adoption: "
                f"{ENOUGH_HISTORY} contrasts among them that the estimator does not use",
                field="--inference",
            )
    return float(c.estimate[0]), test


def infer(
    inference: str | None,
    like: Estimate,
    event: EventStudy | None,
    design: Callable[[], LinearDesign | str],
    sides: tuple[int, int],
    *,
    placebo: bool,
    draws: int,
    seed: int,
) -> Inferred:
    """Choose the inference and carry it out.

    Parameters
    ----------
    inference : str or None
        ``auto``, ``analytic`` or a key of ``NAMED_TESTS``. None is ``analytic`` where there
        are many units on either side and ``auto`` where there are not.
    like, event : Estimate, EventStudy or None
        Analytic.
    design : callable
        Gives what the tests for few treated units need, or says why they do not apply.
    sides : tuple of int
        Treated and comparison units or clusters.
    placebo : bool
        Whether the error already comes from placebo studies.
    draws, seed : int
        Of the tests that draw.

    Returns
    -------
    Inferred
        Where the design supports neither the analytic error nor another test there is no
        p-value and no interval.

    Raises
    ------
    InputError
        If a test asked for by name does not apply.
    """
    few = min(sides) < ENOUGH_UNITS
    many = min(sides) >= ENOUGH_FOR_ANALYTIC
    counts = f"{sides[0]} treated against {sides[1]} in the comparison"
    if inference == "analytic":
        if few and not placebo:
            note = (
                f"analytic asked for by name: with fewer than {ENOUGH_UNITS} on either side its "
                "interval is too short and its p-value too small"
            )
            like = replace(like, notes=(*like.notes, note))
        return Inferred(like, event, "analytic", BY_NAME)
    if inference is not None and inference in NAMED_TESTS:
        found = design()
        if isinstance(found, str):
            raise InputError(f"{inference} does not apply: {found}", field="--inference")
        return few_treated_inference(
            found, like, event, inference=inference, draws=draws, seed=seed
        )
    if placebo and not few:
        reason = (
            "The variance comes from placebo studies among the untreated units; it takes the "
            "treated to vary as they do."
        )
        return Inferred(like, event, "placebo", reason)
    if inference is None and many:
        enough = f"at least {ENOUGH_FOR_ANALYTIC} on either side"
        reason = f"{counts}: {enough}, so the analytic error is used."
        return Inferred(like, event, "analytic", reason)
    found = "placebo studies take the treated to vary as the controls do" if placebo else design()
    if isinstance(found, LinearDesign):
        return few_treated_inference(found, like, event, inference="auto", draws=draws, seed=seed)
    if not few:
        reason = (
            f"{counts}: at least {ENOUGH_UNITS} on either side, so the analytic error is used; the "
            f"tests for few treated units do not apply: {found}."
        )
        return Inferred(like, event, "analytic", reason)
    reason = (
        f"{counts}: with fewer than {ENOUGH_UNITS} on either side the analytic error is not "
        f"supported, and the tests for few treated units do not apply: {found}."
    )
    result = without_inference(like, f"none: {found}")
    rows: list[Estimate | None] = [None] * (0 if event is None else len(event.event_time))
    shown = None if event is None else _event_study(event, rows, result)
    return Inferred(result, shown, "none", reason)


def few_treated_inference(
    d: LinearDesign,
    like: Estimate,
    event: EventStudy | None,
    *,
    inference: str,
    draws: int,
    seed: int,
) -> Inferred:
    """Give an estimate and its event times one of the tests for few treated units.

    Parameters
    ----------
    d : LinearDesign
        The sample.
    like : Estimate
        The analytic estimate.
    event : EventStudy or None
        The analytic event study: its points are kept.
    inference : str
        ``auto`` or a key of ``NAMED_TESTS``.
    draws, seed : int
        Of Conley–Taber and Ferman–Pinto.

    Returns
    -------
    Inferred
        An event time that the test does not cover has no p-value and no interval.

    Raises
    ------
    InputError
        If the named test cannot be computed.
    """
    notes = like.notes
    if d.weights_as_size and inference in USE_SIZE:
        notes = (*notes, "the weights also serve as sizes: persons behind each value")
    if inference == "auto":
        inferred = _auto(d, like, notes)
    else:
        seeded = replace(like, seed=seed) if inference in DRAWN else like
        _, test = _named_test(d, like.estimand, inference, draws, seed)
        notes = (*notes, f"{inference}: {LIMITS[inference]}")
        result = report_test(seeded, test, NAMED_TESTS[inference], notes)
        inferred = Inferred(result, None, inference, BY_NAME)
    if event is None:
        return inferred
    rows: list[Estimate | None] = []
    for e, value in zip(event.event_time, event.estimate, strict=True):
        rows.append(_event_row(d, replace(like, estimate=value), e, inference, draws, seed))
    return replace(
        inferred,
        event=_event_study(event, rows, inferred.result),
        event_p={
            e: None if row is None else row.p_value
            for e, row in zip(event.event_time, rows, strict=True)
        },
    )


def _auto(d: LinearDesign, like: Estimate, notes: tuple[str, ...]) -> Inferred:
    found = _auto_inference(d, like.estimand, like.alpha)
    result = _carried(like, found.result, notes)
    if found.rule == "none":
        result = without_inference(replace(like, notes=notes), found.result.inference)
    return Inferred(
        result,
        None,
        found.rule,
        found.reason_en,
        tuple(_carried(like, c, ()) for c in found.companions),
        found.checks,
    )


def _auto_inference(d: LinearDesign, estimand: str, alpha: float) -> FewTreated:
    return auto_inference(
        d.panel,
        d.cohort,
        size=d.size,
        method=d.method,
        estimand=estimand,
        control_group=d.control_group,
        anticipation=d.anticipation,
        weights=d.weights,
        alpha=alpha,
    )


def _carried(like: Estimate, found: Estimate, notes: tuple[str, ...]) -> Estimate:
    """Put a test's numbers on the estimator's own estimate."""
    return replace(
        like,
        conf_int=found.conf_int,
        inference=found.inference,
        std_error=found.std_error,
        statistic=found.statistic,
        p_value=found.p_value,
        small_sample=found.small_sample,
        notes=notes,
    )


def without_inference(like: Estimate, inference: str) -> Estimate:
    """Take p-value and interval off an analytic estimate; its error stays, with a note.

    Parameters
    ----------
    like : Estimate
        The analytic estimate.
    inference : str
        What is said of the inference.

    Returns
    -------
    Estimate
        With infinite bounds.
    """
    note = (
        "the standard error is the estimator's own and too small with this few units; --inference "
        "analytic prints the p-value and the interval that go with it"
    )
    return replace(
        like,
        conf_int=(-np.inf, np.inf),
        statistic=None,
        p_value=None,
        inference=inference,
        notes=(*like.notes, note),
    )


def _event_row(
    d: LinearDesign, like: Estimate, e: int, inference: str, draws: int, seed: int
) -> Estimate | None:
    """Test one event time; None where the test does not cover it."""
    try:
        if inference == "auto":
            found = _auto_inference(d, f"event:{e}", like.alpha).result
            value = found.estimate
            row = _carried(like, found, ())
        else:
            value, test = _named_test(d, f"event:{e}", inference, draws, seed)
            row = report_test(like, test, NAMED_TESTS[inference], ())
    except InputError:
        return None
    return row if abs(value - like.estimate) <= 1e-8 * max(1.0, abs(like.estimate)) else None


def _event_study(event: EventStudy, rows: list[Estimate | None], result: Estimate) -> EventStudy:
    """Put the tests' intervals in the place of the analytic ones; there is no band."""
    n = len(rows)
    bounds = [(-np.inf, np.inf) if r is None else r.conf_int for r in rows]
    errors = [None if r is None else r.std_error for r in rows]
    return replace(
        event,
        std_error=tuple(float("nan") if s is None else s for s in errors),
        conf_low=tuple(low for low, _ in bounds),
        conf_high=tuple(high for _, high in bounds),
        band_low=(-np.inf,) * n,
        band_high=(np.inf,) * n,
        inference=f"{result.inference.partition(':')[0]}, each event time on its own",
        band="none",
        seed=result.seed,
    )
