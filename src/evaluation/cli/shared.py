"""What the commands share: the progress bar, JSON, options that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.errors import InputError

MOST_DRAWS = 1_000_000
"""More would take memory without end and change no digit that is printed."""


class Lang(StrEnum):
    """Language of what is written for people."""

    sv = "sv"
    en = "en"


class Aggregate(StrEnum):
    """Which aggregate of the group-time effects."""

    cohort = "cohort"
    simple = "simple"


StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the snapshots; without it EVALUATION_STORE, else ./snapshots.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Alpha = Annotated[float, typer.Option(min=0.001, max=0.499, help="One minus the level.")]
Pseudonymised = Annotated[
    bool,
    typer.Option(
        "--pseudonymised",
        help="What looks like personal identity numbers was pseudonymised and is none.",
    ),
]


@contextmanager
def progress_bar(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a bar when a terminal is there; say nothing otherwise."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=total)
        done = 0

        def step(name: str) -> None:
            nonlocal done
            bar.update(task, description=name.replace("_", " "), completed=done)
            done += 1

        yield step


def refuse_table(plan: str, options: str) -> None:
    """Refuse a table in the place of a plan, with the options that take one.

    Raises
    ------
    InputError
        If the name is that of a table.
    """
    if Path(plan).suffix.lower() in (".csv", ".tsv", ".txt", ".xlsx", ".parquet"):
        raise InputError(f"is a table and no plan; {options} takes it", file=plan)


def asked_for(ctx: typer.Context, *names: str) -> list[str]:
    """Return which of these parameters of a command were given, as options."""
    sources = ((n, ctx.get_parameter_source(n)) for n in names)
    given = (n for n, source in sources if source is not None and source.name == "COMMANDLINE")
    return [f"--{n.replace('_', '-')}" for n in given]


def say_unused(options: Sequence[str], why: str) -> None:
    """Say on stderr that these options were given in vain, and why; nothing for none."""
    if options:
        verb = "is" if len(options) == 1 else "are"
        typer.echo(f"evaluation: {', '.join(options)} {verb} not used: {why}", err=True)


def print_json(content: Any) -> None:
    """Print an object as JSON for machines."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))
