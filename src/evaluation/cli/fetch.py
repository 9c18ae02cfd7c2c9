"""``evaluation data fetch``."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.cli.shared import Json, StoreFolder, print_json, progress_bar


def fetch(
    plan: Annotated[str, typer.Argument(help="A plan's file, or the name of one that ships.")],
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Fetch what a plan needs from Kolada, and keep it as a snapshot with its provenance."""
    from evaluation.data.fetch import fetch_plan, number_of_chunks
    from evaluation.data.store import SnapshotStore
    from evaluation.plan import load_plan

    loaded = load_plan(plan)
    with progress_bar(number_of_chunks(loaded), quiet=as_json) as step:
        snapshot = fetch_plan(loaded, SnapshotStore(store), progress=step)
    record = snapshot.provenance
    if as_json:
        print_json(
            {
                "id": snapshot.id,
                "name": snapshot.name,
                "rows": record.rows,
                "indicators": list(record.indicators),
                "states": dict(record.states),
                "retrieved": record.retrieved.isoformat(),
                "file": str(snapshot.path),
                "notes": list(record.notes),
            }
        )
        return
    first, last = record.years
    typer.echo(
        f"{snapshot.name}: {record.rows} rows, {len(record.indicators)} indicators, {first}–{last}"
    )
    for note in record.notes:
        typer.echo(f"  {note}")
    typer.echo(f"Snapshot {snapshot.id}")
    typer.echo(f"Pin it in the plan:  data: {{snapshot: {snapshot.id[:12]}}}")
