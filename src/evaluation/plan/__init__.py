"""The evaluation plan: one YAML file, validated, hashed, and able to say where each key stands."""

from evaluation.plan.coding import Miscoding, SheetCoding
from evaluation.plan.comparison import Comparison, Matching
from evaluation.plan.costs import Costs
from evaluation.plan.data import KoladaData, SimulatedData, SimulatedEffect
from evaluation.plan.gender import Gender
from evaluation.plan.loading import load_plan, model_plan, plan_from_dict
from evaluation.plan.model import Adoption, Plan
from evaluation.plan.outcomes import OutcomeFile, RegistryOutcome
from evaluation.plan.parts import Text

__all__ = [
    "Adoption",
    "Comparison",
    "Costs",
    "Gender",
    "KoladaData",
    "Matching",
    "Miscoding",
    "OutcomeFile",
    "Plan",
    "RegistryOutcome",
    "SheetCoding",
    "SimulatedData",
    "SimulatedEffect",
    "Text",
    "load_plan",
    "model_plan",
    "plan_from_dict",
]
