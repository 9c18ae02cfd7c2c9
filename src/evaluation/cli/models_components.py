"""``evaluation models components``: which part of a model matters, as far as can be told."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from evaluation.cli.shared import MOST_DRAWS, Json, Lang, print_json

__all__ = ["attach"]

WIDTH = 100


def components(
    outcome: Annotated[
        str, typer.Option(help="An outcome that ships: foreign_background, low_economic_standard.")
    ] = "foreign_background",
    first: Annotated[int, typer.Option(help="The change is taken from this year.")] = 2011,
    last: Annotated[int, typer.Option(help="The change is taken to this year.")] = 2019,
    prior: Annotated[
        float, typer.Option(help="Prior sd of an effect, in sds of the noise: above 0.")
    ] = 0.5,
    draws: Annotated[int, typer.Option(min=99, max=MOST_DRAWS, help="Shufflings.")] = 4999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the shufflings.")] = 20171205,
    lang: Annotated[Lang, typer.Option(help="Language of the texts.")] = Lang.sv,
    as_json: Json = False,
) -> None:
    """Regress an outcome's change on the components that the documents describe.

    Shrunk towards zero, since the municipalities are few and the components many.
    """
    from evaluation.language import interval, number
    from evaluation.questions.components import component_study

    found = component_study(outcome, first=first, last=last, prior=prior, draws=draws, seed=seed)
    if as_json:
        print_json(found.to_dict())
        return
    typer.echo(textwrap.fill(found.sentence(lang.value), WIDTH))
    en = lang is Lang.en
    head = ("component", "municip.", "mean", "interval", "without one", "learnt") if en else (
        "komponent", "kommuner", "medel", "intervall", "utan en", "lärt"
    )  # fmt: skip
    typer.echo("\n{:<38}{:>9}{:>8}  {:<18}{:<18}{}".format(*head))
    for _, r in found.tidy().iterrows():
        name = str(r["term"]).replace("_", " ")
        typer.echo(
            f"{name if len(name) < 38 else name[:36] + '…':<38}{r['n_municipalities']:>9}"
            f"{number(r['estimate'], lang.value, sign=True):>8}  "
            f"{interval(r['conf_low'], r['conf_high'], lang.value):<18}"
            f"{interval(r['without_low'], r['without_high'], lang.value):<18}"
            f"{number(r['learnt'], lang.value)}"
        )
    for check in found.check()[2:]:
        typer.echo("\n" + textwrap.fill(check.text_en if en else check.text_sv, WIDTH))


def attach(models: typer.Typer) -> None:
    """Add ``components`` to ``evaluation models``."""
    models.command("components")(components)
