"""Files of the user: the layout found out, every row and cell accounted for."""

from evaluation.data.reading.layout import Columns, Layout, ValueColumn
from evaluation.data.reading.outcome_file import read_outcome_file
from evaluation.data.reading.read import read_observations
from evaluation.data.reading.reading import Reading

__all__ = ["Columns", "Layout", "Reading", "ValueColumn", "read_observations", "read_outcome_file"]
