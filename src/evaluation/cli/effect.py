"""``evaluation effect``: the effect of every outcome of a plan, or of counts by education."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.cli.shared import (
    MOST_DRAWS,
    Aggregate,
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

if TYPE_CHECKING:
    from evaluation.questions.horizons.categories import CategoryEffect
    from evaluation.questions.horizons.plan import PlanEffect

__all__ = ["attach"]


OF_CELLS = (
    "unit", "time", "sex", "category", "persons", "successes", "cohort", "aggregate", "donors",
    "draws", "seed", "alpha",
)  # fmt: skip
"""Options that a plan leaves without use."""


def attach(app: typer.Typer) -> None:
    """Add ``evaluation effect``."""
    app.command("effect")(effect)


def effect(
    ctx: typer.Context,
    plan: Annotated[
        str | None, typer.Argument(help="A plan: a YAML file, or the name of one that ships.")
    ] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(help="Only this outcome, as the report names it; may be given again. [all]"),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="Table with the column code and columns of groups, such as SKR's from "
            "«evaluation data groups --out»: subgroups besides size, county and stance."
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Column of --groups; may be given again. [all that divide]"),
    ] = None,
    cells: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a plan: counts, a row per unit, year, sex and category, as "
            "«evaluation cohorts» writes them by education."
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Column of the unit (--cells).")] = "unit",
    time: Annotated[str, typer.Option(help="Column of the year (--cells).")] = "year",
    sex: Annotated[str, typer.Option(help="Column of the sex, if any (--cells).")] = "sex",
    category: Annotated[str, typer.Option(help="Column of the category (--cells).")] = "category",
    persons: Annotated[str, typer.Option(help="Column of persons (--cells).")] = "persons",
    successes: Annotated[str, typer.Option(help="Column of successes (--cells).")] = "successes",
    cohort: Annotated[
        str,
        typer.Option(help="Column of the first treated year; empty or 0 is never (--cells)."),
    ] = "cohort",
    aggregate: Annotated[
        Aggregate,
        typer.Option(help="Every unit or every unit-year weighs the same (--cells)."),
    ] = Aggregate.cohort,
    donors: Annotated[
        int, typer.Option(min=1, help="Units of similar size per treated one (--cells).")
    ] = 8,
    draws: Annotated[int, typer.Option(min=99, max=MOST_DRAWS, help="Assignments (--cells).")] = (
        9999
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the assignments (--cells).")] = 1,
    alpha: Annotated[
        float, typer.Option(min=0.001, max=0.499, help="One minus the level (--cells).")
    ] = 0.05,
    lang: Annotated[Lang, typer.Option(help="Language of what is written.")] = Lang.sv,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder: effect.json, effect.csv, effect.txt and a figure by outcome."),
    ] = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Ask what being active from day one did, by horizon, dose, kind of municipality, method.

    One horizon alone is never the answer: effects fade, or come late. So the first two years,
    the third and fourth, and all from the fifth stand beside the headline, with what their
    difference says; then partly against fully exposed years, subgroups with p-values adjusted
    for being several, other estimators, every check and the grade of the evidence. The numbers
    are the report's («evaluation run»), without the rest of it.

    A plan says for itself how. The options marked --cells are for counts by education or
    another kind of person.

    Examples: evaluation effect settlement --outcome foreign_background --lang en

    evaluation effect plan.yaml --groups skr.csv --by group_title

    evaluation effect --cells cells.csv --category education
    """
    if (plan is None) == (cells is None):
        both = "; not both" if plan is not None else ""
        raise InputError(f"give a plan, or --cells{both}", field="PLAN")
    found: PlanEffect | CategoryEffect
    if cells is not None:
        for given, option in ((outcome, "--outcome"), (groups, "--groups"), (by, "--by")):
            if given:
                raise InputError("goes with a plan, not with --cells", field=option)
        from evaluation.questions.horizons.categories import effect_by_category

        found = effect_by_category(
            cells,
            unit=unit,
            time=time,
            sex=sex,
            category=category,
            persons=persons,
            successes=successes,
            cohort=cohort,
            donors=donors,
            estimand=aggregate.value,
            draws=draws,
            seed=seed,
            alpha=alpha,
        )
    else:
        assert plan is not None
        refuse_table(plan, "--cells")
        say_unused(asked_for(ctx, *OF_CELLS), "a plan says for itself how, and this is for --cells")
        from evaluation.plan import load_plan

        if by and groups is None:
            raise InputError("names columns of --groups, and no file is given", field="--by")
        loaded = load_plan(plan)
        from evaluation.data.store import SnapshotStore
        from evaluation.questions.horizons.plan import plan_effect

        with progress_bar(2 + len(outcome or loaded.outcomes), as_json) as step:
            found = plan_effect(
                loaded,
                outcomes=outcome or None,
                groups=groups,
                by=by or (),
                store=SnapshotStore(store),
                progress=step,
            )
    if out is not None:
        from evaluation.report.horizons_folder import write_effect

        write_effect(found, out, lang=lang.value)
    if as_json:
        print_json(found.to_dict() | ({"folder": str(out)} if out else {}))
        return
    typer.echo(found.summary(lang.value))
