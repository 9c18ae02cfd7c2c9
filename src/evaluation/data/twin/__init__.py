"""The simulated twin: a made-up country with the live data's form and a known truth."""

from evaluation.data.twin.simulation import STEPS, Twin, simulate
from evaluation.data.twin.truth import Truth

__all__ = ["STEPS", "Truth", "Twin", "simulate"]
