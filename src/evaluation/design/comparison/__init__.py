"""Comparison groups: who the treated are set against, and how alike they are."""

from evaluation.design.comparison.adjacency import (
    municipality_distances,
    neighbour_lists,
    neighbours,
)
from evaluation.design.comparison.balance import Balance, balance_table
from evaluation.design.comparison.covariates import match_table
from evaluation.design.comparison.distances import coordinate_distances, neighbour_distances
from evaluation.design.comparison.entropy import EntropyBalance, entropy_balance
from evaluation.design.comparison.groups import (
    BIG_CITIES,
    INCOME_FROM_NORWAY,
    ComparisonGroup,
    comparison_group,
)
from evaluation.design.comparison.mahalanobis import Matching, mahalanobis_match
from evaluation.design.comparison.size import matched_sets, nearest_in_size
from evaluation.design.comparison.support import Overlap, overlap

__all__ = [
    "BIG_CITIES",
    "INCOME_FROM_NORWAY",
    "Balance",
    "ComparisonGroup",
    "EntropyBalance",
    "Matching",
    "Overlap",
    "balance_table",
    "comparison_group",
    "coordinate_distances",
    "entropy_balance",
    "mahalanobis_match",
    "match_table",
    "matched_sets",
    "municipality_distances",
    "nearest_in_size",
    "neighbour_distances",
    "neighbour_lists",
    "neighbours",
    "overlap",
]
