"""``evaluation data groups``: Kolada's groups of municipalities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import Json, print_json
from evaluation.errors import InputError

__all__ = ["attach"]


def attach(app: typer.Typer) -> None:
    """Add the command to ``evaluation data``."""
    app.command("groups")(data_groups)


def data_groups(
    title: Annotated[
        str | None, typer.Option(help="Only groups with this text in their titles.")
    ] = None,
    similar_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE",
            help="A municipality whose similar ones are to be matched to it; may be given again.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV for the plan's comparison: code, group, group_title, source."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List Kolada's groups of municipalities, or write them as a column to match on.

    Without --out each group is a line: id, number of municipalities, title. With --out every
    one of the 290 municipalities is a row; groups of one that is in several have a bar
    between them.

    Example: evaluation data groups --title "Liknande kommuner arbetsmarknad" --similar-to 2321
    --out groups.csv
    """
    from evaluation.data.kolada.groups import csv_path, fetch_groups, write_column

    if similar_to and out is None:
        raise InputError("goes with --out FILE", field="--similar-to")
    if out is not None:
        csv_path(out)
    found = fetch_groups()
    chosen = found if title is None else found.select(title)
    if out is None:
        if as_json:
            print_json(chosen.to_dict())
            return
        for g in chosen.groups:
            typer.echo(f"{g.id:<10}{len(g.members):>4}  {g.title}")
        return
    if similar_to:
        own = dict.fromkeys(chosen.own_group(code) for code in similar_to)
        chosen = replace(chosen, groups=tuple(own))
        column = chosen.similar_column(similar_to)
    else:
        column = chosen.column()
    path = write_column(column, out)
    notes = chosen.notes(column)
    if as_json:
        print_json(
            {"file": str(path), "rows": len(column), "notes": list(notes)} | chosen.to_dict()
        )
        return
    typer.echo(f"{path}: {len(column)} municipalities, {len(chosen.groups)} groups")
    for note in notes:
        typer.echo(f"  {note}")
    typer.echo(f"  {chosen.citation('sv')}")
