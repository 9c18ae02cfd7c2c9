"""What the commands share: the progress bar, JSON, options that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

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


def say_unused(ctx: typer.Context, options: Iterable[str], why: str) -> None:
    """Say on stderr which of these options were given in vain, and why; nothing for none.

    Parameters
    ----------
    ctx : typer.Context
        Of the command.
    options : iterable of str
        Names of its parameters.
    why : str
        Half a sentence.
    """
    given = []
    for name in options:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            given.append(f"--{name.replace('_', '-')}")
    if given:
        verb = "is" if len(given) == 1 else "are"
        typer.echo(f"evaluation: {', '.join(given)} {verb} not used: {why}", err=True)


def print_json(content: Any) -> None:
    """Print an object as JSON for machines."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))
