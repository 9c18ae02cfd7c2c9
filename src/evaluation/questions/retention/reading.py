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
from evaluation.design.adoption import first_whole_years, read_adoption
from evaluation.errors import InputError
from evaluation.estimation.survival.life_table import LifeTable, life_table
from evaluation.estimation.survival.persons import life_table_from_persons, month_number
from evaluation.questions.retention.from_released import from_released

__all__ = ["RetentionInput", "read_retention"]

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
        return first_whole_years(self.start)

    @property
    def anticipation(self) -> int:
        """1 where some start was within a year, so that the cohort before is partly exposed."""
        return int(any(m % 12 for m in (self.start or {}).values()))


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
        CSV, workbook or Parquet. With ``measure`` it is a life table that
        ``evaluation cohorts`` released (see
        :func:`~evaluation.questions.retention.from_released.from_released`), with ``at_risk``
        a life table (see :func:`~evaluation.estimation.survival.life_table.life_table`), with
        ``received`` person records (see
        :func:`~evaluation.estimation.survival.persons.life_table_from_persons`).
    stance : str or pathlib.Path, optional
        As :func:`evaluation.design.adoption.read_adoption` takes it.
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
    counted = "at_risk" in frame or "measure" in frame
    if counted:
        for option, given in (("--until", until), ("--over-time", exposure_over_time)):
            if given:
                raise InputError("is for person records, and this is a life table", field=option)
        if "cohort" in frame:
            frame["cohort"] = _years(frame["cohort"], name)
        if "measure" in frame:
            table = from_released(frame, file=name)
            notes += table.notes
        else:
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
            "is neither a life table (column at_risk or measure) nor person records (received)",
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
