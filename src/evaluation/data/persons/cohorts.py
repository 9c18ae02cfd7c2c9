"""Person records, counted: the panel, the life tables, the cost flows and the quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.data.disclosure import FromPersons, Rules, Spec
from evaluation.data.observations import SIMULATED
from evaluation.data.persons.contract import CODES, REASONS, TEXTS, check_mapping
from evaluation.data.persons.counting import Cells, count_cells
from evaluation.data.persons.data_end import ends_early, last_known, month_of
from evaluation.data.persons.duplicates import repeated_persons
from evaluation.data.persons.education import leavers_by_education
from evaluation.data.persons.engine import Engine, EngineName, open_engine, person_files
from evaluation.data.persons.faults import faulty_rows, first_day
from evaluation.data.persons.footers import column_bounds
from evaluation.data.persons.hashes import hashing
from evaluation.data.persons.identity import refuse_identity_numbers
from evaluation.data.persons.keys import cell_numbers
from evaluation.data.persons.monthly import ASSISTANCE_COLUMNS, monthly_costs
from evaluation.data.persons.moves import MOVE_COLUMNS, with_first_moves
from evaluation.data.persons.quality import Quality, quality_of
from evaluation.data.persons.tables import cost_flows, life_tables, outcome_panel
from evaluation.data.persons.typed import Records, typed_records
from evaluation.errors import InputError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Cohorts", "cohorts"]


@dataclass(frozen=True)
class Cohorts:
    """What was counted. The three tables have not been through the gate of disclosure control.

    Parameters
    ----------
    panel, life_tables, costs : FromPersons
        Counts by municipality, year and sex; per month since reception; kronor by calendar
        year. :func:`evaluation.data.persons.releases` says what of them may leave.
    quality : Quality
        Rows kept and left out.
    until : int
        The last month that is known, from January of year 0.
    simulated : bool
        Whether the file says that it is SIMULATED / SIMULERADE DATA.
    education : FromPersons, optional
        Leavers by municipality, year, sex and education, where the file has it.
    adoption : dict, optional
        First whole active year by municipality, where it was given.
    provenance : dict
        Files with sizes and SHA-256, engine, versions, settings.
    """

    panel: FromPersons
    life_tables: FromPersons
    costs: FromPersons
    quality: Quality
    until: int
    simulated: bool
    provenance: dict[str, Any] = field(repr=False)
    education: FromPersons | None = None
    adoption: dict[str, int] | None = field(default=None, repr=False)


def cohorts(
    persons: str | Path,
    *,
    engine: EngineName = "duckdb",
    master: str = "local[2]",
    mapping: Mapping[str, str] | None = None,
    until: str | None = None,
    adoption: Mapping[str, int] | None = None,
    moves: str | Path | None = None,
    assistance: str | Path | None = None,
    pseudonymised: bool = False,
    largest_share: float = 0.05,
    rules: Rules | None = None,
    memory: str = "500MB",
    threads: int | None = None,
) -> Cohorts:
    """Count person records.

    Parameters
    ----------
    persons : str or pathlib.Path
        Parquet or CSV, a file or a folder of files; columns as in docs/data/persons.md.
    engine : {"duckdb", "spark"}
        What counts; the counts are the same.
    master : str
        Spark's master address.
    mapping : mapping, optional
        Column of the contract to column of the file.
    until : str, optional
        Last month that is known, such as ``"2025-12"``; without it the month of the latest
        date in the file that does not lie in the future.
    adoption : mapping of str to int, optional
        First whole active year by municipality; gives the life tables a key ``exposed``.
    moves, assistance : str or pathlib.Path, optional
        Files of moves (``person, date, from_code, to_code``) and of assistance by the month
        (``person, month, kronor``), read instead of the persons' own columns of these.
    pseudonymised : bool
        Whether the caller says that what looks like personal identity numbers is none.
    largest_share : float
        The file is refused where a larger share of its rows cannot be counted.
    rules : Rules, optional
        Of disclosure control.
    memory : str
        DuckDB's limit.
    threads : int, optional
        DuckDB's; all cores without.

    Returns
    -------
    Cohorts
        The same from every engine and on every run.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, looks as if it held personal identity
        numbers, too many rows cannot be counted, or the last month has not been yet.
    """
    if not 0 <= largest_share < 1:
        raise InputError("must be at least 0 and below 1", field="--max-dropped")
    files, kind = person_files(persons)
    file, names = str(persons), check_mapping(mapping or {})
    last = None if until is None else month_of(until)
    with hashing() as describe:
        described = describe(files)
        with open_engine(engine, master=master, memory=memory, threads=threads) as running:
            raw, bounds = running.read(files, kind), column_bounds(files, kind)
            listed = [names.get(c, c) for c in TEXTS]
            own = [names.get(c, c) for c in _stand_ins(moves, assistance)]
            listed = [c for c in listed if c not in own]
            if not pseudonymised:
                refuse_identity_numbers(running, raw, skip=listed, bounds=bounds, file=file)
            records = typed_records(
                raw.drop(*[c for c in own if c in raw.columns]),
                {k: v for k, v in names.items() if v not in own},
                bounds=bounds,
                file=file,
            )
            last = last_known(running, records, file) if last is None else last
            beside: dict[str, dict[str, Any]] = {}
            if moves is not None:
                records, beside["moves"], more = with_first_moves(
                    running, records, moves, last, pseudonymised=pseudonymised
                )
                described += describe(more)
            faulty = running.keep("person_faults", _faulty(running, records, last))
            cells = count_cells(running, records, last, faulty)
            flows, assisted = cost_flows(cells, last), _last_assisted(cells)
            if assistance is not None:
                flows, beside["assistance"], more, assisted = monthly_costs(
                    running, records, faulty, assistance, last, pseudonymised=pseudonymised
                )
                described += describe(more)
            if not pseudonymised and (unread := _with_other_words(cells, names)):
                rest = [c for c in raw.columns if c not in unread]
                refuse_identity_numbers(running, raw, skip=rest, bounds=bounds, file=file)
            note = None if until is None else ends_early(running, records, last, assisted)
            simulated = _says_simulated(running, raw)
            has_education = records.has("education", "status_90_days")
            versions = running.versions
        notes = () if note is None else (note,)
        quality = replace(quality_of(cells, largest_share, file=file), beside=beside, notes=notes)
        panel = outcome_panel(cells, last)
        tables = life_tables(cells, adoption)
        hashed = [d.result() for d in described]
    cell = Spec(by=("code", "year", "sex"), value="received", rules=rules or Rules())
    by_education = None
    if has_education:
        leavers = replace(cell, by=(*cell.by, "education"), value="leavers")
        by_education = FromPersons(leavers_by_education(cells, last), leavers)
    keys = tuple(c for c in ("municipality", "cohort", "sex", "exposed") if c in tables)
    at_risk = replace(cell, by=(*keys, "month"), value="at_risk")
    return Cohorts(
        panel=FromPersons(panel, cell),
        life_tables=FromPersons(tables, at_risk),
        costs=FromPersons(flows, replace(cell, value="persons")),
        quality=quality,
        until=last,
        simulated=simulated,
        provenance={
            "files": hashed,
            "engine": engine,
            "versions": versions,
            "until": first_day(last)[:7],
            "mapping": names,
            "pseudonymised": pseudonymised,
        },
        education=by_education,
        adoption=None if adoption is None else dict(adoption),
    )


def _stand_ins(moves: object, assistance: object) -> tuple[str, ...]:
    """Return the persons' columns that are not read, since a file stands in for them."""
    found = MOVE_COLUMNS if moves is not None else ()
    return (*found, *ASSISTANCE_COLUMNS) if assistance is not None else found


def _last_assisted(cells: Cells) -> int | None:
    """Return the last month in which anybody was assisted, where persons say so."""
    return None if cells.ended.empty else int(cells.ended["stop"].max()) - 1


def _faulty(engine: Engine, records: Records, until: int) -> ir.Table:
    repeated = repeated_persons(engine, records)
    several: ir.BooleanValue | None = None
    at_once: ir.BooleanValue | None = None
    if repeated is not None:
        several, at_once = (records.table["person"].isin(t["person"]) for t in repeated)
    cells = cell_numbers(records, until)
    return faulty_rows(records, until, several, at_once, beside=cells)


def _with_other_words(cells: Cells, names: Mapping[str, str]) -> list[str]:
    """Return the columns in which there may be a word outside their list, as the file has them.

    A row counts under its first reason: unknown codes may hide a wrong sex, but no wrong sex hides
    a code.
    """
    reasons = [r.key for r in REASONS]
    place = dict.fromkeys(CODES, "unknown_code")
    place |= {"sex": "unknown_sex", "education": "unknown_education"}
    found = [i for i in cells.dropped if reasons[i - 1] in {*place.values(), "unknown_value"}]
    return [
        names.get(c, c)
        for c in TEXTS
        if found and reasons.index(place.get(c, "unknown_value")) + 1 >= min(found)
    ]


def _says_simulated(engine: Engine, raw: ir.Table) -> bool:
    if "data" not in raw.columns or not raw["data"].type().is_string():
        return False
    return len(engine.arrow(raw.select("data").filter(raw["data"] == SIMULATED).limit(1))) > 0
