"""The documents' figures: what they state, and whether they agree with each other."""

from evaluation.data.documents.checking import CheckedRule, DocumentFigures, Suspect, check_figures
from evaluation.data.documents.figures import Figure, document_figures
from evaluation.data.documents.population import PopulationTable, population_table
from evaluation.data.documents.rules import RULES, Rule, Term

__all__ = [
    "RULES",
    "CheckedRule",
    "DocumentFigures",
    "Figure",
    "PopulationTable",
    "Rule",
    "Suspect",
    "Term",
    "check_figures",
    "document_figures",
    "population_table",
]
