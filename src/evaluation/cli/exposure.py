"""``evaluation stance exposure``: from a start and an end to who is exposed, year by year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evaluation.cli.shared import Json, Lang, print_json
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.design.exposure import ComponentDose, ExposureCalendar, Span
    from evaluation.design.exposure.components import DatedComponent

    Case = tuple[str, Span | None, Span | None, tuple[DatedComponent, ...]]

__all__ = ["attach"]

LAG = 2
_WORDS = {
    "day_one": ("från dag ett", "day one"),
    "any": ("någon gång", "at all"),
    "dose": ("dos", "dose"),
    "in_force": ("årets månader", "year's months"),
}
_STATUS = {"full": "helt", "partial": "delvis", "none": "inte", "or": "eller"}
_RULES = {
    "first_whole_year": ("första hela året", "first whole year"),
    "first_year_touched": ("första berörda året", "first year touched"),
    "leave_out_partial": ("delvis exponerade år utelämnade", "partly exposed years left out"),
}


def attach(stance: typer.Typer) -> None:
    """Add ``exposure`` to ``evaluation stance``."""
    stance.command("exposure")(exposure)


def exposure(
    start: Annotated[
        str | None,
        typer.Option(help="First month in force: 2016-10; or 2011, 2011-H2, 2017-spring."),
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Last month in force, likewise; none if it goes on.")
    ] = None,
    months: Annotated[int, typer.Option(help="Length of the programme in months.")] = 24,
    model: Annotated[
        str | None, typer.Option(help="A model, as `evaluation models list` shows it.")
    ] = None,
    plan: Annotated[
        str | None, typer.Option(help="A plan: its treated municipalities, each on its own.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="A coding sheet: every period of activity in it.")
    ] = None,
    years: Annotated[
        str | None, typer.Option(metavar="A:B", help="First and last year of the table.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the table.")] = Lang.sv,
    as_json: Json = False,
) -> None:
    """Compute which leavers of each year met an active municipality, and from which day.

    A start counts from the first of its month, an end to the last of its own. Whoever is
    received in a month in force is exposed from day one and leaves the programme 24 months
    later; N00973 carries the year of leaving. Where only a year or a part of it is known,
    every share is an interval.

    Example: evaluation stance exposure --start 2016-10 --end 2018-09

    says that of those who leave in 2018 a quarter is exposed from day one (received October to
    December 2016), in 2019 all, in 2020 three quarters, in 2021 nobody.
    """
    from evaluation.design.exposure import component_dose, exposure_calendar

    given = [n for n, v in (("start", start), ("model", model), ("plan", plan), ("sheet", sheet))
             if v is not None]  # fmt: skip
    if len(given) != 1:
        raise InputError(
            "one of --start, --model, --plan and --sheet is needed"
            + (f", found --{' and --'.join(given)}" if given else "")
        )
    if end is not None and start is None:
        raise InputError("--end goes with --start")
    span = _span_of_years(years)
    out: list[dict[str, Any]] = []
    for name, begins, ends, parts in _cases(start, end, model, plan, sheet):
        if begins is None:
            out.append({"name": name, "calendar": None})
            if not as_json:
                typer.echo(f"{name}: {_pick(lang, 'ingen start är angiven', 'no start is stated')}")
            continue
        found = exposure_calendar(begins, ends, months=months, years=span)
        dose = component_dose(parts, begins, ends, months=months, years=span) if parts else None
        rules = _rules(begins, ends)
        out.append(
            {
                "name": name,
                "calendar": found.to_dict(),
                "treated_years_of_leaving": rules,
                "components": dose.to_dict() if dose else None,
            }
        )
        if not as_json:
            _print(name, found, dose, rules, lang)
    if as_json:
        print_json(out)


def _cases(
    start: str | None, end: str | None, model: str | None, plan: str | None, sheet: Path | None
) -> Iterator[Case]:
    """Yield name, start, end and components of every case that was asked for."""
    from evaluation.design.exposure.calendar import as_span, check_order

    if start is not None:
        begins = as_span(start, "start")
        ends = None if end is None else as_span(end, "end")
        check_order(begins, ends)
        yield "", begins, ends, ()
    elif model is not None:
        yield _of_model(model)
    elif plan is not None:
        from evaluation.design.treatment import design_from_plan
        from evaluation.plan import load_plan

        found = load_plan(plan)
        if found.treatment.coding == "simulated":
            raise found.fault(
                ("treatment", "coding"), "is simulated; only a plan on documents has dated models"
            )
        for t in design_from_plan(found).treated:
            _, begins_, ends, parts = _of_model(t.model)
            if t.assumed:
                from evaluation.design.exposure import Span

                begins_ = Span(12 * t.first_year, 12 * t.first_year)
            yield t.name, begins_, ends, parts
    else:
        from evaluation.design.coding.sheet import read_sheet
        from evaluation.design.exposure.sheets import active_periods

        assert sheet is not None
        for p in active_periods(read_sheet(sheet)):
            yield f"{p.municipality} ({p.code})", p.start, p.end, p.components


def _of_model(name: str) -> Case:
    from evaluation.design.catalogue import catalogue
    from evaluation.design.exposure import dated_components
    from evaluation.design.exposure.stated import model_end, model_start

    if name not in catalogue():
        raise InputError(
            f"there is no model {name!r}; `evaluation models list` shows them", field="model"
        )
    m = catalogue()[name]
    begins = model_start(m)
    return m.name, begins, model_end(m, begins), dated_components(m.components)


def _rules(start: Span, end: Span | None) -> dict[str, Any]:
    """Return the treated years of leaving under each rule; None where a rule has none."""
    from evaluation.design.exposure import RULES, exposed_years

    out: dict[str, Any] = {}
    for rule in RULES:
        try:
            e = exposed_years(start, end, rule)
        except InputError:
            out[rule] = None
            continue
        out[rule] = {
            "base": e.first + LAG - e.partial - 1,
            "first": e.first + LAG,
            "last": None if e.last is None else e.last + LAG,
            "left_out_before": e.partial,
        }
    return out


def _span_of_years(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4}):(\d{4})", text)
    if not found or found[1] > found[2]:
        raise InputError(f"must be two years such as 2014:2020, found {text!r}", field="years")
    return int(found[1]), int(found[2])


def _pick(lang: Lang, sv: str, en: str) -> str:
    return sv if lang is Lang.sv else en


def _print(
    name: str,
    found: ExposureCalendar,
    dose: ComponentDose | None,
    rules: dict[str, Any],
    lang: Lang,
) -> None:
    en = lang is Lang.en
    until = _pick(lang, "tills vidare", "still in force") if found.end is None else str(found.end)
    start, end = (
        str(t).replace(" to ", _pick(lang, " till ", " to ")) for t in (found.start, until)
    )
    head = f"{_pick(lang, 'start', 'start')} {start}, {_pick(lang, 'slut', 'end')} {end}"
    typer.echo(f"{name}: {head}" if name else head)
    numbers = {} if dose is None else dose.tidy().set_index("year").to_dict("index")
    columns = [_pick(lang, "utgångsår", "leaving")]
    columns += [_WORDS[k][en] for k in ("day_one", "any", "dose")]
    columns += [_pick(lang, "exponering", "exposure"), _WORDS["in_force"][en]]
    columns += [_pick(lang, "delar i kraft", "components")] if numbers else []
    widths = [9, 14, 12, 12, 24, 14, 14]
    typer.echo("".join(f"{c:>{w}}" for c, w in zip(columns, widths, strict=False)))
    for row in found.tidy().to_dict("records"):
        cells = [str(row["year"])]
        cells += [_share(row, k, lang) for k in ("day_one", "any", "dose")]
        cells += [_status(str(row["exposure"]), lang), _share(row, "in_force", lang)]
        if numbers and row["year"] in numbers:
            n = numbers[row["year"]]
            cells.append(f"{_range(n['number_low'], n['number_high'], lang, 1)}")
        typer.echo("".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=False)))
    if dose is not None:
        typer.echo(
            _pick(
                lang,
                f"delar i kraft: medelantal av {len(dose.components)} vid mottagandet",
                f"components: mean number of {len(dose.components)} in force at reception",
            )
        )
    typer.echo(_pick(lang, "behandlade utgångsår, enligt planens regel:",
                     "treated years of leaving, by the plan's rule:"))  # fmt: skip
    for rule, years in rules.items():
        typer.echo(f"  {rule:<20}{_treated(years, lang)}  ({_RULES[rule][en]})")
    typer.echo("")


def _treated(years: dict[str, Any] | None, lang: Lang) -> str:
    if years is None:
        return _pick(lang, "inget helt år", "no whole year")
    last = "–" if years["last"] is None else f"–{years['last']}"
    return f"{years['first']}{last}, {_pick(lang, 'basår', 'base')} {years['base']}"


def _share(row: dict[Any, Any], key: str, lang: Lang) -> str:
    return f"{_range(100 * row[f'{key}_low'], 100 * row[f'{key}_high'], lang, 0)} %"


def _range(low: float, high: float, lang: Lang, decimals: int) -> str:
    from evaluation.language import number

    ends = [number(v, lang.value, decimals) for v in (low, high)]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def _status(text: str, lang: Lang) -> str:
    if lang is Lang.en:
        return text
    return " ".join(_STATUS[w] for w in text.split())
