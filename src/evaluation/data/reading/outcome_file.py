"""The file behind an outcome of a plan."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.embedded import file_hash
from evaluation.data.files import long_values, read_table
from evaluation.data.grid import EXCEL, PARQUET, find_separator
from evaluation.data.observations import KEYS, MISSING, OBSERVED, SUPPRESSED, observations
from evaluation.data.reading.findings import Findings
from evaluation.data.reading.layout import SEX_WORDS, Columns, Layout
from evaluation.data.reading.read import read_observations
from evaluation.data.reading.reading import SAYS_SIMULATED, Reading, says_simulated
from evaluation.errors import InputError
from evaluation.plan import OutcomeFile

__all__ = ["outcome_layout", "read_outcome_file"]

_PLAIN = {"code", "year", "value"}
_TELLING = {*SEX_WORDS, "state"}
"""Columns that say whose a value is or why there is none, which a plain file does not know."""


def outcome_layout(entry: OutcomeFile) -> Layout:
    """Return what the plan says of the file's layout.

    Examples
    --------
    >>> text = {"sv": "a", "en": "a"}
    >>> entry = OutcomeFile(id="x", file="x.xlsx", label=text, unit=text, source="a", year=2020)
    >>> outcome_layout(entry).year
    2020
    """
    columns = Columns(**entry.columns.model_dump()) if entry.columns else Columns()
    return Layout(
        header_row=entry.header_row,
        columns=columns,
        sheet=entry.sheet,
        year=entry.year,
        sex=entry.sex,
        decimal=entry.decimal,
        marks=entry.marks or {},
        months=entry.months,
    )


def read_outcome_file(entry: OutcomeFile, path: str | Path) -> Reading:
    """Read the file of a plan's outcome.

    A CSV in UTF-8 whose first line names ``code``, ``year`` and ``value`` is held to
    these columns strictly when the plan says nothing of its layout: one cell that cannot
    be used refuses it. Any other file is read by :func:`read_observations`, and so is one
    that has a column of sexes or states beside them, as ``evaluation cohorts`` writes it.

    Parameters
    ----------
    entry : OutcomeFile
        The outcome.
    path : str or pathlib.Path
        Where the file lies.

    Returns
    -------
    Reading
        ``Reading.panel(entry.id, entry.sex)`` is the outcome's panel.

    Raises
    ------
    InputError
        If the file cannot be read, or a code is none of the 290 in a strict file.
    """
    path = Path(path)
    if not entry.laid_out and _is_plain(path):
        return _strict(entry.id, path)
    return read_observations(path, indicator=entry.id, layout=outcome_layout(entry))


def _is_plain(path: Path) -> bool:
    """Tell whether the first line that is not blank names these, and no sex or state."""
    if path.suffix.lower() in EXCEL | PARQUET | {".xls"}:
        return False
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        # a file that is not there is told so by either reader
        return False
    lines = text.lstrip().splitlines()[:1]
    separator = find_separator("\n".join(lines)) or ","
    for row in csv.reader(lines, delimiter=separator):
        names = set(map(str.strip, row))
        return names >= _PLAIN and not _TELLING & set(map(str.casefold, names))
    return False


def _strict(indicator: str, path: Path) -> Reading:
    table = read_table(path)
    known = set(embedded.municipalities().index)
    for row, code in table["code"].items():
        if code not in known:
            raise InputError(
                f"{code!r} is not the code of one of the 290 municipalities",
                file=str(path),
                row=int(str(row)),
                field="code",
            )
    long = long_values(table, unit="code", time="year", outcome="value")
    state = np.select(
        [long["value"].notna(), table["value"] == ".."], [OBSERVED, SUPPRESSED], MISSING
    )
    frame = pd.DataFrame(
        {
            "indicator": indicator,
            "code": long["unit"],
            "year": long["time"],
            "sex": "T",
            "value": long["value"],
            "state": state,
        }
    )
    frame = frame.sort_values(list(KEYS), kind="stable")
    comma = bool(table.attrs["decimal_comma"])
    columns = Columns(code="code", year="year", value="value")
    return Reading(
        frame=observations(frame),
        lines=tuple(int(r) for r in frame.index),
        rejected=Findings(str(path)).table(),
        notes=(SAYS_SIMULATED,) if says_simulated(table.iloc[[0, -1]].to_numpy().ravel()) else (),
        encoding="utf-8",
        separator=table.attrs["separator"],
        decimal="," if comma else ".",
        header_row=1,
        sheet=None,
        hash=file_hash(path),
        file=str(path),
        layout=Layout(header_row=1, columns=columns),
    )
