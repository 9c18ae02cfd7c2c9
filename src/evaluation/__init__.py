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
    from evaluation.data.embedded import DATA_SETS, municipalities
    from evaluation.data.indicators import INDICATORS
    from evaluation.data.panel import Panel, embedded_panel
    from evaluation.design.comparison import matched_sets
    from evaluation.design.stance import classify, stance_table
    from evaluation.design.treatment import design_from_plan
    from evaluation.errors import InputError
    from evaluation.estimation.diagnostics.hidden_active import hidden_active
    from evaluation.estimation.did.aggregation import aggregate, event_study
    from evaluation.estimation.did.callaway_santanna import callaway_santanna
    from evaluation.estimation.did.two_way import two_way_fixed_effects
    from evaluation.estimation.few_treated.contrasts import contrasts
    from evaluation.estimation.few_treated.permutation import permutation_test
    from evaluation.estimation.synthetic_control import synthetic_control
    from evaluation.plan import Plan, load_plan
    from evaluation.questions.study import Study, run_study
    from evaluation.report.bundle import write_report
    from evaluation.report.verify import verify
    from evaluation.results import Check, Estimate, EventStudy, Finding, GroupTime

__version__ = "0.1.0"

# name -> module; heavy libraries are imported with the first use, not with the package
_HOMES = {
    "DATA_SETS": "data.embedded",
    "municipalities": "data.embedded",
    "INDICATORS": "data.indicators",
    "Panel": "data.panel",
    "embedded_panel": "data.panel",
    "matched_sets": "design.comparison",
    "classify": "design.stance",
    "stance_table": "design.stance",
    "design_from_plan": "design.treatment",
    "InputError": "errors",
    "aggregate": "estimation.did.aggregation",
    "event_study": "estimation.did.aggregation",
    "contrasts": "estimation.few_treated.contrasts",
    "callaway_santanna": "estimation.did.callaway_santanna",
    "hidden_active": "estimation.diagnostics.hidden_active",
    "two_way_fixed_effects": "estimation.did.two_way",
    "permutation_test": "estimation.few_treated.permutation",
    "synthetic_control": "estimation.synthetic_control",
    "Plan": "plan",
    "load_plan": "plan",
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
    "Check",
    "Estimate",
    "EventStudy",
    "Finding",
    "GroupTime",
    "InputError",
    "Panel",
    "Plan",
    "Study",
    "__version__",
    "aggregate",
    "callaway_santanna",
    "classify",
    "contrasts",
    "design_from_plan",
    "embedded_panel",
    "event_study",
    "hidden_active",
    "load_plan",
    "matched_sets",
    "municipalities",
    "permutation_test",
    "run_study",
    "stance_table",
    "synthetic_control",
    "two_way_fixed_effects",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"evaluation.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
