"""Time person records against DuckDB alone: python tools/bench_persons.py FOLDER [ROWS].

The files are made where they are missing. Bare is what a hand would write in SQL to get the same
counts from the same columns without looking at one row's quality: spells, leavers with statuses,
assistance. Each runs in a process of its own, in turn and twice, the order changed; memory is the
process's peak.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

UNTIL = "2025-12"
BARE = {
    "spells": """SELECT received_code, year(received) AS y, sex, move,
        coalesce(datediff('month', received, moved),
                 datediff('month', received, TIMESTAMP '2025-12-01')) AS d, count(*) AS n
        FROM persons GROUP BY ALL""",
    "leavers": """SELECT residence_code, year(programme_end) AS y, sex, status_90_days,
        status_1_year, status_2_years, status_3_years, count(*) AS n
        FROM persons WHERE residence_code IS NOT NULL GROUP BY ALL""",
    "assistance": """SELECT residence_code, sex, assisted_from, assisted_months, count(*) AS n,
        sum(assisted_kronor) AS kronor, max(assisted_kronor) AS most
        FROM persons WHERE assisted_months > 0 GROUP BY ALL""",
}


def _bare(folder: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '3GB'; SET preserve_insertion_order = false")
    connection.execute(f"CREATE VIEW persons AS SELECT * FROM read_parquet('{folder}/*.parquet')")
    for sql in BARE.values():
        connection.execute(sql).to_arrow_table()


def _count(folder: Path, engine: str) -> None:
    from evaluation.data.persons import cohorts

    cohorts(folder, until=UNTIL, engine=engine)  # type: ignore[arg-type]


def _counting_alone(folder: Path) -> None:
    """Run the one pass without the look for identity numbers, doubles and hashes."""
    from evaluation.data.persons.counting import count_cells, unpack
    from evaluation.data.persons.engine import open_engine, person_files
    from evaluation.data.persons.faults import reason_number
    from evaluation.data.persons.typed import typed_records

    last = 12 * 2025 + 11
    with open_engine("duckdb") as engine:
        records = typed_records(engine.read(*person_files(folder)))
        unpack(engine.arrow(count_cells(records, reason_number(records, last), last)))


WHAT = {
    "bare": _bare,
    "one pass": _counting_alone,
    "cohorts": lambda folder: _count(folder, "duckdb"),
    "spark": lambda folder: _count(folder, "spark"),
}


def measure(what: str, folder: Path) -> dict[str, float]:
    """Run one thing in a process of its own; seconds, processor seconds, gigabytes."""
    call = [sys.executable, __file__, str(folder), "--alone", what]
    return dict(json.loads(subprocess.run(call, capture_output=True, check=True).stdout))


def main() -> None:
    """Make the files, measure in turn, print the least of each and the ratio."""
    folder = Path(sys.argv[1])
    if "--alone" in sys.argv:
        start, used = time.perf_counter(), time.process_time()
        WHAT[sys.argv[-1]](folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        print(json.dumps({"seconds": wall, "cpu": cpu, "gigabytes": peak}))
        return
    from person_files import write_persons

    rows = int(float(sys.argv[2])) if len(sys.argv) > 2 else 5_000_000
    write_persons(folder, rows)
    names = ["bare", "one pass", "cohorts"]
    found: dict[str, list[dict[str, float]]] = {n: [] for n in names}
    for order in (names, names[::-1]):
        for name in order:
            found[name].append(measure(name, folder))
            print(name, {k: round(v, 2) for k, v in found[name][-1].items()}, flush=True)
    best = {n: min(r["seconds"] for r in runs) for n, runs in found.items()}
    for name in names[1:]:
        print(f"{name}: {best[name]:.1f} s, {best[name] / best['bare']:.2f} times bare")


if __name__ == "__main__":
    main()
