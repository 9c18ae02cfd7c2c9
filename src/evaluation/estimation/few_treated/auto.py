"""The rule that chooses the inference by the design, and says why.

Eight or more treated and eight or more controls: each side's own variance (Welch). Fewer,
with sizes known: the t-test integrated over the variance function. Fewer, without sizes:
each treated unit's own years before adoption. Where none of these keeps its level there is
an estimate and no p-value. The levels are measured, cell by cell, in the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.few_treated.coefficients import linear_estimator
from evaluation.estimation.few_treated.collapsed import Collapsed, collapse, unit_sizes
from evaluation.estimation.few_treated.integrated_t import IntegratedTest, integrated_t
from evaluation.estimation.few_treated.own_history import own_history
from evaluation.estimation.few_treated.reported import report_test
from evaluation.estimation.few_treated.welch import StudentTest, welch
from evaluation.estimation.windows import WHOLE, Windows
from evaluation.language import number, p_value
from evaluation.results import Check, Estimate

__all__ = [
    "ENOUGH_UNITS",
    "FEWEST_UNITS",
    "LEANS",
    "LEANS_TOO_MUCH",
    "TESTS",
    "FewTreated",
    "auto_inference",
    "auto_p_values",
]

ENOUGH_UNITS = 8
"""Treated and controls from which each side's own variance is known well enough."""
FEWEST_UNITS = 12
"""Units below which none of the tests was seen to keep its level."""
FEWEST_CONTROLS = 3
"""Controls below which neither size nor history says anything about variance."""
COMPANION = 4
"""Treated from which Welch's test is printed beside the others."""
LEANS, LEANS_TOO_MUCH = 0.2, 0.3
"""Spread of the log standard error over variance models: warn, refuse."""

WELCH = "each side's own variance (CR2, Welch–Satterthwaite)"
INTEGRATED = "t-test integrated over the variance function"
HISTORY = "t-test with each treated unit's own variance before adoption"
NONE = "no valid test"
TESTS = {"welch": WELCH, "integrated_t": INTEGRATED, "own_history": HISTORY, "none": NONE}
"""What each outcome of the rule is called on an estimate."""

_REASONS = {
    "welch": (
        "Minst {enough} kommuner på vardera sidan: varje sidas egen varians räcker, även om "
        "behandlingen ändrar variansen.",
        "At least {enough} units on either side: each side's own variance is enough, even if "
        "treatment changes the variance.",
    ),
    "integrated_t": (
        "Färre än {enough} behandlade eller jämförelseenheter och storleken känd: variansen lärs "
        "av jämförelsegruppen och av storleken.",
        "Fewer than {enough} treated or comparison units and sizes known: the variance is learnt "
        "from the comparison group and from size.",
    ),
    "own_history": (
        "Färre än {enough} behandlade eller jämförelseenheter och ingen storlek som kan användas: "
        "variansen lärs av varje behandlad enhets egna år före starten.",
        "Fewer than {enough} treated or comparison units and no size of use: the variance is "
        "learnt from each treated unit's own years before adoption.",
    ),
    "none": (
        "Inget känt test håller sin nivå här: färre än {fewest} enheter, eller för få år före "
        "starten och ingen storlek som avgör variansen. Skattningen visas utan p-värde.",
        "No known test keeps its level here: fewer than {fewest} units, or too few years before "
        "adoption and no size that settles the variance. The estimate is shown without a p-value.",
    ),
}


@dataclass(frozen=True)
class FewTreated:
    """An estimate with the inference that its design supports.

    Parameters
    ----------
    result : Estimate
        The headline; without p-value and with infinite bounds where no test is valid.
    rule : {"welch", "integrated_t", "own_history", "none"}
        What was chosen.
    reason_sv, reason_en : str
        Why.
    companions : tuple of Estimate
        The same estimate under the other tests that can be computed here, to be read
        beside the headline, never instead of it.
    checks : tuple of Check
        How far the answer leans on the variance function, and whether change goes with
        size among the controls.
    """

    result: Estimate
    rule: str
    reason_sv: str
    reason_en: str
    companions: tuple[Estimate, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class _Chosen:
    rule: str
    test: StudentTest | IntegratedTest | None
    welch: StudentTest | None
    integrated: IntegratedTest | None
    history: StudentTest | None


def _rule(n_treated: int, n_controls: int, integrated: bool, history: bool) -> str:
    if min(n_treated, n_controls) >= ENOUGH_UNITS:
        return "welch"
    if n_treated + n_controls < FEWEST_UNITS:
        return "none"
    return "integrated_t" if integrated else "own_history" if history else "none"


def _choose(c: Collapsed, y: np.ndarray, size: np.ndarray | None) -> _Chosen:
    """Choose for a single panel; every test that can be computed is computed."""
    n1, n0 = len(c.estimator.weight), c.n_controls
    sides = welch(c) if n1 >= COMPANION else None
    integrated = None if size is None or n0 < FEWEST_CONTROLS else integrated_t(c, y, size)
    history = own_history(c, y) if n0 >= FEWEST_CONTROLS else None
    if history is not None and not np.isfinite(history.std_error[0]):
        history = None
    steady = integrated is not None and float(integrated.leaning[0]) <= LEANS_TOO_MUCH
    rule = _rule(n1, n0, steady, history is not None)
    test = {"welch": sides, "integrated_t": integrated, "own_history": history}.get(rule)
    return _Chosen(rule, test, sides, integrated, history)


def auto_p_values(
    c: Collapsed, y: np.ndarray, size: np.ndarray | None, *, effect: float = 0.0
) -> np.ndarray:
    """Return the rule's p-value for many panels of one design.

    Parameters
    ----------
    c : Collapsed
        From the same panels.
    y : numpy.ndarray
        Shape (draws, units, years).
    size : numpy.ndarray or None
        Shape (units,) or (units, years).
    effect : float
        The hypothesised effect.

    Returns
    -------
    numpy.ndarray
        Shape (draws,); NaN where the rule gives no p-value.
    """
    n1, n0 = len(c.estimator.weight), c.n_controls
    rule = _rule(n1, n0, True, True)
    if rule == "welch":
        return welch(c).p_value(effect)
    nothing = np.full(len(c.estimate), np.nan)
    if rule == "none" or n0 < FEWEST_CONTROLS:
        return nothing
    test = integrated_t(c, y, size) if size is not None else None
    steady = np.zeros(len(nothing), bool) if test is None else test.leaning <= LEANS_TOO_MUCH
    if test is not None and steady.all():
        return test.p_value(effect)
    history = own_history(c, y)
    fallback = nothing
    if history is not None:
        fallback = np.where(np.isfinite(history.std_error), history.p_value(effect), np.nan)
    return fallback if test is None else np.where(steady, test.p_value(effect), fallback)


def _leaning_check(test: IntegratedTest) -> Check:
    spread = float(test.leaning[0])
    verdict_sv = "för mycket för ett p-värde" if spread > LEANS_TOO_MUCH else "märkbart"
    verdict_en = "too much for a p-value" if spread > LEANS_TOO_MUCH else "noticeably"
    if spread <= LEANS:
        verdict_sv, verdict_en = "föga", "little"
    return Check(
        "variance_function",
        spread <= LEANS,
        f"Svaret beror {verdict_sv} på hur variansen faller med storleken: medelfelets logaritm "
        f"sprider {number(spread, 'sv')} över modellerna.",
        f"The answer leans {verdict_en} on how variance falls with size: the log standard error "
        f"spreads {number(spread, 'en')} over the models.",
        spread,
        LEANS,
    )


def _size_check(c: Collapsed, size: np.ndarray, alpha: float) -> Check:
    """Ask whether the controls' change goes with their size: parallel trends by size."""
    log = np.log(size if size.ndim == 1 else size.mean(axis=1))[c.estimator.controls]
    x = log - log.mean()
    d = c.composite[0]
    square = float(x @ x)
    n = len(d)
    leverage = 1 / n + x**2 / square if np.ptp(log) > 1e-9 else np.ones(n)
    # with one unit unlike the others the slope is that unit's own change
    if n < 4 or leverage.max() > 1 - 1e-9:
        return Check(
            "change_and_size",
            None,
            "Jämförelsegruppens storlek varierar inte nog för att prövas.",
            "The comparison units' sizes do not vary enough to be tested.",
        )
    slope = float(x @ d) / square
    # errors robust to variance that falls with size, which is what is suspected here
    residual = d - slope * x
    error = float(np.sqrt(((x * residual / (1 - leverage)) ** 2).sum())) / square
    p = float(2 * student.sf(abs(slope) / error, n - 2))
    sv = "" if p < alpha else "inte påvisbart "
    en = "goes with" if p < alpha else "does not demonstrably go with"
    return Check(
        "change_and_size",
        p >= alpha,
        f"I jämförelsegruppen hänger förändringen {sv}ihop med storleken ({p_value(p, 'sv')}); "
        "gör den det behöver jämförelsen vara mellan enheter av samma storlek.",
        f"Among the comparison units change {en} size ({p_value(p, 'en')}); where it does, "
        "units of the same size should be compared.",
        p,
        alpha,
    )


def auto_inference(
    panel: Panel,
    cohort: pd.Series,
    *,
    size: pd.Series | pd.DataFrame | None = None,
    method: str = "cs",
    estimand: str = "cohort",
    control_group: str = "never_treated",
    anticipation: int = 0,
    weights: pd.Series | None = None,
    windows: Windows = WHOLE,
    alpha: float = 0.05,
) -> FewTreated:
    """Estimate with the inference that the design supports.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    size : pandas.Series or pandas.DataFrame, optional
        Persons behind each value, by unit or by unit and year.
    method, estimand, control_group, anticipation, weights, windows
        As in :func:`evaluation.estimation.few_treated.coefficients.linear_estimator`.
    alpha : float
        One minus the level.

    Returns
    -------
    FewTreated
        The headline with its rule and reason, companions, and checks.

    Raises
    ------
    InputError
        If a size is missing or not above zero, ``alpha`` not between 0 and 1, or as for
        the estimator and :func:`evaluation.estimation.few_treated.collapsed.collapse`.

    Examples
    --------
    >>> import evaluation as ev
    >>> design = ev.design_from_plan(ev.load_plan("settlement"))
    >>> panel = ev.embedded_panel("low_economic_standard")
    >>> panel = panel.select([*design.treated_codes, *design.controls])
    >>> people = ev.municipalities()["population_2017"]
    >>> found = auto_inference(panel, design.cohort(), size=people)
    >>> found.rule, round(found.result.estimate, 2)
    ('integrated_t', -0.92)
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} must lie between 0 and 1", field="alpha")
    est = linear_estimator(
        panel,
        cohort,
        method=method,
        estimand=estimand,
        control_group=control_group,
        anticipation=anticipation,
        weights=weights,
        windows=windows,
    )
    y = panel.values.to_numpy(dtype=float)
    c = collapse(y, est)
    sizes = None if size is None else unit_sizes(panel, size)
    chosen = _choose(c, y, sizes)
    like = Estimate(
        term="att",
        estimate=float(c.estimate[0]),
        conf_int=(-np.inf, np.inf),
        method=est.method,
        inference="",
        estimand=est.estimand,
        n_obs=y.size,
        n_units=len(y),
        n_treated_units=len(c.estimator.weight),
        n_clusters=len(y),
        alpha=alpha,
        data_hash=panel.hash(),
        notes=(),
    )
    sv, en = (
        text.format(enough=ENOUGH_UNITS, fewest=FEWEST_UNITS) for text in _REASONS[chosen.rule]
    )
    result = report_test(like, chosen.test, f"auto: {TESTS[chosen.rule]}", (*like.notes, en))
    others = {
        "welch": chosen.welch,
        "integrated_t": chosen.integrated,
        "own_history": chosen.history,
    }
    companions = tuple(
        report_test(like, test, TESTS[rule], like.notes)
        for rule, test in others.items()
        if test is not None and rule != chosen.rule
    )
    checks = []
    if chosen.integrated is not None and chosen.rule != "welch":
        checks.append(_leaning_check(chosen.integrated))
    if sizes is not None:
        checks.append(_size_check(c, sizes, alpha))
    return FewTreated(result, chosen.rule, sv, en, companions, tuple(checks))
