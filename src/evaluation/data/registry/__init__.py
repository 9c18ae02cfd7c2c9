"""The indicator registry: what each indicator is, what it is not, and what it may be mixed with."""

from evaluation.data.registry.comparing import (
    BreakSpan,
    breaks_within,
    comparable,
    refuse_alone,
    refuse_mixing,
)
from evaluation.data.registry.deriving import Derived, derive
from evaluation.data.registry.indicator import Break, Derivation, Indicator, Part, SmallCell
from evaluation.data.registry.loading import INDICATORS, REGISTRY, Registry, read_registry

__all__ = [
    "INDICATORS",
    "REGISTRY",
    "Break",
    "BreakSpan",
    "Derivation",
    "Derived",
    "Indicator",
    "Part",
    "Registry",
    "SmallCell",
    "breaks_within",
    "comparable",
    "derive",
    "read_registry",
    "refuse_alone",
    "refuse_mixing",
]
