"""Comparison groups: who the treated are set against, and how alike they are."""

from evaluation.design.comparison.size import matched_sets, nearest_in_size

__all__ = ["matched_sets", "nearest_in_size"]
