"""Every model, project, law, recommendation and success factor that the documents describe."""

from evaluation.design.catalogue.dates import Stated, read_date
from evaluation.design.catalogue.goals import DOMAINS, Domain, Goals, read_goals
from evaluation.design.catalogue.model import Model, Result
from evaluation.design.catalogue.reading import catalogue
from evaluation.design.catalogue.theory import TheoryOfChange, theory_of_change
from evaluation.design.catalogue.where import Where, read_where

__all__ = [
    "DOMAINS",
    "Domain",
    "Goals",
    "Model",
    "Result",
    "Stated",
    "TheoryOfChange",
    "Where",
    "catalogue",
    "read_date",
    "read_goals",
    "read_where",
    "theory_of_change",
]
