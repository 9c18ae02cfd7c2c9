"""Whether a model of the documents can be evaluated, with what, and what effect could be seen."""

from evaluation.questions.evaluability.assess import assess, assess_catalogue
from evaluation.questions.evaluability.result import (
    CatalogueAssessment,
    Evaluability,
    OutcomeFit,
    SmallestEffect,
)
from evaluation.questions.evaluability.words import DESIGNS, VERDICTS

__all__ = [
    "DESIGNS",
    "VERDICTS",
    "CatalogueAssessment",
    "Evaluability",
    "OutcomeFit",
    "SmallestEffect",
    "assess",
    "assess_catalogue",
]
