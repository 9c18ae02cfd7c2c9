"""``evaluation simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evaluation.cli.shared import Json, print_json, progress_bar
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.data.twin import Twin

_SHOWN = (
    ("N00973", "T"),
    ("N00973", "K"),
    ("N00973", "M"),
    ("retention_3_years", "T"),
    ("U31001", "T"),
)


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write: new, empty, or a former twin.")],
    seed: Annotated[int, typer.Option(min=0, help="Everything is drawn from it.")] = 1,
    first_year: Annotated[int | None, typer.Option(help="First year. [2008]")] = None,
    last_year: Annotated[int | None, typer.Option(help="Last year. [2025]")] = None,
    active: Annotated[
        int | None, typer.Option(help="Municipalities that become active. [24]")
    ] = None,
    adoption: Annotated[
        str | None, typer.Option(help="Earliest and latest year of the start. [2012,2017]")
    ] = None,
    effect_women: Annotated[
        float | None, typer.Option(help="On women's work or studies, percentage points. [6]")
    ] = None,
    effect_men: Annotated[
        float | None, typer.Option(help="On men's work or studies, percentage points. [4]")
    ] = None,
    effect_retention: Annotated[
        float | None, typer.Option(help="On staying three years, percentage points. [4]")
    ] = None,
    effect_cost: Annotated[
        float | None, typer.Option(help="Per cent less assistance a month. [10]")
    ] = None,
    activity_cost: Annotated[
        float | None, typer.Option(help="Kronor that being active costs per person. [0]")
    ] = None,
    selection: Annotated[
        float | None, typer.Option(help="Self-selection on level and size, log odds. [0]")
    ] = None,
    pre_trend: Annotated[
        float | None, typer.Option(help="Drift of the active, percentage points a year. [0]")
    ] = None,
    spillover: Annotated[
        float | None, typer.Option(help="Share of the effect that reaches the county. [0]")
    ] = None,
    miscoded: Annotated[
        float | None, typer.Option(help="Share of the active that the coding misses. [0]")
    ] = None,
    falsely_active: Annotated[
        float | None, typer.Option(help="Others coded active, as a share of the active. [0]")
    ] = None,
    mid_year: Annotated[
        float | None, typer.Option(help="Share that starts in another month than January. [0]")
    ] = None,
    fade: Annotated[
        int | None, typer.Option(help="Years after which each year halves the effect.")
    ] = None,
    no_persons: Annotated[
        bool, typer.Option("--no-persons", help="Write no person records.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make up a whole country with known truth: SIMULATED / SIMULERADE DATA.

    Same codes, indicators and sexes as the live data, person records included. Writes
    observations, persons, stance and truth into a folder.
    """
    from pydantic import ValidationError

    from evaluation.data.observations import SIMULATED
    from evaluation.data.twin import STEPS
    from evaluation.data.twin import simulate as make
    from evaluation.plan import SimulatedData

    given: dict[str, Any] = {
        "active": active,
        "effect_retention": effect_retention,
        "effect_cost": effect_cost,
        "activity_cost": activity_cost,
        "selection": selection,
        "pre_trend": pre_trend,
        "spillover": spillover,
        "miscoded": miscoded,
        "falsely_active": falsely_active,
        "mid_year": mid_year,
        "fade": fade,
        "adoption": None if adoption is None else _two_years(adoption),
    }
    effect = {"women": effect_women, "men": effect_men}
    years = SimulatedData.model_fields["years"].default
    given["effect"] = {k: v for k, v in effect.items() if v is not None}
    given["years"] = (
        years[0] if first_year is None else first_year,
        years[1] if last_year is None else last_year,
    )
    chosen = {k: v for k, v in given.items() if v is not None}
    try:
        settings = SimulatedData(seed=seed, persons=not no_persons, **chosen)
    except ValidationError as error:
        raise _fault(error.errors()[0]) from None
    with progress_bar(len(STEPS) + 1, as_json) as step:
        twin = make(settings, progress=step)
        step("writing")
        folder = twin.write(out)
    found = _summary(twin, folder)
    if as_json:
        print_json(found)
        return
    typer.echo(SIMULATED)
    for key in ("folder", "seed", "hash", "municipalities", "active", "observations", "persons"):
        if found[key] is not None:
            typer.echo(f"{key:<24}{found[key]}")
    for row in found["truth"]:
        name = f"effect on {row['indicator']} {row['sex']}"
        typer.echo(f"{name:<24}{row['att_cohort']:.2f}")
    typer.echo(SIMULATED)


def _two_years(text: str) -> tuple[int, int]:
    try:
        first, last = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{text!r} is not two years such as 2012,2017", field="--adoption"
        ) from None
    if first > last:
        raise InputError(f"{text!r} has the later year first", field="--adoption")
    return first, last


def _fault(error: Any) -> InputError:
    """Name the option that a field of the settings came from."""
    path = [str(p) for p in error["loc"]]
    message = error["msg"].removeprefix("Value error, ")
    if not path:
        # the two fields that are checked against each other
        option = "--adoption" if message.startswith("adoption") else "--first-year, --last-year"
        return InputError(message, field=option)
    option = f"--{'-'.join(path)}".replace("_", "-")
    text = f"{message[0].lower()}{message[1:]} (found {error['input']!r})"
    return InputError(text, field=option)


def _summary(twin: Twin, folder: Path) -> dict[str, Any]:
    from evaluation.data.observations import SIMULATED

    return {
        "data": SIMULATED,
        "folder": str(folder),
        "files": sorted(p.name for p in folder.iterdir()),
        "seed": twin.settings.seed,
        "hash": twin.hash,
        "municipalities": len(twin.stance),
        "active": len(twin.truth.first_year),
        "observations": len(twin.observations),
        "persons": None if twin.persons is None else len(twin.persons),
        "truth": [
            {"indicator": i, "sex": s, "att_cohort": round(twin.truth.att(i, s), 6)}
            for i, s in _SHOWN
        ],
    }
