"""``evaluation cohorts``: person records of any size to a panel, life tables and cost flows."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.cli.shared import Json, Pseudonymised, print_json, progress_bar

__all__ = ["attach"]


class _Engine(StrEnum):
    duckdb = "duckdb"
    spark = "spark"


def attach(app: typer.Typer) -> None:
    """Add the command to ``evaluation``."""
    app.command("cohorts")(cohorts)


def cohorts(
    persons: Annotated[
        Path, typer.Argument(help="Parquet or CSV, a file or a folder of files: one row a person.")
    ],
    engine: Annotated[
        _Engine, typer.Option(help="What counts; the counts are the same.")
    ] = _Engine.duckdb,
    master: Annotated[str, typer.Option(help="Spark's master address.")] = "local[2]",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: new, empty, or a former one.")
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(help="YAML with lines such as «received: mottagningsdatum»."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Last month that is known, 2025-12; else that of the latest date."),
    ] = None,
    adoption: Annotated[
        Path | None,
        typer.Option(
            "--adoption",
            "--stance",
            help="Who is active since when: code and start (2012-03), or coded_year and "
            "coded_month. Life tables by exposure, areas of like start.",
        ),
    ] = None,
    moves: Annotated[
        Path | None,
        typer.Option(help="Several moves a person: person, date, from_code, to_code."),
    ] = None,
    assistance: Annotated[
        Path | None, typer.Option(help="Assistance by the month: person, month, kronor.")
    ] = None,
    max_dropped: Annotated[
        float, typer.Option(help="Refuse where a larger share of rows cannot be counted.")
    ] = 0.05,
    smallest: Annotated[
        int, typer.Option("--k", min=3, help="Counts from 1 to k − 1 are hidden.")
    ] = 5,
    follow_ups: Annotated[
        bool,
        typer.Option("--follow-ups", help="Statuses after 1 to 3 years too; takes minutes."),
    ] = False,
    education: Annotated[
        bool,
        typer.Option("--education", help="Leavers by area and education too; takes minutes."),
    ] = False,
    previous: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder that this command wrote before and that others have: nothing written now "
            "gives away, beside it, what either hides. May be given several times."
        ),
    ] = None,
    memory: Annotated[str, typer.Option(help="DuckDB's limit; beyond it, on disk.")] = "500MB",
    pseudonymised: Pseudonymised = False,
    as_json: Json = False,
) -> None:
    """Count person records: outcomes by municipality, year and sex, life table, cost flows.

    One pass of the engine. Rows that cannot be right are left out and counted by reason. What
    is written went through disclosure control; without --out only the quality is shown.
    """
    from evaluation.data.disclosure import Rules
    from evaluation.data.observations import SIMULATED
    from evaluation.data.persons import (
        REASONS,
        may_leave,
        read_mapping,
        read_published,
        releases,
        write_cohorts,
    )
    from evaluation.data.persons import cohorts as count
    from evaluation.data.persons.education import EDUCATION_TABLE
    from evaluation.design.adoption import first_whole_years, read_adoption

    _refuse_its_own_place(out, previous or [])
    published = [read_published(folder) for folder in previous or []]
    begun = None if adoption is None else first_whole_years(read_adoption(adoption))

    with progress_bar(2 if out is None else 4, as_json) as step:
        step("counting")
        counted = count(
            persons,
            engine=engine.value,
            master=master,
            mapping=None if columns is None else read_mapping(columns),
            until=until,
            adoption=begun,
            moves=moves,
            assistance=assistance,
            pseudonymised=pseudonymised,
            largest_share=max_dropped,
            rules=Rules(k=smallest),
            memory=memory,
        )
        quality, provenance = counted.quality, dict(counted.provenance)
        for note in quality.notes:
            typer.echo(note, err=True)
        if published:
            provenance["previous"] = [f.until for f in published]
        found: dict[str, Any] = {"data": SIMULATED} if counted.simulated else {}
        found |= {**quality.to_dict(), "provenance": may_leave(provenance)}
        if out is not None:
            step("protecting")
            released = releases(
                counted, follow_ups=follow_ups, education=education, previous=published
            )
            step("writing")
            folder = write_cohorts(
                out,
                released,
                quality,
                provenance=provenance,
                simulated=counted.simulated,
                adoption=begun,
            )
            found |= {
                "folder": str(folder),
                "hidden": {name: table.n_suppressed for name, table in released.items()},
                "cells": {name: table.n_cells for name, table in released.items()},
            }
            if EDUCATION_TABLE in released:
                found["areas_by_education"] = _areas_compared(folder / "cells_education.csv")
    if as_json:
        print_json(found)
        return
    _say(found, {reason.key: reason.en for reason in REASONS})


def _areas_compared(file: Path) -> dict[str, int]:
    """Count the areas of the cells that were written; there is no file where there are none."""
    import pandas as pd

    if not file.is_file():
        return {"active": 0, "others": 0}
    cells = pd.read_csv(file, dtype={"unit": str})
    active = int(cells.loc[cells["cohort"] > 0, "unit"].nunique())
    return {"active": active, "others": int(cells["unit"].nunique()) - active}


def _refuse_its_own_place(out: Path | None, previous: list[Path]) -> None:
    """Refuse to replace what was published: a later run is to be set beside it too."""
    from evaluation.errors import InputError

    if previous and out is None:
        raise InputError("is for what is written; give --out as well", field="--previous")
    for folder in previous:
        if out is not None and folder.resolve() == out.resolve():
            raise InputError(
                "is what was published before and must stay; write to another folder",
                file=str(folder),
                field="--out",
            )


def _say(found: dict[str, Any], words: dict[str, str]) -> None:
    mark = found.get("data")
    if mark:
        typer.echo(mark)
    typer.echo(f"{'rows':<24}{found['rows']}")
    typer.echo(f"{'counted':<24}{found['kept']}")
    for reason, rows in found["dropped"].items():
        if rows:
            typer.echo(f"{'left out':<24}{rows}: {words[reason]}")
    for name, file in found.get("beside", {}).items():
        typer.echo(f"{name:<24}{file['kept']} of {file['rows']} rows count")
        for reason, rows in file["dropped"].items():
            if rows:
                typer.echo(f"{'left out':<24}{rows}: {reason}")
    typer.echo(f"{'data until':<24}{found['provenance']['until']}")
    for note in found.get("notes", ()):
        typer.echo(f"{'note':<24}{note}")
    if "folder" in found:
        for name, hidden in found["hidden"].items():
            typer.echo(f"{name:<24}{found['cells'][name]} cells, {hidden} hidden")
        if "areas_by_education" in found:
            n = found["areas_by_education"]
            typer.echo(f"{'areas by education':<24}{n['active']} active, {n['others']} others")
            if not n["active"] or not n["others"]:
                typer.echo(
                    f"{'':<24}with none on one side nothing is compared: the cells are too small, "
                    "or --adoption is missing"
                )
        for month in found["provenance"].get("previous", ()):
            typer.echo(f"{'guarded beside':<24}what was published until {month}")
        typer.echo(f"{'written':<24}{found['folder']}")
    if mark:
        typer.echo(mark)
