"""``evaluation data snapshots``, ``show``, ``diff`` and ``export``: the snapshot store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaluation.cli.shared import Json, StoreFolder, print_json
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.data.store import Revisions, Snapshot

__all__ = ["attach"]

MOST_ROWS = 20
Which = Annotated[
    str,
    typer.Argument(
        help="A content hash (its first 12 digits or more), a name (its newest fetch), or "
        "NAME@2026-11-23 (the newest on or before that day)."
    ),
]


def attach(app: typer.Typer) -> None:
    """Add the store's commands to ``evaluation data``."""
    app.command("snapshots")(data_snapshots)
    app.command("show")(data_show)
    app.command("diff")(data_diff)
    app.command("export")(data_export)


def data_snapshots(store: StoreFolder = None, as_json: Json = False) -> None:
    """List what was fetched and kept, newest first."""
    from evaluation.data.observations import SIMULATED
    from evaluation.data.store import SnapshotStore

    kept = SnapshotStore(store)
    found = kept.list()
    if as_json:
        print_json([s.provenance.to_dict() | {"file": str(s.path)} for s in found])
        return
    if not found:
        typer.echo(f"{kept.root} has no snapshots")
    for s in found:
        p = s.provenance
        whom = SIMULATED if p.simulated else p.source
        typer.echo(
            f"{s.id[:12]}  {p.retrieved:%Y-%m-%d %H:%M}Z  {s.name:<20} {whom:<12} "
            f"{p.rows:>9} rows  {_few(p.indicators)}  {p.years[0]}–{p.years[1]}"
        )


def data_show(which: Which, store: StoreFolder = None, as_json: Json = False) -> None:
    """Show where a snapshot comes from, how to cite it, and what it covers."""
    from evaluation.data.store import SnapshotStore

    snapshot = SnapshotStore(store).get(which)
    coverage = snapshot.coverage()
    if as_json:
        p = snapshot.provenance
        citation = {"line_sv": p.citation("sv"), "line_en": p.citation("en")}
        rows = coverage.to_dict("records")
        print_json(p.to_dict() | {"file": str(snapshot.path), **citation, "coverage": rows})
        return
    for key, value in _lines(snapshot).items():
        typer.echo(f"{key:<14}{value}")
    typer.echo(f"\n{coverage.to_string(index=False)}")


def _lines(snapshot: Snapshot) -> dict[str, str]:
    p = snapshot.provenance
    return {
        "id": p.id,
        "name": p.name,
        "source": p.source,
        "retrieved": p.retrieved.isoformat(timespec="seconds"),
        "citation sv": p.citation("sv"),
        "citation en": p.citation("en"),
        "licence sv": p.licence_sv,
        "licence en": p.licence_en,
        "rows": f"{p.rows} ({', '.join(f'{n} {state}' for state, n in p.states.items())})",
        "years": f"{p.years[0]}–{p.years[1]}",
        "codes": str(p.codes),
        "written with": ", ".join(f"{name} {v}" for name, v in p.versions.items()),
        "file": f"{snapshot.path}, content checked",
    } | {f"note {i}": note for i, note in enumerate(p.notes, start=1)}


def data_diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The older: as for show.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The newer: as for show.")],
    indicator: Annotated[
        list[str] | None, typer.Option(help="Only this indicator; may be given again.")
    ] = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Show what was revised between two snapshots: values, states, rows added and removed."""
    from evaluation.data.store import SnapshotStore, diff

    kept = SnapshotStore(store)
    if old == new:
        raise InputError(f"both are {old!r}; the fetch before the newest is {old}~1", field="B")
    found = diff(kept.get(old), kept.get(new))
    if indicator:
        found = found.select(indicator)
    if as_json:
        print_json(found.to_dict())
        return
    typer.echo(found.summary("en"))
    if len(found):
        _print_tables(found)


def _print_tables(found: Revisions) -> None:
    typer.echo(f"\n{found.revised().to_string(index=False)}\n")
    table = found.table
    typer.echo(table.head(MOST_ROWS).to_string(index=False, na_rep=""))
    if len(table) > MOST_ROWS:
        typer.echo(f"… and {len(table) - MOST_ROWS} more; --json has them all")


def data_export(
    which: Which,
    file: Annotated[Path, typer.Argument(help="Ends with .csv, .xlsx or .parquet.")],
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Write a snapshot's observations for other programs, value and state apart."""
    from evaluation.data.store import SnapshotStore, export

    snapshot = SnapshotStore(store).get(which)
    path = export(snapshot, file)
    rows = snapshot.provenance.rows
    if as_json:
        print_json({"file": str(path), "rows": rows, "id": snapshot.id})
        return
    typer.echo(f"{path}: {rows} rows of {snapshot.provenance.label}")


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
