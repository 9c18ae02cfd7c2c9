"""``evaluation retention``: who stays in the kommun."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.cli.shared import MOST_DRAWS, Json, Lang, print_json
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.questions.retention.result import Retention

__all__ = ["attach", "retention"]

FILES = (
    "incidence.csv",
    "results.json",
    "retention_leaving.svg",
    "retention_staying.svg",
    "staying.csv",
)


def attach(app: typer.Typer) -> None:
    """Add ``evaluation retention``."""
    app.command("retention")(retention)


def retention(
    data: Annotated[
        Path,
        typer.Option(
            help="Life tables (column at_risk) or person records (column received): .csv, .xlsx "
            "or .parquet."
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(help="Compare groups: sex, exposed, stance, cohort; may be given again."),
    ] = None,
    stance: Annotated[
        Path | None,
        typer.Option(help="Who is active since when: code and start, or coded_year, coded_month."),
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=600, help="Months since reception.")] = 36,
    until: Annotated[
        str | None,
        typer.Option(help="Last known month of person records, such as 2025-12."),
    ] = None,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Exposure may begin during the stay.")
    ] = False,
    draws: Annotated[int, typer.Option(min=19, max=MOST_DRAWS, help="Assignments drawn.")] = 999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    alpha: Annotated[float, typer.Option(min=0.001, max=0.499, help="One minus the level.")] = 0.05,
    lang: Annotated[Lang, typer.Option(help="Language of the sentences and figures.")] = Lang.en,
    out: Annotated[
        Path | None, typer.Option(help="Write curves, figures and results.json into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who stays in the kommun, where the others go, and what activity changes about it.

    Example: evaluation retention --data persons.parquet --stance stance.csv --by exposed
    """
    from evaluation.questions.retention.reading import read_retention
    from evaluation.questions.retention.result import retention as ask

    found = ask(
        read_retention(data, stance=stance, until=until, exposure_over_time=over_time),
        by=by or [],
        horizon=horizon,
        draws=draws,
        seed=seed,
        alpha=alpha,
    )
    if out is not None:
        _write(found, out, lang)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found, lang)


def _print(found: Retention, lang: Lang) -> None:
    if found.simulated:
        from evaluation.data.observations import SIMULATED

        typer.echo(f"{SIMULATED}\n")
    typer.echo(found.summary(lang.value))
    table = found.means.table.to_string(index=False, float_format=lambda v: f"{v:.2f}")
    typer.echo(f"\n{found.means.estimand}\n{table}")
    last = found.incidence.at(found.horizon)[["group", "kind", "estimate", "conf_low", "conf_high"]]
    shown = last.to_string(index=False, float_format=lambda v: f"{v:.4f}")
    typer.echo(f"\n{found.incidence.estimand}, {found.horizon} months\n{shown}\n")
    for test in found.tests:
        typer.echo(test.summary())
    for model in found.models:
        typer.echo(f"\n{model.summary()}")
    if found.finding is not None:
        typer.echo(f"\nevidence: {found.finding.grade}")
        for check in found.finding.checks:
            mark = {True: "ok", False: "!", None: "?"}[check.passed]
            typer.echo(f"  {mark:<3}{check.text_sv if lang == Lang.sv else check.text_en}")
    for note in found.notes:
        typer.echo(f"note: {note}")


def _write(found: Retention, folder: Path, lang: Lang) -> None:
    """Write the folder beside its place, then into it; refuse one that holds anything else."""
    import json

    from evaluation.data.observations import SIMULATED
    from evaluation.folders import put_in_place, target_folder
    from evaluation.report.retention import retention_figures

    out = target_folder(folder)
    if out.is_dir():
        strange = [p.name for p in sorted(out.iterdir()) if p.name not in FILES]
        if strange:
            raise InputError(
                f"holds {strange[0]}, which this command did not write; give another --out",
                file=str(out),
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-new-", dir=out.parent))
    try:
        new = beside / out.name
        new.mkdir()
        for name, curves in (("staying.csv", found.curves), ("incidence.csv", found.incidence)):
            table = curves.tidy()
            if found.simulated:
                table["data"] = SIMULATED
            table.to_csv(new / name, index=False, lineterminator="\n")
        text = json.dumps(found.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        (new / "results.json").write_text(text + "\n", encoding="utf-8")
        for figure in retention_figures(found, lang.value):
            figure.save(new / f"{figure.key}.svg")
        put_in_place(new, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be written: {reason}", file=str(out)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
