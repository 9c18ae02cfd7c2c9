"""``evaluation models``: the documents' models, what it takes to evaluate them, their figures."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.cli import models_components
from evaluation.cli.shared import Json, Lang, print_json
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.design.catalogue import Model
    from evaluation.questions.evaluability import Evaluability

__all__ = ["attach"]

WIDTH = 100
app = typer.Typer(
    no_args_is_help=True,
    help="The models, projects and success factors that the documents describe.",
)
Which = Annotated[str, typer.Argument(metavar="ID", help="A model, as `models list` shows it.")]
Language = Annotated[Lang, typer.Option(help="Language of the texts.")]
models_components.attach(app)


def attach(root: typer.Typer) -> None:
    """Add ``models`` with its commands to the command line."""
    root.add_typer(app, name="models")


@app.command("list")
def models_list(lang: Language = Lang.sv, as_json: Json = False) -> None:
    """List every model with place, start and coded stance."""
    from evaluation.design.catalogue import catalogue

    if as_json:
        print_json([m.to_dict() for m in catalogue().values()])
        return
    begins = "start" if lang is Lang.en else "början"
    for m in catalogue().values():
        typer.echo(_fitted(f"{m.id:<30}{m.name}"))
        parts = (m.kind.replace("_", " "), m.where.text, f"{begins}: {m.starts.text}", m.stance)
        typer.echo(_fitted(f"{'':<30}{' · '.join(parts)}"))


@app.command("show")
def models_show(
    id: Which,
    svg: Annotated[
        Path | None, typer.Option(help="Write the theory of change as a figure here (.svg).")
    ] = None,
    lang: Language = Lang.sv,
    as_json: Json = False,
) -> None:
    """Show what the documents say of one model, and its theory of change.

    Example: evaluation models show are_modellen --svg are.svg
    """
    from evaluation.design.catalogue import theory_of_change
    from evaluation.plan import model_plan

    model = _find(id)
    theory = theory_of_change(model)
    if svg is not None:
        _write(svg, theory.svg(lang.value))
    plan = model_plan(model.id)
    if as_json:
        print_json(model.to_dict() | {"theory_of_change": theory.steps, "plan": plan})
        return
    lines = _lines(model, lang is Lang.en)
    if plan:
        lines["plan"] = f"evaluation run {plan}"
    for key, text in lines.items():
        _echo(key, text)
    typer.echo("")
    for line in theory.markdown(lang.value).splitlines():
        typer.echo(textwrap.fill(line, WIDTH, subsequent_indent="   "))


@app.command("assess")
def models_assess(
    id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One model; without it all of them.")
    ] = None,
    lang: Language = Lang.sv,
    as_json: Json = False,
) -> None:
    """Say whether a model can be evaluated, with what, and the smallest effect to be seen."""
    from evaluation.questions.evaluability import assess, assess_catalogue

    if id is not None:
        row = assess(_find(id))
        if as_json:
            print_json(row.to_dict())
            return
        for key, text in _verdict(row, lang).items():
            _echo(key, text)
        return
    every = assess_catalogue()
    if as_json:
        print_json(every.to_dict())
        return
    from evaluation.questions.evaluability import VERDICTS

    typer.echo(every.sentence(lang.value))
    for verdict, words in VERDICTS.items():
        typer.echo(f"\n{words[lang is Lang.en]}")
        for row in every.rows:
            if row.verdict == verdict:
                effect = f" [{row.smallest.text(lang.value)}]" if row.smallest else ""
                text = f"  {row.model.id:<30}{row.reason(lang.value)}{effect}"
                typer.echo(textwrap.fill(text, WIDTH, subsequent_indent=" " * 32))


@app.command("figures")
def models_figures(
    every: Annotated[bool, typer.Option("--all", help="Show the rules that agree, too.")] = False,
    lang: Language = Lang.sv,
    as_json: Json = False,
) -> None:
    """Compute again every figure of the documents that other figures imply, and show the slips."""
    from evaluation.data.documents import check_figures

    found = check_figures()
    if as_json:
        print_json(found.to_dict())
        return
    typer.echo(textwrap.fill(found.sentence(lang.value), WIDTH))
    heads = {
        "slip": ("Missar", "Slips"),
        "cannot_tell": ("Kan inte räknas om", "Cannot be told"),
        "agrees": ("Stämmer", "Agrees"),
    }
    for verdict, words in heads.items():
        if verdict == "agrees" and not every:
            continue
        typer.echo(f"\n{words[lang is Lang.en]}")
        lines = [r.sentence(lang.value) for r in found.rules if r.verdict == verdict]
        if verdict == "slip":
            lines += [s.sentence(lang.value) for s in found.suspects]
        for line in lines:
            typer.echo(textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    "))


def _find(name: str) -> Model:
    from evaluation.design.catalogue import catalogue

    if name not in catalogue():
        raise InputError(f"there is no model {name!r}; `evaluation models list` shows all")
    return catalogue()[name]


def _write(path: Path, text: str) -> None:
    if path.suffix != ".svg":
        raise InputError(f"{path.name!r} must end with .svg", field="--svg")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from None


def _fitted(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _echo(key: str, text: str) -> None:
    line = textwrap.fill(text, WIDTH - 20) or ""
    typer.echo(f"{key:<20}{textwrap.indent(line, ' ' * 20).lstrip()}")


def _lines(m: Model, en: bool) -> dict[str, str]:
    """Say what the documents say of a model, a line each."""
    none = "none stated" if en else "inget angivet"
    names = {
        "id": ("id", m.id),
        "namn": ("name", m.name),
        "slag": ("kind", f"{m.kind.replace('_', ' ')} ({m.type.replace('_', ' ')})"),
        "var": ("where", m.where.text),
        "koder": ("codes", ", ".join(m.where.codes + m.where.regions)),
        "början": ("start", m.starts.text),
        "slut": ("end", m.ends.text),
        "hållning": ("stance", m.stance),
        "finansiär": ("funder", "; ".join(m.funders) or none),
        "mål": ("goals", "; ".join(m.goals) or none),
        "angivet utfall": ("stated outcome", "; ".join(m.stated_outcomes) or none),
        "siffror": ("figures", "; ".join(r.text for r in m.results)),
        "källa": ("source", f"{m.document}, {'line' if en else 'rad'} {m.line}"),
        "anmärkning": ("note", m.note),
    }
    return {(pair[0] if en else key): pair[1] for key, pair in names.items() if pair[1]}


def _verdict(row: Evaluability, lang: Lang) -> dict[str, str]:
    """Say what an assessment found, a line each."""
    from evaluation.data.registry import REGISTRY
    from evaluation.questions.evaluability import DESIGNS, VERDICTS
    from evaluation.report.words import word

    en, c = lang is Lang.en, row.chosen
    unknown = "unknown" if en else "okänt"
    out = {
        ("model" if en else "modell"): f"{row.model.id}: {row.model.name}",
        ("verdict" if en else "bedömning"): VERDICTS[row.verdict][en],
        ("reason" if en else "skäl"): row.reason(lang.value),
        ("treated" if en else "behandlade"): str(row.n_treated),
        ("reached" if en else "nådda"): "; ".join(row.exposed),
    }
    if row.start:
        assumed = {"stated": ("angiven", "stated"), "assumed": ("antagen", "assumed")}
        how = assumed[row.start_from][en]
        out["start" if en else "början"] = f"{row.start[0]}-{row.start[1]:02d} ({how})"
    if c:
        i = REGISTRY[c.outcome]
        horizon = f"; {c.horizon_days} {'days' if en else 'dagar'}" if c.horizon_days else ""
        success = f"; {', '.join(c.counts_as_success)}" if c.counts_as_success else ""
        label = i.label_en if en else i.label_sv
        out["outcome" if en else "utfall"] = f"{c.outcome}: {label}{horizon}{success}"
        years = [unknown if y is None else str(y) for y in (c.years_before, c.years_after)]
        span = "first year {}, years before {}, after {}" if en else "från {}, år före {}, efter {}"
        out["years" if en else "år"] = span.format(c.first_year, *years)
    if row.design:
        out["design"] = DESIGNS[row.design][en]
    if row.plan:
        out["plan"] = f"evaluation run {row.plan}"
        if row.verdict == "with live data":
            fetch = f"evaluation data fetch {row.plan}"
            out["plan"] = f"{fetch}; {out['plan']}"
    if row.smallest:
        out["smallest effect" if en else "minsta effekt"] = row.smallest.text(lang.value)
    if row.grade:
        reason = row.grade_reason_en if en else row.grade_reason_sv
        grade = word(f"grade_{row.grade}", lang.value)
        out["evidence at most" if en else "evidens, högst"] = f"{grade}. {reason}"
    if row.shares_place_with:
        out["same place" if en else "samma plats"] = ", ".join(row.shares_place_with)
    return {k: v for k, v in out.items() if v}
