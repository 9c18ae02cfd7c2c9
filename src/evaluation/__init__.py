"""Evaluation of Swedish municipalities' models for receiving newly arrived people.

The package answers whether a municipality that is active from day one does better than
one that waits out the establishment programme, and says what it cannot tell.

Examples
--------
>>> import evaluation
>>> study = evaluation.run_study(evaluation.load_plan("settlement"))
>>> study.outcomes["foreign_background"].headline.n_treated_units
4
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.data.documents import check_figures
    from evaluation.data.embedded import DATA_SETS, municipalities
    from evaluation.data.fetch import fetch_plan
    from evaluation.data.kolada.client import KoladaClient
    from evaluation.data.observations import observations
    from evaluation.data.panel import Panel, embedded_panel
    from evaluation.data.reading import Layout, Reading, read_observations
    from evaluation.data.registry import (
        INDICATORS,
        REGISTRY,
        Indicator,
        breaks_within,
        comparable,
        derive,
        refuse_alone,
        refuse_mixing,
    )
    from evaluation.data.scb import ScbMapping, fetch_scb
    from evaluation.data.schema import validate
    from evaluation.data.sources import Sources, open_sources
    from evaluation.data.store import Snapshot, SnapshotStore
    from evaluation.data.store.revisions import Revisions, diff
    from evaluation.data.tidy_panel import build_panel, to_wide
    from evaluation.data.twin import Twin, simulate
    from evaluation.data.wilson import wilson_interval
    from evaluation.design.catalogue import catalogue
    from evaluation.design.coding.adjudication import adjudicate
    from evaluation.design.coding.agreement import agreement
    from evaluation.design.coding.proxies import ProxyRule, proxy_reliability
    from evaluation.design.coding.sheet import CodingSheet, read_sheet
    from evaluation.design.coding.survey import read_answers, summarise_answers
    from evaluation.design.comparison import (
        balance_table,
        comparison_group,
        entropy_balance,
        mahalanobis_match,
        match_table,
        matched_sets,
    )
    from evaluation.design.stance import classify, stance_table
    from evaluation.design.treatment import design_from_plan
    from evaluation.errors import InputError
    from evaluation.estimation.diagnostics.bacon import bacon_check, bacon_decomposition
    from evaluation.estimation.diagnostics.event_coefficients import (
        EventCoefficients,
        event_coefficients,
    )
    from evaluation.estimation.diagnostics.hidden_active import hidden_active
    from evaluation.estimation.diagnostics.honest import (
        honest_relative_magnitudes,
        honest_smoothness,
    )
    from evaluation.estimation.diagnostics.honest_intervals import HonestIntervals, honest_check
    from evaluation.estimation.diagnostics.misclassification import (
        attenuation,
        simulate_hidden_active,
    )
    from evaluation.estimation.diagnostics.miscoded_treated import miscoded_treated
    from evaluation.estimation.diagnostics.negative_weights import (
        negative_weights_check,
        two_way_weights,
    )
    from evaluation.estimation.diagnostics.placebo import (
        break_donut,
        leave_one_cohort_out,
        leave_one_treated_out,
        moved_adoption,
        placebo_dates,
        placebo_outcomes,
    )
    from evaluation.estimation.diagnostics.pre_trends import pre_trends_permutation, pre_trends_wald
    from evaluation.estimation.diagnostics.pre_trends_power import pre_trends_power
    from evaluation.estimation.diagnostics.refits import by_permutation
    from evaluation.estimation.diagnostics.selection import after_selection, picked_best
    from evaluation.estimation.diagnostics.spillover import (
        coordinate_distances,
        neighbour_distances,
        spillover_rings,
    )
    from evaluation.estimation.diagnostics.variance_components import variance_components
    from evaluation.estimation.did.aggregation import aggregate, event_study
    from evaluation.estimation.did.callaway_santanna import callaway_santanna
    from evaluation.estimation.did.imputation import imputation, two_stage
    from evaluation.estimation.did.multiplier import multiplier_bootstrap
    from evaluation.estimation.did.saturated import extended_two_way, sun_abraham
    from evaluation.estimation.did.stacked import Stacked, stacked
    from evaluation.estimation.did.synthetic_did import SyntheticDiD, synthetic_did
    from evaluation.estimation.did.triple import gap_panel, triple_difference
    from evaluation.estimation.did.two_way import two_way_fixed_effects
    from evaluation.estimation.few_treated.auto import FewTreated, auto_inference
    from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator
    from evaluation.estimation.few_treated.collapsed import collapse
    from evaluation.estimation.few_treated.contrasts import contrasts
    from evaluation.estimation.few_treated.integrated_t import integrated_t
    from evaluation.estimation.few_treated.own_history import own_history
    from evaluation.estimation.few_treated.permutation import permutation_test
    from evaluation.estimation.few_treated.welch import welch
    from evaluation.estimation.regression.cluster_robust import cr1, cr2, cr3
    from evaluation.estimation.regression.compare import Comparison, compare
    from evaluation.estimation.regression.least_squares import LeastSquares, least_squares
    from evaluation.estimation.regression.models import regress
    from evaluation.estimation.regression.result import Coefficient, RegressionResult
    from evaluation.estimation.regression.shares import ShareModels, share_models
    from evaluation.estimation.regression.specification_tests import hausman_test, mundlak_test
    from evaluation.estimation.regression.wild_bootstrap import (
        WildBootstrap,
        wild_cluster_bootstrap,
    )
    from evaluation.estimation.regression.wild_two_way import wild_two_way
    from evaluation.estimation.robustness.adjusted_p_values import (
        benjamini_hochberg,
        holm,
        romano_wolf,
    )
    from evaluation.estimation.robustness.multiple_testing import (
        MultipleTesting,
        adjust_outcomes,
        multiple_testing,
    )
    from evaluation.estimation.robustness.refits import map_draws
    from evaluation.estimation.robustness.simulated_studies import refit_inference
    from evaluation.estimation.robustness.specification_curve import (
        SpecificationCurve,
        specification_curve,
    )
    from evaluation.estimation.robustness.specifications import RefittedBlock, specification_grid
    from evaluation.estimation.synthetic_control import synthetic_control
    from evaluation.plan import Plan, SimulatedData, load_plan
    from evaluation.questions.evaluability import assess, assess_catalogue
    from evaluation.questions.power import Power
    from evaluation.questions.power_curves import PowerCurve, power_curve
    from evaluation.questions.study import Study, run_study
    from evaluation.report.bundle import write_report
    from evaluation.report.verify import verify
    from evaluation.results import Check, Estimate, EventStudy, Finding, GroupTime

__version__ = "0.1.0"

# name -> module; heavy libraries are imported with the first use, not with the package
_HOMES = {
    "check_figures": "data.documents",
    "DATA_SETS": "data.embedded",
    "municipalities": "data.embedded",
    "fetch_plan": "data.fetch",
    "KoladaClient": "data.kolada.client",
    "observations": "data.observations",
    "Panel": "data.panel",
    "embedded_panel": "data.panel",
    "Layout": "data.reading",
    "Reading": "data.reading",
    "read_observations": "data.reading",
    "INDICATORS": "data.registry",
    "REGISTRY": "data.registry",
    "Indicator": "data.registry",
    "breaks_within": "data.registry",
    "comparable": "data.registry",
    "derive": "data.registry",
    "refuse_alone": "data.registry",
    "refuse_mixing": "data.registry",
    "ScbMapping": "data.scb",
    "fetch_scb": "data.scb",
    "validate": "data.schema",
    "Sources": "data.sources",
    "open_sources": "data.sources",
    "Snapshot": "data.store",
    "SnapshotStore": "data.store",
    "Revisions": "data.store.revisions",
    "diff": "data.store.revisions",
    "build_panel": "data.tidy_panel",
    "to_wide": "data.tidy_panel",
    "Twin": "data.twin",
    "simulate": "data.twin",
    "wilson_interval": "data.wilson",
    "catalogue": "design.catalogue",
    "adjudicate": "design.coding.adjudication",
    "agreement": "design.coding.agreement",
    "ProxyRule": "design.coding.proxies",
    "proxy_reliability": "design.coding.proxies",
    "CodingSheet": "design.coding.sheet",
    "read_sheet": "design.coding.sheet",
    "read_answers": "design.coding.survey",
    "summarise_answers": "design.coding.survey",
    "balance_table": "design.comparison",
    "comparison_group": "design.comparison",
    "entropy_balance": "design.comparison",
    "mahalanobis_match": "design.comparison",
    "match_table": "design.comparison",
    "matched_sets": "design.comparison",
    "classify": "design.stance",
    "stance_table": "design.stance",
    "design_from_plan": "design.treatment",
    "InputError": "errors",
    "bacon_check": "estimation.diagnostics.bacon",
    "bacon_decomposition": "estimation.diagnostics.bacon",
    "EventCoefficients": "estimation.diagnostics.event_coefficients",
    "event_coefficients": "estimation.diagnostics.event_coefficients",
    "hidden_active": "estimation.diagnostics.hidden_active",
    "honest_relative_magnitudes": "estimation.diagnostics.honest",
    "honest_smoothness": "estimation.diagnostics.honest",
    "HonestIntervals": "estimation.diagnostics.honest_intervals",
    "honest_check": "estimation.diagnostics.honest_intervals",
    "attenuation": "estimation.diagnostics.misclassification",
    "simulate_hidden_active": "estimation.diagnostics.misclassification",
    "miscoded_treated": "estimation.diagnostics.miscoded_treated",
    "negative_weights_check": "estimation.diagnostics.negative_weights",
    "two_way_weights": "estimation.diagnostics.negative_weights",
    "break_donut": "estimation.diagnostics.placebo",
    "leave_one_cohort_out": "estimation.diagnostics.placebo",
    "leave_one_treated_out": "estimation.diagnostics.placebo",
    "moved_adoption": "estimation.diagnostics.placebo",
    "placebo_dates": "estimation.diagnostics.placebo",
    "placebo_outcomes": "estimation.diagnostics.placebo",
    "pre_trends_permutation": "estimation.diagnostics.pre_trends",
    "pre_trends_wald": "estimation.diagnostics.pre_trends",
    "pre_trends_power": "estimation.diagnostics.pre_trends_power",
    "by_permutation": "estimation.diagnostics.refits",
    "after_selection": "estimation.diagnostics.selection",
    "picked_best": "estimation.diagnostics.selection",
    "coordinate_distances": "estimation.diagnostics.spillover",
    "neighbour_distances": "estimation.diagnostics.spillover",
    "spillover_rings": "estimation.diagnostics.spillover",
    "variance_components": "estimation.diagnostics.variance_components",
    "aggregate": "estimation.did.aggregation",
    "event_study": "estimation.did.aggregation",
    "callaway_santanna": "estimation.did.callaway_santanna",
    "imputation": "estimation.did.imputation",
    "two_stage": "estimation.did.imputation",
    "multiplier_bootstrap": "estimation.did.multiplier",
    "extended_two_way": "estimation.did.saturated",
    "sun_abraham": "estimation.did.saturated",
    "Stacked": "estimation.did.stacked",
    "stacked": "estimation.did.stacked",
    "SyntheticDiD": "estimation.did.synthetic_did",
    "synthetic_did": "estimation.did.synthetic_did",
    "gap_panel": "estimation.did.triple",
    "triple_difference": "estimation.did.triple",
    "two_way_fixed_effects": "estimation.did.two_way",
    "FewTreated": "estimation.few_treated.auto",
    "auto_inference": "estimation.few_treated.auto",
    "LinearEstimator": "estimation.few_treated.coefficients",
    "linear_estimator": "estimation.few_treated.coefficients",
    "collapse": "estimation.few_treated.collapsed",
    "contrasts": "estimation.few_treated.contrasts",
    "integrated_t": "estimation.few_treated.integrated_t",
    "own_history": "estimation.few_treated.own_history",
    "permutation_test": "estimation.few_treated.permutation",
    "welch": "estimation.few_treated.welch",
    "cr1": "estimation.regression.cluster_robust",
    "cr2": "estimation.regression.cluster_robust",
    "cr3": "estimation.regression.cluster_robust",
    "Comparison": "estimation.regression.compare",
    "compare": "estimation.regression.compare",
    "LeastSquares": "estimation.regression.least_squares",
    "least_squares": "estimation.regression.least_squares",
    "regress": "estimation.regression.models",
    "Coefficient": "estimation.regression.result",
    "RegressionResult": "estimation.regression.result",
    "ShareModels": "estimation.regression.shares",
    "share_models": "estimation.regression.shares",
    "hausman_test": "estimation.regression.specification_tests",
    "mundlak_test": "estimation.regression.specification_tests",
    "WildBootstrap": "estimation.regression.wild_bootstrap",
    "wild_cluster_bootstrap": "estimation.regression.wild_bootstrap",
    "wild_two_way": "estimation.regression.wild_two_way",
    "benjamini_hochberg": "estimation.robustness.adjusted_p_values",
    "holm": "estimation.robustness.adjusted_p_values",
    "romano_wolf": "estimation.robustness.adjusted_p_values",
    "MultipleTesting": "estimation.robustness.multiple_testing",
    "adjust_outcomes": "estimation.robustness.multiple_testing",
    "multiple_testing": "estimation.robustness.multiple_testing",
    "map_draws": "estimation.robustness.refits",
    "refit_inference": "estimation.robustness.simulated_studies",
    "SpecificationCurve": "estimation.robustness.specification_curve",
    "specification_curve": "estimation.robustness.specification_curve",
    "RefittedBlock": "estimation.robustness.specifications",
    "specification_grid": "estimation.robustness.specifications",
    "synthetic_control": "estimation.synthetic_control",
    "Plan": "plan",
    "SimulatedData": "plan",
    "load_plan": "plan",
    "assess": "questions.evaluability",
    "assess_catalogue": "questions.evaluability",
    "Power": "questions.power",
    "PowerCurve": "questions.power_curves",
    "power_curve": "questions.power_curves",
    "Study": "questions.study",
    "run_study": "questions.study",
    "write_report": "report.bundle",
    "verify": "report.verify",
    "Check": "results",
    "Estimate": "results",
    "EventStudy": "results",
    "Finding": "results",
    "GroupTime": "results",
}
__all__ = [
    "DATA_SETS",
    "INDICATORS",
    "REGISTRY",
    "Check",
    "CodingSheet",
    "Coefficient",
    "Comparison",
    "Estimate",
    "EventCoefficients",
    "EventStudy",
    "FewTreated",
    "Finding",
    "GroupTime",
    "HonestIntervals",
    "Indicator",
    "InputError",
    "KoladaClient",
    "Layout",
    "LeastSquares",
    "LinearEstimator",
    "MultipleTesting",
    "Panel",
    "Plan",
    "Power",
    "PowerCurve",
    "ProxyRule",
    "Reading",
    "RefittedBlock",
    "RegressionResult",
    "Revisions",
    "ScbMapping",
    "ShareModels",
    "SimulatedData",
    "Snapshot",
    "SnapshotStore",
    "Sources",
    "SpecificationCurve",
    "Stacked",
    "Study",
    "SyntheticDiD",
    "Twin",
    "WildBootstrap",
    "__version__",
    "adjudicate",
    "adjust_outcomes",
    "after_selection",
    "aggregate",
    "agreement",
    "assess",
    "assess_catalogue",
    "attenuation",
    "auto_inference",
    "bacon_check",
    "bacon_decomposition",
    "balance_table",
    "benjamini_hochberg",
    "break_donut",
    "breaks_within",
    "build_panel",
    "by_permutation",
    "callaway_santanna",
    "catalogue",
    "check_figures",
    "classify",
    "collapse",
    "comparable",
    "compare",
    "comparison_group",
    "contrasts",
    "coordinate_distances",
    "cr1",
    "cr2",
    "cr3",
    "derive",
    "design_from_plan",
    "diff",
    "embedded_panel",
    "entropy_balance",
    "event_coefficients",
    "event_study",
    "extended_two_way",
    "fetch_plan",
    "fetch_scb",
    "gap_panel",
    "hausman_test",
    "hidden_active",
    "holm",
    "honest_check",
    "honest_relative_magnitudes",
    "honest_smoothness",
    "imputation",
    "integrated_t",
    "least_squares",
    "leave_one_cohort_out",
    "leave_one_treated_out",
    "linear_estimator",
    "load_plan",
    "mahalanobis_match",
    "map_draws",
    "match_table",
    "matched_sets",
    "miscoded_treated",
    "moved_adoption",
    "multiple_testing",
    "multiplier_bootstrap",
    "mundlak_test",
    "municipalities",
    "negative_weights_check",
    "neighbour_distances",
    "observations",
    "open_sources",
    "own_history",
    "permutation_test",
    "picked_best",
    "placebo_dates",
    "placebo_outcomes",
    "power_curve",
    "pre_trends_permutation",
    "pre_trends_power",
    "pre_trends_wald",
    "proxy_reliability",
    "read_answers",
    "read_observations",
    "read_sheet",
    "refit_inference",
    "refuse_alone",
    "refuse_mixing",
    "regress",
    "romano_wolf",
    "run_study",
    "share_models",
    "simulate",
    "simulate_hidden_active",
    "specification_curve",
    "specification_grid",
    "spillover_rings",
    "stacked",
    "stance_table",
    "summarise_answers",
    "sun_abraham",
    "synthetic_control",
    "synthetic_did",
    "to_wide",
    "triple_difference",
    "two_stage",
    "two_way_fixed_effects",
    "two_way_weights",
    "validate",
    "variance_components",
    "verify",
    "welch",
    "wild_cluster_bootstrap",
    "wild_two_way",
    "wilson_interval",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"evaluation.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
