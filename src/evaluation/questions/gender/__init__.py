"""Women and men: both effects, the gap, what moved it, and what it consists of."""

from evaluation.questions.gender.alone import plan_gender
from evaluation.questions.gender.gap import GapAnalysis, analyse_gap
from evaluation.questions.gender.plan import (
    GenderAnalysis,
    analyse_gender,
    check_margin,
    gender_analyses,
)
from evaluation.questions.gender.sample import CommonSample, common_sample

__all__ = [
    "CommonSample",
    "GapAnalysis",
    "GenderAnalysis",
    "analyse_gap",
    "analyse_gender",
    "check_margin",
    "common_sample",
    "gender_analyses",
    "plan_gender",
]
