"""The indicator registry: what each indicator is, what it is not, and what it may be mixed with."""

from evaluation.data.registry.indicator import Break, Derivation, Indicator, Part, SmallCell
from evaluation.data.registry.loading import INDICATORS, REGISTRY, Registry, read_registry

__all__ = [
    "INDICATORS",
    "REGISTRY",
    "Break",
    "Derivation",
    "Indicator",
    "Part",
    "Registry",
    "SmallCell",
    "read_registry",
]
