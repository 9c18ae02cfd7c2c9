"""``evaluation data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.cli import fetch, groups, imports, indicators, snapshots
from evaluation.cli.shared import Json, print_json

app = typer.Typer(
    no_args_is_help=True,
    help="The data that ship with the package, your own files, and what is fetched and kept.",
)
app.command("fetch")(fetch.fetch)
indicators.attach(app)
imports.attach(app)
groups.attach(app)
snapshots.attach(app)


@app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the data sets that ship with the package, with source and licence."""
    from evaluation.data.embedded import DATA_SETS

    sets = [
        {
            "name": d.name,
            "title_sv": d.title_sv,
            "title_en": d.title_en,
            "source": d.source_en,
            "licence": d.licence_en,
            "rows": d.rows,
            "sha256": d.sha256,
        }
        for d in DATA_SETS.values()
    ]
    if as_json:
        print_json(sets)
        return
    for d in sets:
        typer.echo(f"{d['name']:<24}{d['title_en']}\n{'':<24}{d['source']} · {d['licence']}")


@app.command("check")
def data_check(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A file of your own (CSV, .xlsx, .parquet); without one, the shipped data."
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Column of the unit.")] = "code",
    time: Annotated[str, typer.Option(help="Column of the year.")] = "year",
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")] = "value",
    cohort: Annotated[
        str | None, typer.Option(help="Column of the first treated year, if there is one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the shipped data against their checksums, or a file of your own cell by cell."""
    found: dict[str, Any]
    if file is None:
        from evaluation.data.embedded import check_embedded
        from evaluation.data.registry import REGISTRY

        found = {**check_embedded(), "indicators": len(REGISTRY)}
    else:
        from evaluation.questions.own_data import check_file

        found = check_file(file, unit=unit, time=time, outcome=outcome, cohort=cohort)
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        typer.echo(f"{key:<24}{value}")
