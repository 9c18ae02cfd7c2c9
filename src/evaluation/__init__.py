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
from typing import Any

__version__ = "0.1.0"

# module -> names; heavy libraries are imported with the first use, not with the package.
# Types are in __init__.pyi, and a test holds the two to each other.
_ROOMS = {
    "data.disclosure": "FromPersons Released Rules attack protect release",
    "data.documents": "check_figures",
    "data.embedded": "DATA_SETS municipalities",
    "data.fetch": "fetch_plan",
    "data.kolada.client": "KoladaClient",
    "data.observations": "observations",
    "data.panel": "Panel embedded_panel",
    "data.persons": "Cohorts cohorts releases",
    "data.reading": "Layout Reading read_observations",
    "data.registry": (
        "INDICATORS Indicator REGISTRY breaks_within comparable derive refuse_alone refuse_mixing"
    ),
    "data.scb": "ScbMapping fetch_scb",
    "data.schema": "validate",
    "data.sources": "Sources open_sources",
    "data.store": "Snapshot SnapshotStore",
    "data.store.revisions": "Revisions diff",
    "data.tidy_panel": "build_panel to_wide",
    "data.twin": "Twin simulate",
    "data.wilson": "wilson_interval",
    "design.catalogue": "catalogue",
    "design.coding.adjudication": "adjudicate",
    "design.coding.agreement": "agreement",
    "design.coding.proxies": "ProxyRule proxy_reliability",
    "design.coding.sheet": "CodingSheet read_sheet",
    "design.coding.survey": "read_answers summarise_answers",
    "design.comparison": (
        "balance_table comparison_group entropy_balance mahalanobis_match match_table matched_sets"
    ),
    "design.exposure": "ExposureCalendar exposure_calendar",
    "design.stance": "classify stance_table",
    "design.treatment": "design_from_plan",
    "errors": "InputError",
    "estimation.decomposition": "Decomposition kitagawa oaxaca_blinder",
    "estimation.diagnostics.bacon": "bacon_check bacon_decomposition",
    "estimation.diagnostics.corrected_bound": "CorrectedBound corrected_bound",
    "estimation.diagnostics.event_coefficients": "EventCoefficients event_coefficients",
    "estimation.diagnostics.hidden_active": "hidden_active",
    "estimation.diagnostics.honest": "honest_relative_magnitudes honest_smoothness",
    "estimation.diagnostics.honest_intervals": "HonestIntervals honest_check",
    "estimation.diagnostics.misclassification": "attenuation simulate_hidden_active",
    "estimation.diagnostics.miscoded_treated": "miscoded_treated",
    "estimation.diagnostics.negative_weights": "negative_weights_check two_way_weights",
    "estimation.diagnostics.placebo": (
        "break_donut leave_one_cohort_out leave_one_treated_out moved_adoption placebo_dates "
        "placebo_outcomes"
    ),
    "estimation.diagnostics.pre_trends": "pre_trends_permutation pre_trends_wald",
    "estimation.diagnostics.pre_trends_power": "pre_trends_power",
    "estimation.diagnostics.refits": "by_permutation",
    "estimation.diagnostics.selection": "after_selection picked_best",
    "estimation.diagnostics.spillover": "coordinate_distances neighbour_distances spillover_rings",
    "estimation.diagnostics.variance_components": "variance_components",
    "estimation.did.aggregation": "aggregate event_study",
    "estimation.did.callaway_santanna": "callaway_santanna",
    "estimation.did.imputation": "imputation two_stage",
    "estimation.did.multiplier": "multiplier_bootstrap",
    "estimation.did.saturated": "extended_two_way sun_abraham",
    "estimation.did.stacked": "Stacked stacked",
    "estimation.did.synthetic_did": "SyntheticDiD synthetic_did",
    "estimation.did.triple": "gap_panel triple_difference",
    "estimation.did.two_way": "two_way_fixed_effects",
    "estimation.equivalence": "Equivalence equivalence",
    "estimation.few_treated.auto": "FewTreated auto_inference",
    "estimation.few_treated.coefficients": "LinearEstimator linear_estimator",
    "estimation.few_treated.collapsed": "collapse",
    "estimation.few_treated.contrasts": "contrasts",
    "estimation.few_treated.integrated_t": "integrated_t",
    "estimation.few_treated.own_history": "own_history",
    "estimation.few_treated.permutation": "permutation_test",
    "estimation.few_treated.welch": "welch",
    "estimation.gap_change": "gap_change",
    "estimation.joint": "JointEffects joint_effects",
    "estimation.joint_test": "GapMovement gap_movement",
    "estimation.regression.cluster_robust": "cr1 cr2 cr3",
    "estimation.regression.compare": "Comparison compare",
    "estimation.regression.least_squares": "LeastSquares least_squares",
    "estimation.regression.models": "regress",
    "estimation.regression.result": "Coefficient RegressionResult",
    "estimation.regression.shares": "ShareModels share_models",
    "estimation.regression.specification_tests": "hausman_test mundlak_test",
    "estimation.regression.wild_bootstrap": "WildBootstrap wild_cluster_bootstrap",
    "estimation.regression.wild_two_way": "wild_two_way",
    "estimation.robustness.adjusted_p_values": "benjamini_hochberg holm romano_wolf",
    "estimation.robustness.multiple_testing": "MultipleTesting adjust_outcomes multiple_testing",
    "estimation.robustness.refits": "map_draws",
    "estimation.robustness.simulated_studies": "refit_inference",
    "estimation.robustness.specification_curve": "SpecificationCurve specification_curve",
    "estimation.robustness.specifications": "RefittedBlock specification_grid",
    "estimation.survival.cox": "cox",
    "estimation.survival.curves": "cumulative_incidence kaplan_meier restricted_mean",
    "estimation.survival.discrete_hazard": "discrete_hazard",
    "estimation.survival.group_tests": "gray logrank",
    "estimation.survival.hazard_did": "hazard_did",
    "estimation.survival.lee_bounds": "lee_bounds",
    "estimation.survival.life_table": "LifeTable life_table",
    "estimation.synthetic_control": "synthetic_control",
    "plan": "Plan SimulatedData load_plan",
    "questions.components": "ComponentStudy component_study",
    "questions.costs": "CostPlan CostResult cost_analysis load_costs panel_costs",
    "questions.evaluability": "assess assess_catalogue",
    "questions.gender": "GapAnalysis GenderAnalysis analyse_gap plan_gender",
    "questions.horizons": "Horizons analyse_horizons",
    "questions.horizons.categories": "effect_by_category",
    "questions.horizons.plan": "PlanEffect plan_effect",
    "questions.power": "Power",
    "questions.power_curves": "PowerCurve power_curve",
    "questions.retention.answer": "retention",
    "questions.study": "Study run_study",
    "report.bundle": "write_report",
    "report.verify": "verify",
    "results": "Check Estimate EventStudy Finding GroupTime",
}
_HOMES = {name: module for module, names in _ROOMS.items() for name in names.split()}
__all__ = sorted(["__version__", *_HOMES])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"evaluation.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
