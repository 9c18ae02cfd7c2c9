"""``evaluation run`` and ``evaluation verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import Json, Lang, StoreFolder, print_json, progress_bar
from evaluation.errors import InputError


def run(
    plan: Annotated[
        str,
        typer.Argument(
            help="A plan (YAML), or the name of one that ships: settlement, day_one, "
            "day_one_simulated, models/NAME (see `evaluation models assess`)."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. Default: build/NAME-LANG.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the report.")] = Lang.sv,
    formats: Annotated[
        str, typer.Option("--format", help="Documents, separated by commas.")
    ] = "html,pdf,docx",
    store: StoreFolder = None,
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
    from evaluation.data.store import SnapshotStore
    from evaluation.report.bundle import write_report

    target = out or Path("build") / f"{loaded.name}-{lang.value}"
    steps = len(loaded.outcomes) + 5 + len(wanted) + (loaded.data is not None)
    with progress_bar(steps, as_json) as step:
        folder = write_report(
            loaded,
            target,
            lang=lang.value,
            formats=wanted,  # type: ignore[arg-type]
            progress=step,
            store=SnapshotStore(store),
        )
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    findings = [o["finding"] for o in results["outcomes"].values()]
    findings += [g["finding"] for g in results["gender"].values()]
    if "retention" in results:
        findings.append(results["retention"]["finding"])
    if results["case"]:
        findings.append(results["case"]["finding"])
    if "costs" in results:
        findings.append(results["costs"]["finding"])
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "plan_hash": loaded.hash(),
                "findings": findings,
                "left_out": {k: o["left_out"] for k, o in results["outcomes"].items()},
            }
        )
        return
    from evaluation.report.words import left_out_text, word

    if results["origin"]:
        typer.echo(
            results["origin"][f"notice_{lang.value}"] or results["origin"][f"citation_{lang.value}"]
        )
    title = "Evidens" if lang is Lang.sv else "Evidence"
    for f in findings:
        grade = word(f"grade_{f['grade']}", lang.value)
        typer.echo(f"• {f[f'sentence_{lang.value}']}")
        typer.echo(f"  {title}: {grade}. {f[f'grade_reason_{lang.value}']}")
    for name in results["outcomes"]:
        missing = left_out_text(results, name, lang.value)
        if missing:
            typer.echo(f"• {missing}")
    typer.echo(f"\n{folder}")


def verify(
    folder: Annotated[
        Path, typer.Argument(help="A folder that «evaluation run» or «evaluation costs» wrote.")
    ],
    as_json: Json = False,
) -> None:
    """Compute every number of a finished report again and compare.

    Exit code 1 where a number differs by more than 1e-8 relative, or a file's bytes differ
    from the hash in provenance.json.
    """
    from evaluation.report.verify import verify as check

    with progress_bar(6, as_json) as step:
        result = check(folder, step)
    if as_json:
        print_json(result.to_dict())
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
