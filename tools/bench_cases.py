"""What the benchmark runs in the project's own environment: this package, and what it wraps.

Each case prepares the data outside the clock and returns what is timed. Where libraries are
compared, all start from the same long table, and the answer is returned so that a reader sees
the same quantity: the effect in the year of adoption, a p-value or a coefficient.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from bench_data import demeaned, event_moments, long_table
from bench_fetch import CASES as FETCH
from bench_questions import CASES as QUESTIONS

from evaluation.data.panel import Panel
from evaluation.estimation.did.aggregation import aggregate, event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.saturated import sun_abraham
from evaluation.results import GroupTime

Run = Callable[[], float]
Case = Callable[[int], Run]
DRAWS = 9999
FORMULA = "value ~ treated + x + EntityEffects + TimeEffects"


def _panel(table: pd.DataFrame) -> tuple[Panel, pd.Series]:
    """Spread the rows, in whatever order, over units and years."""
    row, units = pd.factorize(table["unit"])
    column, years = pd.factorize(table["time"], sort=True)
    values = np.full((len(units), len(years)), np.nan)
    values[row, column] = table["value"]
    cohort = np.empty(len(units), dtype=int)
    cohort[row] = table["cohort"]
    names = pd.Index(units.astype(str))
    return Panel("value", pd.DataFrame(values, names, years)), pd.Series(cohort, names)


def _few_treated(units: int) -> tuple[Panel, pd.Series, pd.Series]:
    """Return a panel with four treated units in two years, and sizes."""
    panel, _ = _panel(long_table(units))
    cohort = pd.Series(0, index=panel.units)
    cohort.iloc[[3, units // 5]] = 2016
    cohort.iloc[[units // 2, units - 5]] = 2019
    size = np.random.default_rng(1).lognormal(4, 1, units)
    return panel, cohort, pd.Series(size, index=panel.units)


def _group_time(estimator: Callable[[Panel, pd.Series], GroupTime]) -> Case:
    def prepare(units: int) -> Run:
        table = long_table(units)

        def run() -> float:
            found = event_study(estimator(*_panel(table)))
            return found.estimate[found.event_time.index(0)]

        return run

    return prepare


def _wild(units: int) -> Run:
    from evaluation.estimation.regression.wild_two_way import wild_two_way

    table = long_table(units)

    def run() -> float:
        found = wild_two_way(*_panel(table), draws=DRAWS, seed=1)
        assert found.p_value is not None
        return found.p_value

    return run


def _permutation(units: int) -> Run:
    from evaluation.estimation.few_treated.contrasts import contrasts
    from evaluation.estimation.few_treated.permutation import free_assignments, permutation_test

    panel, cohort, _ = _few_treated(units)

    def run() -> float:
        c = contrasts(panel, cohort, "cohort")
        picks = free_assignments(units, c.slots, DRAWS, 1)
        like = aggregate(callaway_santanna(panel, cohort), "cohort")
        p = permutation_test(c, picks, seed=1, like=like, mechanism="any units").result.p_value
        assert p is not None
        return p

    return run


def _curve(units: int) -> Run:
    """Five estimators × 3 controls × 4 samples × 2 weights × 3 outcomes × 3 adoption years."""
    from evaluation.estimation.few_treated.permutation import free_assignments
    from evaluation.estimation.robustness.specification_curve import specification_curve
    from evaluation.estimation.robustness.specifications import specification_grid

    panel, cohort, size = _few_treated(units)
    rng = np.random.default_rng(2)
    values, names = panel.values, panel.units
    noisy = Panel("noisy", values + rng.standard_normal(values.shape))
    controls = {
        "none": None,
        "one": pd.DataFrame({"a": rng.standard_normal(units)}, index=names),
        "two": pd.DataFrame(rng.standard_normal((units, 2)), index=names, columns=["a", "b"]),
    }
    treated = [n for n in names if cohort[n] > 0]
    rest = [n for n in names if cohort[n] == 0]
    third = len(rest) // 3

    def run() -> float:
        grid = specification_grid(
            {"plain": panel, "scaled": Panel("scaled", 1.1 * values), "noisy": noisy},
            {
                "coded": cohort,
                "earlier": cohort.where(cohort == 0, cohort - 1),
                "later": cohort.where(cohort == 0, cohort + 1),
            },
            controls=controls,
            samples={
                "all": None,
                "no first": treated + rest[third:],
                "no middle": treated + rest[:third] + rest[2 * third :],
                "no last": treated + rest[: 2 * third],
            },
            weights={"equal": None, "size": size},
        )
        if len(grid) < 1000:
            raise RuntimeError(f"{len(grid)} specifications are not a thousand")
        picks = free_assignments(units, grid.slots, DRAWS, 1)
        curve = specification_curve(grid, picks, seed=1, mechanism="any units")
        return float(curve.tests()["p_value"].iloc[0])

    return run


def _honest(units: int) -> Run:
    from evaluation.estimation.diagnostics.event_coefficients import EventCoefficients
    from evaluation.estimation.diagnostics.honest import honest_relative_magnitudes

    e = EventCoefficients(*event_moments(units))
    return lambda: honest_relative_magnitudes(e, (0.5, 1.0, 1.5, 2.0)).conf_low[1]


def _rule(units: int) -> Run:
    from evaluation.estimation.few_treated.auto import auto_inference

    panel, cohort, size = _few_treated(units)

    def run() -> float:
        p = auto_inference(panel, cohort, size=size).result.p_value
        assert p is not None
        return p

    return run


def _rule_many(units: int) -> Run:
    from evaluation.estimation.few_treated.auto import auto_p_values
    from evaluation.estimation.few_treated.coefficients import linear_estimator
    from evaluation.estimation.few_treated.collapsed import collapse

    panel, cohort, size = _few_treated(units)
    draws = np.random.default_rng(3).standard_normal((1000, *panel.values.shape))
    sizes = size.to_numpy()

    def run() -> float:
        estimator = linear_estimator(panel, cohort)
        return float(auto_p_values(collapse(draws, estimator), draws, sizes)[0])

    return run


def _synthetic(units: int) -> Run:
    from evaluation.estimation.synthetic_control import synthetic_control

    panel, cohort, size = _few_treated(units)
    donors = [u for u in panel.units if cohort[u] == 0]
    extra = pd.DataFrame({"log size": np.log(size)})
    unit = panel.units[3]
    return lambda: float(synthetic_control(panel, unit, 2016, donors, extra).gap[-1])


def _fixed_effects(units: int) -> Run:
    from evaluation.estimation.regression.models import regress

    table = long_table(units)
    return lambda: regress(table, FORMULA, "unit", "time")["treated"].estimate


def _bare_fixed_effects(units: int) -> Run:
    from linearmodels.panel import PanelOLS

    table = long_table(units)

    def run() -> float:
        model = PanelOLS.from_formula(FORMULA, table.set_index(["unit", "time"]))
        fit = model.fit(cov_type="clustered", cluster_entity=True)
        fit.conf_int()
        return float(fit.params["treated"])

    return run


def _bare_wild(units: int) -> Run:
    from diff_diff.utils import wild_bootstrap_se

    table = long_table(units)

    def run() -> float:
        y, x, unit = demeaned(table)
        return float(wild_bootstrap_se(x, y, y, unit, 0, n_bootstrap=DRAWS, seed=1).p_value)

    return run


def _bare(name: str, **options: Any) -> Case:
    """Fit with diff-diff alone and aggregate by event time."""

    def prepare(units: int) -> Run:
        import diff_diff

        table = long_table(units)

        def run() -> float:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = getattr(diff_diff, name)(**options).fit(
                    table, outcome="value", unit="unit", time="time", first_treat="cohort"
                )
                if name == "SunAbraham":
                    return float(fit.event_study_effects[0]["effect"])
                path = fit.aggregate("event_study")
            return float(np.asarray(path.att)[list(path.event_time).index(0)])

        return run

    return prepare


CASES: dict[str, Case] = {
    "wild": _wild,
    "cs": _group_time(callaway_santanna),
    "sunab": _group_time(sun_abraham),
    "imputation": _group_time(imputation),
    "twostage": _group_time(two_stage),
    "fixed effects": _fixed_effects,
    "permutation": _permutation,
    "curve": _curve,
    "honest": _honest,
    "rule": _rule,
    "rule, 1000 panels": _rule_many,
    "synthetic control": _synthetic,
    "diff-diff wild": _bare_wild,
    "diff-diff cs": _bare(
        "CallawaySantAnna", control_group="never_treated", estimation_method="reg"
    ),
    "diff-diff sunab": _bare("SunAbraham"),
    "diff-diff imputation": _bare("ImputationDiD"),
    "diff-diff twostage": _bare("TwoStageDiD"),
    "linearmodels fixed effects": _bare_fixed_effects,
    **FETCH,
    **QUESTIONS,
}
