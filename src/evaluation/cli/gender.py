"""``evaluation gender``: women, men and their gap, from a plan, a panel file or counts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import (
    MOST_DRAWS,
    Aggregate,
    Alpha,
    Json,
    Lang,
    StoreFolder,
    asked_for,
    print_json,
    progress_bar,
    refuse_table,
    say_unused,
)
from evaluation.errors import InputError

__all__ = ["attach"]


class Inference(StrEnum):
    """What the intervals rest on."""

    permutation = "permutation"
    auto = "auto"


OF_FILES = ("unit", "time", "sex", "cohort", "alpha")
OF_DATA = ("outcome", "size", "donors", "aggregate", "inference", "margin", "draws", "seed")
OF_CELLS = ("category", "persons", "successes")
"""Options by what they are for."""


def attach(app: typer.Typer) -> None:
    """Add ``evaluation gender``."""
    app.command("gender")(gender)


def gender(
    ctx: typer.Context,
    plan: Annotated[
        str | None,
        typer.Argument(help="A plan with an outcome for both sexes: a YAML file, or a name."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Instead of a plan: CSV, .xlsx or .parquet, a row per unit, year, sex."),
    ] = None,
    cells: Annotated[
        Path | None,
        typer.Option(
            help="Instead: counts of persons, a row per unit, year, sex and category; splits the "
            "change of the gap into composition and rates, to one decimal."
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Column of the unit.")] = "unit",
    time: Annotated[str, typer.Option(help="Column of the year.")] = "year",
    sex: Annotated[str, typer.Option(help="Column of the sex: K, M (T is passed over).")] = "sex",
    cohort: Annotated[
        str, typer.Option(help="Column of the first treated year; empty or 0 is never treated.")
    ] = "cohort",
    outcome: Annotated[str, typer.Option(help="Column of the outcome (--data).")] = "value",
    size: Annotated[
        str | None,
        typer.Option(help="Column of size by unit: matched sets (--data). [any units]"),
    ] = None,
    donors: Annotated[
        int, typer.Option(min=1, help="Units of similar size per treated one (--size).")
    ] = 8,
    category: Annotated[str, typer.Option(help="Column of the category (--cells).")] = "category",
    persons: Annotated[str, typer.Option(help="Column of persons (--cells).")] = "persons",
    successes: Annotated[str, typer.Option(help="Column of successes (--cells).")] = "successes",
    aggregate: Annotated[
        Aggregate, typer.Option(help="Every unit (cohort) or unit-year (simple) weighs the same.")
    ] = Aggregate.cohort,
    inference: Annotated[
        Inference, typer.Option(help="permutation, or auto: chosen by the design (--data).")
    ] = Inference.permutation,
    margin: Annotated[
        float | None,
        typer.Option(help="Largest change of the gap that counts as none (--data)."),
    ] = None,
    draws: Annotated[int, typer.Option(min=99, max=MOST_DRAWS, help="Assignments.")] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the assignments.")] = 1,
    alpha: Alpha = 0.05,
    lang: Annotated[Lang, typer.Option(help="Language of what is written.")] = Lang.sv,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Ask whether the gap between women and men closed, and because of whom.

    Women and men are estimated jointly, on the units that have both in every year. A plan says
    for itself how; the options are for --data and --cells.
    """
    given = [x for x in (plan, data, cells) if x is not None]
    if len(given) != 1:
        more = "; one of them only" if given else ""
        raise InputError(f"give a plan, or --data, or --cells{more}", field="PLAN")
    if margin is not None and not 0 < margin < float("inf"):
        raise InputError(f"{margin:g} must be a number above zero", field="--margin")
    if plan is not None:
        refuse_table(plan, "--data (or --cells)")
        say_unused(asked_for(ctx, *OF_DATA, *OF_CELLS, *OF_FILES), "a plan says for itself how")
        _plan(plan, lang.value, store, as_json)
        return
    if cells is not None:
        say_unused(asked_for(ctx, *OF_DATA), "counts are split into parts with jackknife errors")
        from evaluation.questions.gender.own_file import cells_file

        found = cells_file(
            cells,
            unit=unit,
            time=time,
            sex=sex,
            category=category,
            persons=persons,
            successes=successes,
            cohort=cohort,
            alpha=alpha,
        )
        if as_json:
            print_json(found.to_dict())
        else:
            typer.echo(found.summary(lang.value))
        return
    assert data is not None
    say_unused(asked_for(ctx, *OF_CELLS), "this is for --cells")
    if size is None:
        say_unused(asked_for(ctx, "donors"), "without --size any units stand in")
    from evaluation.questions.gender.own_file import gap_file

    answer = gap_file(
        data,
        unit=unit,
        time=time,
        outcome=outcome,
        cohort=cohort,
        sex=sex,
        size=size,
        donors=donors,
        estimand=aggregate.value,
        inference=inference.value,
        margin=margin,
        draws=draws,
        seed=seed,
        alpha=alpha,
    )
    if as_json:
        print_json(answer.to_dict())
    else:
        typer.echo(answer.summary(lang.value))


def _plan(name: str, lang: str, store: Path | None, as_json: bool) -> None:
    from evaluation.plan import load_plan

    loaded = load_plan(name)
    from evaluation.data.store import SnapshotStore
    from evaluation.questions.gender import plan_gender

    with progress_bar(3, as_json) as step:
        found = plan_gender(loaded, store=SnapshotStore(store), progress=step)
    if as_json:
        print_json({k: g.to_dict() for k, g in found.items()})
        return
    for g in found.values():
        f = g.finding
        typer.echo(f.sentence_sv if lang == "sv" else f.sentence_en)
        for check in f.checks:
            typer.echo(f"  {check.text_sv if lang == 'sv' else check.text_en}")
