"""Duration, exposure, subgroups and estimator families: for how long, for whom, by which method."""

from evaluation.questions.horizons.duration import HORIZONS, Duration, Horizon, analyse_duration
from evaluation.questions.horizons.exposure import Exposure, analyse_exposure
from evaluation.questions.horizons.families import Family, families_by_horizon
from evaluation.questions.horizons.horizons import Horizons, analyse_horizons
from evaluation.questions.horizons.subgroups import Subgroup, Subgroups, analyse_subgroups

__all__ = [
    "HORIZONS",
    "Duration",
    "Exposure",
    "Family",
    "Horizon",
    "Horizons",
    "Subgroup",
    "Subgroups",
    "analyse_duration",
    "analyse_exposure",
    "analyse_horizons",
    "analyse_subgroups",
    "families_by_horizon",
]
