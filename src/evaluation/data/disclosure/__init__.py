"""Disclosure control: nothing leaves person records that says something about a person."""

from evaluation.data.disclosure.amounts import cell_amounts
from evaluation.data.disclosure.attack import Ranges, attack, bounds
from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.earlier import Previous
from evaluation.data.disclosure.former import Former, in_common
from evaluation.data.disclosure.layout import Flow, KnownSum
from evaluation.data.disclosure.protect import protect
from evaluation.data.disclosure.protected import Protected
from evaluation.data.disclosure.released import (
    FromPersons,
    Released,
    cleared,
    pass_gate,
    release,
)
from evaluation.data.disclosure.rounding import Rounded, round_table
from evaluation.data.disclosure.spec import Dominance, Rules, Spec

__all__ = [
    "Constraints",
    "Dominance",
    "Flow",
    "Former",
    "FromPersons",
    "KnownSum",
    "Previous",
    "Protected",
    "Ranges",
    "Released",
    "Rounded",
    "Rules",
    "Spec",
    "attack",
    "bounds",
    "cell_amounts",
    "cleared",
    "in_common",
    "pass_gate",
    "protect",
    "release",
    "round_table",
]
