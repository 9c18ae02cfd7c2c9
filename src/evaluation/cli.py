"""The command line: thin, and quick to answer because heavy libraries wait for their use.

Exit codes: 0 done; 1 the analysis ran and a comparison it was told to enforce failed;
2 the input or the call is at fault.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=(
        "Evaluate municipalities' models for receiving newly arrived people: active from day "
        "one against not known to be active.\n\n"
        "Start with:  evaluation run settlement\n\n"
        "Exit codes: 0 done, 1 a comparison failed, 2 the input or the call is at fault."
    ),
)
data_app = typer.Typer(
    no_args_is_help=True, help="The data that ship with the package, and your own files."
)
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class Lang(StrEnum):
    """Language of a report."""

    sv = "sv"
    en = "en"


class Method(StrEnum):
    """Estimator."""

    cs = "cs"
    twfe = "twfe"


class Control(StrEnum):
    """Comparison group."""

    never = "never"
    notyet = "notyet"


class Inference(StrEnum):
    """How the interval is made."""

    analytic = "analytic"
    permutation = "permutation"


class Aggregate(StrEnum):
    """Which aggregate of the group-time effects."""

    simple = "simple"
    cohort = "cohort"
    dynamic = "dynamic"
    calendar = "calendar"


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
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


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))


@app.command()
def run(
    plan: Annotated[
        str, typer.Argument(help="A plan (YAML), or the name of one that ships: settlement.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. Default: build/NAME-LANG.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the report.")] = Lang.sv,
    formats: Annotated[
        str, typer.Option("--format", help="Documents, separated by commas.")
    ] = "html,pdf,docx",
    as_json: Json = False,
) -> None:
    """Run a plan and write the whole report.

    Writes results.json (every number), report.html, report.pdf, report.docx,
    tables/*.csv, figures/*.svg and provenance.json. The folder appears when all is
    done; a former report there is replaced, any other folder is refused.
    """
    known = ("html", "pdf", "docx")
    wanted = [f.strip() for f in formats.split(",") if f.strip()]
    unknown = [f for f in wanted if f not in known]
    if unknown or not wanted:
        found = unknown[0] if unknown else formats
        raise InputError(f"{found!r} is none of {', '.join(known)}", field="--format")
    from evaluation.plan import load_plan

    loaded = load_plan(plan)
    from evaluation.report.bundle import write_report

    target = out or Path("build") / f"{loaded.name}-{lang.value}"
    with _progress(len(loaded.outcomes) + 5 + len(wanted), as_json) as step:
        folder = write_report(
            loaded,
            target,
            lang=lang.value,
            formats=wanted,  # type: ignore[arg-type]
            progress=step,
        )
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    findings = [o["finding"] for o in results["outcomes"].values()]
    if results["case"]:
        findings.append(results["case"]["finding"])
    if as_json:
        _print_json({"folder": str(folder), "plan_hash": loaded.hash(), "findings": findings})
        return
    from evaluation.report.words import word

    title = "Evidens" if lang is Lang.sv else "Evidence"
    for f in findings:
        grade = word(f"grade_{f['grade']}", lang.value)
        typer.echo(f"• {f[f'sentence_{lang.value}']}")
        typer.echo(f"  {title}: {grade}. {f[f'grade_reason_{lang.value}']}")
    typer.echo(f"\n{folder}")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that «evaluation run» wrote.")],
    as_json: Json = False,
) -> None:
    """Compute every number of a finished report again and compare.

    Exit code 1 where a number differs by more than 1e-8 relative, or a file's bytes differ
    from the hash in provenance.json.
    """
    from evaluation.report.verify import verify as check

    with _progress(6, as_json) as step:
        result = check(folder, step)
    if as_json:
        _print_json(result.to_dict())
    else:
        shown = result.differences[:20]
        for d in shown:
            typer.echo(str(d), err=True)
        if len(result.differences) > len(shown):
            typer.echo(f"… and {len(result.differences) - len(shown)} more", err=True)
        verdict = "verified" if result.passed else f"{len(result.differences)} differences"
        typer.echo(f"{folder}: {verdict} ({result.n_numbers} numbers, {result.n_files} files)")
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def estimate(
    data: Annotated[Path, typer.Option(help="CSV: one row per unit and year.")],
    unit: Annotated[str, typer.Option(help="Column of the unit.")],
    time: Annotated[str, typer.Option(help="Column of the year.")],
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")],
    cohort: Annotated[
        str, typer.Option(help="Column of the first treated year; empty or 0 is never treated.")
    ],
    method: Annotated[
        Method,
        typer.Option(help="cs: Callaway–Sant'Anna; twfe: two-way fixed effects."),
    ] = Method.cs,
    control: Annotated[
        Control, typer.Option(help="never: never treated; notyet: not yet treated.")
    ] = Control.never,
    aggregate: Annotated[
        Aggregate, typer.Option(help="Which aggregate of the group-time effects (cs).")
    ] = Aggregate.simple,
    inference: Annotated[
        Inference,
        typer.Option(
            help="analytic: too short with few treated units; permutation: exact if the units "
            "of a matched set are exchangeable."
        ),
    ] = Inference.analytic,
    size: Annotated[
        str | None,
        typer.Option(help="Column of size for matched sets (permutation). Default: no matching."),
    ] = None,
    donors: Annotated[
        int, typer.Option(min=1, help="Donors per treated unit (permutation with --size).")
    ] = 30,
    draws: Annotated[int, typer.Option(min=99, help="Draws of permutation and band.")] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    alpha: Annotated[float, typer.Option(min=0.001, max=0.499, help="One minus the level.")] = 0.05,
    as_json: Json = False,
) -> None:
    """Estimate an average treatment effect on the treated from your own file.

    Units without a value in every year are left out and named. Standard errors of cs are
    analytic with divisor n, as in R's did; those of twfe are clustered by unit with the
    convention of R's fixest.
    """
    from evaluation.questions.own_data import estimate_file

    with _progress(3, as_json) as step:
        result = estimate_file(
            data,
            unit=unit,
            time=time,
            outcome=outcome,
            cohort=cohort,
            method=method.value,
            control=control.value,
            aggregate=aggregate.value,
            inference=inference.value,
            size=size,
            donors=donors,
            draws=draws,
            seed=seed,
            alpha=alpha,
            progress=step,
        )
    if as_json:
        _print_json(result.to_dict())
    else:
        typer.echo(result.summary())


@data_app.command("list")
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
        _print_json(sets)
        return
    for d in sets:
        typer.echo(f"{d['name']:<24}{d['title_en']}\n{'':<24}{d['source']} · {d['licence']}")


@data_app.command("check")
def data_check(
    file: Annotated[
        Path | None,
        typer.Argument(help="A CSV of your own. Without one the shipped data are checked."),
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

        found = dict(check_embedded())
    else:
        from evaluation.questions.own_data import check_file

        found = check_file(file, unit=unit, time=time, outcome=outcome, cohort=cohort)
    if as_json:
        _print_json(found)
        return
    for key, value in found.items():
        typer.echo(f"{key:<24}{value}")


def main() -> None:
    """Run the command line; an input error is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        code = app(standalone_mode=False)
    except InputError as error:
        typer.echo(f"evaluation: {error}", err=True)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("evaluation: stopped", err=True)
        code = 130
    except Exception as error:
        # a fault of the call: the parser's own exceptions know their message
        if not hasattr(error, "format_message"):
            raise
        text = error.format_message().replace("Value error, ", "")
        is_help = "\n" in text
        typer.echo(text if is_help else f"evaluation: {text} (see --help)", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
