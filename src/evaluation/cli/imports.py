"""``evaluation data import``: a file of one's own into the snapshot store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.cli.shared import Json, StoreFolder, print_json
from evaluation.errors import InputError

__all__ = ["attach", "data_import"]

MOST_ROWS = 20


def attach(app: typer.Typer) -> None:
    """Add the command to ``evaluation data``."""
    app.command("import")(data_import)


def data_import(
    file: Annotated[
        Path, typer.Argument(help="CSV, workbook (.xlsx) or Parquet, as agencies publish them.")
    ],
    indicator: Annotated[str, typer.Option(help="What the values are: an indicator's id.")],
    source: Annotated[str, typer.Option(help="Whom the data are from, for the source line.")],
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, help="First header row.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="ROLE=NAME, such as value=Antal; roles: code, name, year, sex, value, weight. "
            "May be given again."
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=1900, max=2100, help="Year of a file that does not tell.")
    ] = None,
    sex: Annotated[
        str | None,
        typer.Option(help="T, K or M: of a file that does not tell, or the one to read."),
    ] = None,
    decimal: Annotated[str | None, typer.Option(help='Decimal mark: "," or ".".')] = None,
    mark: Annotated[
        list[str] | None,
        typer.Option(help="TEXT=MEANING: suppressed, zero or missing. May be given again."),
    ] = None,
    sum_months: Annotated[
        bool, typer.Option("--sum-months", help="Add twelve months up to a year.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(help="Terms of use of the data, kept with them.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the snapshot. Default: the indicator in lower case.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be read; keep nothing.")
    ] = False,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Read a file in a printed layout, show what was made of it, and keep it as a snapshot.

    What is not said is found out: encoding, separator, decimal mark, header rows, columns.
    Every row and cell that could not be used is listed with its reason; where more than
    half could not, or a value breaks a rule for its indicator, nothing is kept.

    Example: evaluation data import mottagna.xlsx --indicator received --source Migrationsverket
    --sheet 2023 --column value=Antal --dry-run
    """
    from evaluation.data.reading import Columns, Layout, read_observations
    from evaluation.data.store.names import check_name

    roles = ("code", "name", "year", "sex", "value", "weight")
    layout: dict[str, Any] = {
        "header_row": header_row,
        "columns": Columns(**_pairs(column, "--column", roles, first=True)),
        "sheet": sheet,
        "year": year,
        "sex": _one_of(sex, "--sex", ("T", "K", "M")),
        "decimal": _one_of(decimal, "--decimal", (",", ".")),
        "marks": _pairs(mark, "--mark", ("suppressed", "zero", "missing"), first=False),
        "months": "sum" if sum_months else None,
    }
    check_name(name or indicator.lower())
    found = read_observations(file, indicator=indicator, layout=Layout(**layout))
    tidy = found.validated()
    kept = None
    if not dry_run:
        from evaluation.data.store import SnapshotStore

        kept = SnapshotStore(store).put(
            tidy,
            name=name or indicator.lower(),
            source=source,
            request={
                "file": file.name,
                "sha256": found.hash,
                "layout": found.layout.to_dict(),
                "left_out": found.counts,
            },
            licence_sv=licence or "villkor ej angivna",
            licence_en=licence or "terms not stated",
            citation_sv=f"Källa: {source}",
            citation_en=f"Source: {source}",
            notes=found.notes,
        )
    if as_json:
        print_json(
            {
                "file": str(file),
                "sha256": found.hash,
                "rows": len(found.frame),
                "states": {str(k): int(n) for k, n in found.frame["state"].value_counts().items()},
                "encoding": found.encoding,
                "separator": found.separator,
                "decimal": found.decimal,
                "header_row": found.header_row,
                "sheet": found.sheet,
                "layout": found.layout.to_dict(),
                "notes": list(found.notes),
                "left_out": found.counts,
                "rejected": found.rejected.to_dict("records"),
                "snapshot": kept.id if kept else None,
            }
        )
        return
    typer.echo(found.summary())
    shown = found.rejected.head(MOST_ROWS)
    if len(shown):
        typer.echo("\n" + shown.to_string(index=False, max_colwidth=60))
    if len(found.rejected) > len(shown):
        typer.echo(f"… and {len(found.rejected) - len(shown)} more; --json has them all")
    typer.echo(
        f"\nkept as {kept.name}, {kept.id[:12]}" if kept else "\nnothing was kept (--dry-run)"
    )


def _pairs(
    texts: list[str] | None, option: str, known: tuple[str, ...], *, first: bool
) -> dict[str, str]:
    """Read A=B; ``known`` are the words that may stand first or last."""
    out: dict[str, str] = {}
    for text in texts or []:
        left, equals, right = text.partition("=") if first else text.rpartition("=")
        if not equals or not right or (left if first else right) not in known:
            shape = f"ROLE=NAME with {', '.join(known)}" if first else f"TEXT={'|'.join(known)}"
            raise InputError(f"{text!r} is not {shape}", field=option)
        if left in out:
            raise InputError(f"{left!r} is given twice", field=option)
        out[left] = right
    return out


def _one_of(text: str | None, option: str, known: tuple[str, ...]) -> str | None:
    if text is not None and text not in known:
        raise InputError(f"{text!r} is none of {' '.join(known)}", field=option)
    return text
