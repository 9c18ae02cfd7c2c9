from evaluation.data.disclosure import (
    FromPersons as FromPersons,
    Released as Released,
    Rules as Rules,
    attack as attack,
    protect as protect,
    release as release,
)
from evaluation.data.documents import check_figures as check_figures
from evaluation.data.embedded import DATA_SETS as DATA_SETS, municipalities as municipalities
from evaluation.data.fetch import fetch_plan as fetch_plan
from evaluation.data.kolada.client import KoladaClient as KoladaClient
from evaluation.data.observations import observations as observations
from evaluation.data.panel import Panel as Panel, embedded_panel as embedded_panel
from evaluation.data.persons import Cohorts as Cohorts, cohorts as cohorts, releases as releases
from evaluation.data.reading import (
    Layout as Layout,
    Reading as Reading,
    read_observations as read_observations,
)
from evaluation.data.registry import (
    INDICATORS as INDICATORS,
    Indicator as Indicator,
    REGISTRY as REGISTRY,
    breaks_within as breaks_within,
    comparable as comparable,
    derive as derive,
    refuse_alone as refuse_alone,
    refuse_mixing as refuse_mixing,
)
from evaluation.data.scb import ScbMapping as ScbMapping, fetch_scb as fetch_scb
from evaluation.data.schema import validate as validate
from evaluation.data.sources import Sources as Sources, open_sources as open_sources
from evaluation.data.store import Snapshot as Snapshot, SnapshotStore as SnapshotStore
from evaluation.data.store.revisions import Revisions as Revisions, diff as diff
from evaluation.data.tidy_panel import build_panel as build_panel, to_wide as to_wide
from evaluation.data.twin import Twin as Twin, simulate as simulate
from evaluation.data.wilson import wilson_interval as wilson_interval
from evaluation.design.catalogue import catalogue as catalogue
from evaluation.design.coding.adjudication import adjudicate as adjudicate
from evaluation.design.coding.agreement import agreement as agreement
from evaluation.design.coding.proxies import (
    ProxyRule as ProxyRule,
    proxy_reliability as proxy_reliability,
)
from evaluation.design.coding.sheet import CodingSheet as CodingSheet, read_sheet as read_sheet
from evaluation.design.coding.survey import (
    read_answers as read_answers,
    summarise_answers as summarise_answers,
)
from evaluation.design.comparison import (
    balance_table as balance_table,
    comparison_group as comparison_group,
    entropy_balance as entropy_balance,
    mahalanobis_match as mahalanobis_match,
    match_table as match_table,
    matched_sets as matched_sets,
)
from evaluation.design.exposure import (
    ExposureCalendar as ExposureCalendar,
    exposure_calendar as exposure_calendar,
)
from evaluation.design.stance import classify as classify, stance_table as stance_table
from evaluation.design.treatment import design_from_plan as design_from_plan
from evaluation.errors import InputError as InputError
from evaluation.estimation.decomposition import (
    Decomposition as Decomposition,
    kitagawa as kitagawa,
    oaxaca_blinder as oaxaca_blinder,
)
from evaluation.estimation.diagnostics.bacon import (
    bacon_check as bacon_check,
    bacon_decomposition as bacon_decomposition,
)
from evaluation.estimation.diagnostics.corrected_bound import (
    CorrectedBound as CorrectedBound,
    corrected_bound as corrected_bound,
)
from evaluation.estimation.diagnostics.event_coefficients import (
    EventCoefficients as EventCoefficients,
    event_coefficients as event_coefficients,
)
from evaluation.estimation.diagnostics.hidden_active import hidden_active as hidden_active
from evaluation.estimation.diagnostics.honest import (
    honest_relative_magnitudes as honest_relative_magnitudes,
    honest_smoothness as honest_smoothness,
)
from evaluation.estimation.diagnostics.honest_intervals import (
    HonestIntervals as HonestIntervals,
    honest_check as honest_check,
)
from evaluation.estimation.diagnostics.misclassification import (
    attenuation as attenuation,
    simulate_hidden_active as simulate_hidden_active,
)
from evaluation.estimation.diagnostics.miscoded_treated import miscoded_treated as miscoded_treated
from evaluation.estimation.diagnostics.negative_weights import (
    negative_weights_check as negative_weights_check,
    two_way_weights as two_way_weights,
)
from evaluation.estimation.diagnostics.placebo import (
    break_donut as break_donut,
    leave_one_cohort_out as leave_one_cohort_out,
    leave_one_treated_out as leave_one_treated_out,
    moved_adoption as moved_adoption,
    placebo_dates as placebo_dates,
    placebo_outcomes as placebo_outcomes,
)
from evaluation.estimation.diagnostics.pre_trends import (
    pre_trends_permutation as pre_trends_permutation,
    pre_trends_wald as pre_trends_wald,
)
from evaluation.estimation.diagnostics.pre_trends_power import pre_trends_power as pre_trends_power
from evaluation.estimation.diagnostics.refits import by_permutation as by_permutation
from evaluation.estimation.diagnostics.selection import (
    after_selection as after_selection,
    picked_best as picked_best,
)
from evaluation.estimation.diagnostics.spillover import (
    coordinate_distances as coordinate_distances,
    neighbour_distances as neighbour_distances,
    spillover_rings as spillover_rings,
)
from evaluation.estimation.diagnostics.variance_components import (
    variance_components as variance_components,
)
from evaluation.estimation.did.aggregation import aggregate as aggregate, event_study as event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna as callaway_santanna
from evaluation.estimation.did.imputation import imputation as imputation, two_stage as two_stage
from evaluation.estimation.did.multiplier import multiplier_bootstrap as multiplier_bootstrap
from evaluation.estimation.did.saturated import (
    extended_two_way as extended_two_way,
    sun_abraham as sun_abraham,
)
from evaluation.estimation.did.stacked import Stacked as Stacked, stacked as stacked
from evaluation.estimation.did.synthetic_did import (
    SyntheticDiD as SyntheticDiD,
    synthetic_did as synthetic_did,
)
from evaluation.estimation.did.triple import (
    gap_panel as gap_panel,
    triple_difference as triple_difference,
)
from evaluation.estimation.did.two_way import two_way_fixed_effects as two_way_fixed_effects
from evaluation.estimation.equivalence import Equivalence as Equivalence, equivalence as equivalence
from evaluation.estimation.few_treated.auto import (
    FewTreated as FewTreated,
    auto_inference as auto_inference,
)
from evaluation.estimation.few_treated.coefficients import (
    LinearEstimator as LinearEstimator,
    linear_estimator as linear_estimator,
)
from evaluation.estimation.few_treated.collapsed import collapse as collapse
from evaluation.estimation.few_treated.contrasts import contrasts as contrasts
from evaluation.estimation.few_treated.integrated_t import integrated_t as integrated_t
from evaluation.estimation.few_treated.own_history import own_history as own_history
from evaluation.estimation.few_treated.permutation import permutation_test as permutation_test
from evaluation.estimation.few_treated.welch import welch as welch
from evaluation.estimation.gap_change import gap_change as gap_change
from evaluation.estimation.joint import JointEffects as JointEffects, joint_effects as joint_effects
from evaluation.estimation.joint_test import (
    GapMovement as GapMovement,
    gap_movement as gap_movement,
)
from evaluation.estimation.regression.cluster_robust import cr1 as cr1, cr2 as cr2, cr3 as cr3
from evaluation.estimation.regression.compare import Comparison as Comparison, compare as compare
from evaluation.estimation.regression.least_squares import (
    LeastSquares as LeastSquares,
    least_squares as least_squares,
)
from evaluation.estimation.regression.models import regress as regress
from evaluation.estimation.regression.result import (
    Coefficient as Coefficient,
    RegressionResult as RegressionResult,
)
from evaluation.estimation.regression.shares import (
    ShareModels as ShareModels,
    share_models as share_models,
)
from evaluation.estimation.regression.specification_tests import (
    hausman_test as hausman_test,
    mundlak_test as mundlak_test,
)
from evaluation.estimation.regression.wild_bootstrap import (
    WildBootstrap as WildBootstrap,
    wild_cluster_bootstrap as wild_cluster_bootstrap,
)
from evaluation.estimation.regression.wild_two_way import wild_two_way as wild_two_way
from evaluation.estimation.robustness.adjusted_p_values import (
    benjamini_hochberg as benjamini_hochberg,
    holm as holm,
    romano_wolf as romano_wolf,
)
from evaluation.estimation.robustness.multiple_testing import (
    MultipleTesting as MultipleTesting,
    adjust_outcomes as adjust_outcomes,
    multiple_testing as multiple_testing,
)
from evaluation.estimation.robustness.refits import map_draws as map_draws
from evaluation.estimation.robustness.simulated_studies import refit_inference as refit_inference
from evaluation.estimation.robustness.specification_curve import (
    SpecificationCurve as SpecificationCurve,
    specification_curve as specification_curve,
)
from evaluation.estimation.robustness.specifications import (
    RefittedBlock as RefittedBlock,
    specification_grid as specification_grid,
)
from evaluation.estimation.survival.cox import cox as cox
from evaluation.estimation.survival.curves import (
    cumulative_incidence as cumulative_incidence,
    kaplan_meier as kaplan_meier,
    restricted_mean as restricted_mean,
)
from evaluation.estimation.survival.discrete_hazard import discrete_hazard as discrete_hazard
from evaluation.estimation.survival.group_tests import gray as gray, logrank as logrank
from evaluation.estimation.survival.hazard_did import hazard_did as hazard_did
from evaluation.estimation.survival.lee_bounds import lee_bounds as lee_bounds
from evaluation.estimation.survival.life_table import (
    LifeTable as LifeTable,
    life_table as life_table,
)
from evaluation.estimation.synthetic_control import synthetic_control as synthetic_control
from evaluation.plan import Plan as Plan, SimulatedData as SimulatedData, load_plan as load_plan
from evaluation.questions.components import (
    ComponentStudy as ComponentStudy,
    component_study as component_study,
)
from evaluation.questions.costs import (
    CostPlan as CostPlan,
    CostResult as CostResult,
    cost_analysis as cost_analysis,
    load_costs as load_costs,
    panel_costs as panel_costs,
)
from evaluation.questions.evaluability import assess as assess, assess_catalogue as assess_catalogue
from evaluation.questions.gender import (
    GapAnalysis as GapAnalysis,
    GenderAnalysis as GenderAnalysis,
    analyse_gap as analyse_gap,
    plan_gender as plan_gender,
)
from evaluation.questions.horizons import Horizons as Horizons, analyse_horizons as analyse_horizons
from evaluation.questions.horizons.categories import effect_by_category as effect_by_category
from evaluation.questions.horizons.plan import PlanEffect as PlanEffect, plan_effect as plan_effect
from evaluation.questions.power import Power as Power
from evaluation.questions.power_curves import PowerCurve as PowerCurve, power_curve as power_curve
from evaluation.questions.retention.answer import retention as retention
from evaluation.questions.study import Study as Study, run_study as run_study
from evaluation.report.bundle import write_report as write_report
from evaluation.report.verify import verify as verify
from evaluation.results import (
    Check as Check,
    Estimate as Estimate,
    EventStudy as EventStudy,
    Finding as Finding,
    GroupTime as GroupTime,
)

__version__: str
