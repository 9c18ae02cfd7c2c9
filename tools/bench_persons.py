"""Time person records against DuckDB alone: python tools/bench_persons.py FOLDER [ROWS] [spark].

The files are made where they are missing. Bare is what a hand would write in SQL to get the same
counts: spells, leavers with statuses, assistance by its first month and by the month after its
last. It reads the same columns: of those that only the conditions on a row need it takes the
count and the bounds. It looks at no row's quality. «narrow» is bare without those columns.
Each runs in a process of its own, in turn, the order changed; memory is the process's peak. With
``spark`` the counts of both engines are compared, cell by cell, instead.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
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
    "begins": """SELECT residence_code, sex, datediff('month', TIMESTAMP '2000-01-01',
        assisted_from) AS b, count(*) AS n, sum(assisted_kronor) AS kronor,
        max(assisted_kronor) AS most FROM persons WHERE assisted_months > 0 GROUP BY ALL""",
    "ended": """SELECT residence_code, sex, datediff('month', TIMESTAMP '2000-01-01',
        assisted_from) + assisted_months AS e, count(*) AS n, sum(assisted_kronor) AS kronor,
        max(assisted_kronor) AS most FROM persons WHERE assisted_months > 0 GROUP BY ALL""",
}
LOOK = "SELECT " + ", ".join(
    f"count({c}), min({c}), max({c})"
    for c in ("person", "age", "programme_start", "destination_code", "data")
)


def _bare(folder: Path, look: bool = True) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '3GB'; SET preserve_insertion_order = false")
    connection.execute(f"CREATE VIEW persons AS SELECT * FROM read_parquet('{folder}/*.parquet')")
    for sql in BARE.values():
        connection.execute(sql).to_arrow_table()
    if look:
        connection.execute(f"{LOOK} FROM persons").to_arrow_table()


def _count(folder: Path, engine: str) -> None:
    from evaluation.data.persons import cohorts

    cohorts(folder, until=UNTIL, engine=engine)  # type: ignore[arg-type]


def _same(folder: Path) -> None:
    """Compare the engines' counts; an assertion says where they differ."""
    import pandas as pd

    from evaluation.data.persons import cohorts

    found, seconds = {}, {}
    for engine in ("duckdb", "spark"):
        start = time.perf_counter()
        found[engine] = cohorts(folder, until=UNTIL, engine=engine)  # type: ignore[arg-type]
        seconds[engine] = time.perf_counter() - start
    duck, spark = found.values()
    assert duck.quality == spark.quality, (duck.quality, spark.quality)
    cells = 0
    for name in ("panel", "life_tables", "costs"):
        one, two = (getattr(c, name).table for c in (duck, spark))
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        cells += one.size
    print(f"equal in {cells:,} cells of {duck.quality.rows:,} rows", flush=True)
    print({k: round(v, 1) for k, v in seconds.items()})


WHAT = {
    "bare": _bare,
    "narrow": lambda folder: _bare(folder, look=False),
    "cohorts": lambda folder: _count(folder, "duckdb"),
    "spark": lambda folder: _count(folder, "spark"),
}


def measure(what: str, folder: Path) -> dict[str, float]:
    """Run one thing in a process of its own; seconds, processor seconds, gigabytes."""
    call = [sys.executable, __file__, str(folder), "--alone", what]
    return dict(json.loads(subprocess.run(call, capture_output=True, check=True).stdout))


def measured(folder: Path, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Run each twice, in turn and back again; return the least of each figure."""
    found: dict[str, list[dict[str, float]]] = {n: [] for n in names}
    for name in (*names, *names[::-1]):
        found[name].append(measure(name, folder))
        said = ", ".join(f"{v:.1f} {k}" for k, v in found[name][-1].items())
        print(f"{name}: {said}", file=sys.stderr, flush=True)
    return {
        name: {what: min(run[what] for run in runs) for what in runs[0]}
        for name, runs in found.items()
    }


def person_lines(best: Mapping[str, Mapping[str, float]], rows: int) -> list[str]:
    """Return the section of the report on person records."""
    titles = {
        "narrow": "DuckDB alone, by hand: spells, leavers, assistance begun and ended",
        "bare": "the same, and count and bounds of the columns that only conditions need",
        "cohorts": "`evaluation.data.persons.cohorts`: panel, life tables, cost flows, quality",
    }
    lines = [
        f"{rows:,} simulated rows in Parquet files, one in 1,000 faulty; two threads, each run in "
        "a process of its own, imports included; the least of two runs, in turn and back again. "
        "DuckDB alone looks at no row's quality, and has 3 GB; ours has its default limit.",
        "",
        "| what | seconds | processor seconds | peak, MB |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {title} | {best[n]['seconds']:.1f} | {best[n]['cpu']:.1f} "
            f"| {1000 * best[n]['gigabytes']:.0f} |"
            for n, title in titles.items()
            if n in best
        ),
        "",
        "| target | bound | measured | met |",
        "| --- | ---: | ---: | --- |",
    ]
    ours, bare = best["cohorts"], best["bare"]
    checks = [
        ("seconds, beside DuckDB alone", 1.3, ours["seconds"] / bare["seconds"], "×"),
        ("processor seconds, beside DuckDB alone", 1.3, ours["cpu"] / bare["cpu"], "×"),
        ("peak memory", 1000, 1000 * ours["gigabytes"], " MB"),
    ]
    for title, bound, value, unit in checks:
        verdict = "yes" if value <= bound else "**no**"
        lines.append(f"| {title} | ≤ {bound:g}{unit} | {value:.3g}{unit} | {verdict} |")
    return lines


def main() -> None:
    """Make the files, measure in turn, print the least of each and the ratio."""
    folder = Path(sys.argv[1])
    if "--alone" in sys.argv:
        start, used = time.perf_counter(), time.process_time()
        WHAT[sys.argv[-1]](folder)
        # kilobytes, and bytes on a Mac
        scale = 1e-9 if sys.platform == "darwin" else 1024e-9
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        print(json.dumps({"seconds": wall, "cpu": cpu, "gigabytes": peak}))
        return
    from person_files import write_persons

    rows = int(float(sys.argv[2])) if len(sys.argv) > 2 else 5_000_000
    write_persons(folder, rows)
    if "spark" in sys.argv:
        _same(folder)
        return
    print("\n".join(person_lines(measured(folder, ("bare", "narrow", "cohorts")), rows)))


if __name__ == "__main__":
    main()
