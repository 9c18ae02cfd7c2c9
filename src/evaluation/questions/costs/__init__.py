"""What being active saves and costs: municipality, state and household apart."""

from evaluation.questions.costs.analysis import cost_analysis
from evaluation.questions.costs.cohorts import assistance_path
from evaluation.questions.costs.effects import UncertainEffect, effect_from_estimate
from evaluation.questions.costs.loading import costs_from_dict, load_costs
from evaluation.questions.costs.panel import PanelCost, panel_costs
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.result import CostResult

__all__ = [
    "CostPlan",
    "CostResult",
    "PanelCost",
    "UncertainEffect",
    "assistance_path",
    "cost_analysis",
    "costs_from_dict",
    "effect_from_estimate",
    "load_costs",
    "panel_costs",
]
