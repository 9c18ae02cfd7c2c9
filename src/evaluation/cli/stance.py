"""``evaluation stance``: coding sheets, their coders, and exposure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli import exposure
from evaluation.cli.shared import MOST_DRAWS, Json, Lang, print_json

__all__ = ["app", "attach"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Coding sheets: who is active since when, according to whom.",
)


def attach(above: typer.Typer) -> None:
    """Add ``evaluation stance``."""
    above.add_typer(app, name="stance")


exposure.attach(app)


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="Ends with .xlsx or .csv; must not be there yet.")],
    as_json: Json = False,
) -> None:
    """Write an empty coding sheet with every column explained in Swedish and English.

    Example: evaluation stance template coding.xlsx
    """
    from evaluation.design.coding.template import write_template

    path = write_template(file)
    if as_json:
        print_json({"file": str(path)})
    else:
        typer.echo(f"{path}: an empty coding sheet; one row per municipality, coder and period")


@app.command("agreement")
def stance_agreement(
    sheets: Annotated[
        list[Path], typer.Argument(help="Coding sheets, .csv or .xlsx; one or more.")
    ],
    draws: Annotated[
        int, typer.Option(min=99, max=MOST_DRAWS, help="Bootstrap draws behind the intervals.")
    ] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    lang: Annotated[Lang, typer.Option(help="Language of the text.")] = Lang.sv,
    as_json: Json = False,
) -> None:
    """Measure how far coders agree, and list what they have to settle.

    Example: evaluation stance agreement coder-a.xlsx coder-b.xlsx
    """
    from evaluation.design.coding.agreement import agreement
    from evaluation.design.coding.said import agreement_text
    from evaluation.design.coding.sheet import combine, read_sheet

    sheet = combine([read_sheet(s) for s in sheets])
    found = agreement(sheet, draws=draws, seed=seed)
    if as_json:
        content = found.to_dict()
        print_json(content | {"notes": [*content["notes"], *sheet.notes]})
        return
    typer.echo(agreement_text(found, lang.value, sheet.notes))
