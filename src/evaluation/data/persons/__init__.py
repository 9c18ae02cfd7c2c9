"""Person records of any size: counted by one expression, in DuckDB or Spark."""

from evaluation.data.persons.cohorts import Cohorts, cohorts
from evaluation.data.persons.contract import KINDS, REASONS, Reason, read_mapping
from evaluation.data.persons.engine import ENGINES
from evaluation.data.persons.identity import is_identity_number
from evaluation.data.persons.outcomes import outcomes
from evaluation.data.persons.previous import PublishedFolder, read_published
from evaluation.data.persons.protected_tables import releases
from evaluation.data.persons.quality import Quality, may_leave
from evaluation.data.persons.writing import write_cohorts

__all__ = [
    "ENGINES",
    "KINDS",
    "REASONS",
    "Cohorts",
    "PublishedFolder",
    "Quality",
    "Reason",
    "cohorts",
    "is_identity_number",
    "may_leave",
    "outcomes",
    "read_mapping",
    "read_published",
    "releases",
    "write_cohorts",
]
