"""Files for the question of retention: life tables or person records, and who is active."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.data.files import read_table
from evaluation.data.grid import PARQUET, read_parquet
from evaluation.data.observations import SIMULATED
from evaluation.data.persons.contract import MEN, WOMEN
from evaluation.design.exposure import first_treated_year, parse_start
from evaluation.errors import InputError
from evaluation.estimation.survival.life_table import LifeTable, life_table
from evaluation.estimation.survival.persons import life_table_from_persons, month_number

__all__ = ["RetentionInput", "read_adoption", "read_retention"]

ACTIVE, OTHERS = "active", "not known to be active"


@dataclass(frozen=True)
class RetentionInput:
    """What the question is asked of.

    Parameters
    ----------
    table : LifeTable
        With ``stance`` (municipality) and ``exposed`` (person) where a stance file says so.
    start : dict of str to int, optional
        First active month by municipality, counted from January of year 0.
    source : str
        The file's name.
    simulated : bool
        Whether the data say that they are simulated.
    notes : tuple of str
        What a reader must know.
    """

    table: LifeTable = field(repr=False)
    start: dict[str, int] | None
    source: str
    simulated: bool
    notes: tuple[str, ...] = ()

    @property
    def first_year(self) -> dict[str, int] | None:
        """First year whose whole cohort met an active municipality."""
        if self.start is None:
            return None
        return {
            code: first_treated_year((m // 12, m % 12 + 1), "first_whole_year")
            for code, m in self.start.items()
        }

    @property
    def anticipation(self) -> int:
        """1 where some start was within a year, so that the cohort before is partly exposed."""
        return int(any(m % 12 for m in (self.start or {}).values()))


def read_adoption(path: str | Path) -> dict[str, int]:
    """Read who is active since when.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, workbook or Parquet with ``code`` and either ``start`` (``2012``, ``2012-03``,
        ``2012-H2``; empty for not known to be active) or ``coded_year`` and ``coded_month`` (the
        twin's own coding).

    Returns
    -------
    dict of str to int
        First active month by code, counted from January of year 0.

    Raises
    ------
    InputError
        If a column is missing, a start is no date, a code stands twice, or nobody is active.
    """
    table = read_table(path)
    name = str(path)
    by_parts = "start" not in table and "coded_year" in table
    for column in ("code", "coded_year", "coded_month") if by_parts else ("code", "start"):
        if column not in table:
            raise InputError(
                "the column is missing; give code and start (such as 2012-03), or code, "
                "coded_year and coded_month",
                file=name,
                field=column,
            )
    found: dict[str, int] = {}
    seen: set[str] = set()
    for row, cells in table.iterrows():
        line = int(str(row))
        code = str(cells["code"])
        if code in seen:
            raise InputError(f"{code} stands twice", file=name, row=line, field="code")
        seen.add(code)
        field = "coded_year" if by_parts else "start"
        text = str(cells[field]).strip()
        if not text:
            continue
        if by_parts:
            text = f"{text}-{str(cells['coded_month']).strip():0>2}"
        start = parse_start(text)
        if start is None:
            raise InputError(
                f"{text!r} is no start such as 2012 or 2012-03", file=name, row=line, field=field
            )
        found[code] = 12 * start[0] + start[1] - 1
    if not found:
        raise InputError("no municipality has a start", file=name, field="code")
    return found


def _frame(path: Path) -> pd.DataFrame:
    if path.suffix.lower() in PARQUET:
        return read_parquet(path).reset_index(drop=True)
    table = read_table(path)
    table = table.replace("", np.nan)
    return table.reset_index(drop=True)


def read_retention(
    path: str | Path,
    *,
    stance: str | Path | None = None,
    until: str | None = None,
    exposure_over_time: bool = False,
    pseudonymised: bool = False,
) -> RetentionInput:
    """Read life tables or person records, told apart by their columns.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, workbook or Parquet. With ``at_risk`` it is a life table (see
        :func:`~evaluation.estimation.survival.life_table.life_table`), with ``received`` person
        records (see
        :func:`~evaluation.estimation.survival.persons.life_table_from_persons`).
    stance : str or pathlib.Path, optional
        As :func:`read_adoption` takes it.
    until : str, optional
        Last known month of person records; December of the last year in them without it.
    exposure_over_time : bool
        Whether exposure begins during the stay, too; for person records.
    pseudonymised : bool
        Whether the caller says that what looks like personal identity numbers is none.

    Returns
    -------
    RetentionInput
        By municipality, cohort, sex (where there), stance and exposure.

    Raises
    ------
    InputError
        If the file is neither, looks as if it held personal identity numbers, has a code that is
        no four digits or a sex that is none, or as for what is called. What stands in a cell of
        person records is in no message.
    """
    frame = _frame(Path(path))
    name = str(path)
    start = None if stance is None else read_adoption(stance)
    simulated = "data" in frame and bool((frame["data"].astype(str) == SIMULATED).any())
    frame = frame.drop(columns="data", errors="ignore")
    notes: list[str] = []
    if "at_risk" in frame:
        for option, given in (("--until", until), ("--over-time", exposure_over_time)):
            if given:
                raise InputError("is for person records, and this is a life table", field=option)
        if "cohort" in frame:
            frame["cohort"] = _years(frame["cohort"], name)
        table = life_table(frame, file=name)
        if start is not None:
            table.need("municipality")
    elif "received" in frame:
        _check_persons(frame, name, pseudonymised)
        if until is None:
            until = _end(frame, name)
            notes.append(f"the data are taken to end with {until}; --until says otherwise")
        by = ["municipality", "cohort", *(["sex"] if "sex" in frame else [])]
        table = life_table_from_persons(
            frame,
            until=until,
            by=by if start is None else [*by, "exposed"],
            adoption=start,
            exposure="over time" if exposure_over_time else "at reception",
            file=name,
        )
    else:
        raise InputError(
            "is neither a life table (column at_risk) nor person records (column received)",
            file=name,
        )
    if start is not None:
        active = table.groups["municipality"].astype(str).isin(list(start))
        table = table.with_key("stance", np.where(active, ACTIVE, OTHERS).astype(object))
    return RetentionInput(table, start, Path(path).name, simulated, tuple(notes))


def _check_persons(frame: pd.DataFrame, file: str, pseudonymised: bool) -> None:
    """Refuse identity numbers, and values of groups that could be anything about a person."""
    if not pseudonymised:
        import ibis
        import pyarrow as pa

        from evaluation.data.persons.engine import Engine
        from evaluation.data.persons.identity import refuse_identity_numbers

        # the records are in memory already: no limit and no folder of its own, as for large files
        backend = ibis.duckdb.connect()
        try:
            table = ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
            refuse_identity_numbers(Engine("duckdb", backend), table, file=file)
        finally:
            backend.disconnect()
    words = (*WOMEN, *MEN)
    for column, text in (
        ("received_code", "is no municipality code of four digits"),
        ("sex", f"is none of {', '.join(words)}"),
    ):
        if column not in frame:
            continue
        values = frame[column].astype("string")
        fits = values.str.fullmatch("[0-9]{4}") if column != "sex" else values.isin(words)
        bad = (frame[column].notna() & ~fits.fillna(value=False)).to_numpy(dtype=bool)
        if bad.any():
            raise InputError(text, file=file, row=int(bad.argmax()) + 2, field=column)


def _years(values: pd.Series, file: str) -> np.ndarray:
    years = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if np.isnan(years).any():
        row = int(np.isnan(years).argmax())
        raise InputError(f"{values.iloc[row]!r} is no year", file=file, row=row + 2, field="cohort")
    return years.astype(np.int64)


def _end(frame: pd.DataFrame, file: str) -> str:
    """Return December of the last year that any date of the records lies in."""
    last = 0.0
    for column in ("received", "moved", "observed_until"):
        if column in frame:
            months = month_number(frame[column], field=column, file=file)
            if not np.isnan(months).all():
                last = max(last, float(np.nanmax(months)))
    return f"{int(last) // 12:04d}-12"
