"""Disclosure control: nothing leaves person records that says something about a person."""

from evaluation.data.disclosure.attack import Ranges, attack, bounds
from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.layout import Flow
from evaluation.data.disclosure.protect import Previous, protect
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.spec import Dominance, Rules, Spec

__all__ = [
    "Constraints",
    "Dominance",
    "Flow",
    "Previous",
    "Protected",
    "Ranges",
    "Rules",
    "Spec",
    "attack",
    "bounds",
    "protect",
]
