"""``evaluation data indicators``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.cli.shared import Json, Lang, print_json
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.data.registry import Indicator


def attach(app: typer.Typer) -> None:
    """Add the command to ``evaluation data``."""
    app.command("indicators")(data_indicators)


def data_indicators(
    id: Annotated[
        str | None, typer.Argument(help="One indicator, such as N00973; without it all are listed.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of labels and texts.")] = Lang.sv,
    as_json: Json = False,
) -> None:
    """List the outcomes that a plan can name, or show all that is known of one.

    Example: evaluation data indicators retention_3_years
    """
    from evaluation.data.registry import REGISTRY

    if id is None:
        if as_json:
            print_json([asdict(i) for i in REGISTRY.values()])
            return
        width = max(map(len, REGISTRY)) + 2
        for i in REGISTRY.values():
            parts = [getattr(i, f"unit_{lang.value}"), "/".join(i.sexes), _years(i), i.source]
            typer.echo(f"{i.id:<{width}}{getattr(i, f'label_{lang.value}')}")
            typer.echo(f"{'':<{width}}{' · '.join(p for p in parts if p)}")
        return
    if id not in REGISTRY:
        raise InputError(f"there is no indicator {id!r}; known are {', '.join(REGISTRY)}")
    found = REGISTRY[id]
    if as_json:
        print_json(asdict(found))
        return
    for key, text in _lines(found, lang.value).items():
        typer.echo(f"{key:<22}{text}")


def _years(indicator: Indicator) -> str:
    """Write the years of a series; an end that is not known is a question mark."""
    first, last = indicator.years
    return f"{first or '?'}–{last or '?'}{' (ended)' if indicator.ended else ''}"


def _lines(i: Indicator, lang: str) -> dict[str, str]:
    """Say what is known of an indicator, a line each; what is assumed is said to be."""
    lines = {
        "id": i.id,
        "label": getattr(i, f"label_{lang}"),
        "unit": getattr(i, f"unit_{lang}"),
        "source": f"{i.source} ({i.agency})" if i.agency else i.source,
        "years": _years(i),
        "sex": "/".join(i.sexes),
        "horizon": "" if i.horizon_days is None else f"{i.horizon_days} days",
        "success": ", ".join(i.counts_as_success),
        "denominator": i.denominator or "",
        "weight": i.weight or "",
        "lag": f"{i.lag_years} years from reception" if i.lag_years else "",
        "better": {1: "more", -1: "less", 0: ""}[i.direction],
        "computed from": ", ".join(
            f"{p.id}{f' {p.lag_years} years earlier' if p.lag_years else ''}" for p in i.parts
        ),
        "small cells": getattr(i.small_cell, lang) if i.small_cell else "",
        "version": i.version,
        "limit": getattr(i, f"limit_{lang}"),
        "assumed": ", ".join(i.assumed),
    }
    lines |= {f"break {b.year}": getattr(b, lang) for b in i.breaks}
    return {k: v for k, v in lines.items() if v}
