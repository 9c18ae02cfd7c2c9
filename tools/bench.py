"""Time the package beside its peers in one run; write reports/benchmarks.md.

Each case at each size runs in fresh processes, library by library in turn, so that what the
machine does meanwhile hits all alike. The peers that are no dependency (statspai, pyfixest) run
in ``.venv-peers``, which ``make peers`` builds; without it the report says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench_persons import measured as persons_measured
from bench_persons import person_lines
from bench_report import (
    Measured,
    Row,
    Target,
    growth_lines,
    single_lines,
    target_lines,
)

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "tools"
PEERS = ("statspai", "pyfixest")
ROUNDS = 3
PERSON_ROWS = 100_000_000
SLOW = 15.0
"""A case whose process takes longer runs once."""
OURS, BARE = "evaluation", "diff-diff"
WILD = "wild cluster bootstrap, 9,999 draws"
CS = "Callaway–Sant'Anna, event study"
SUNAB = "Sun–Abraham, event study"
IMPUTATION, TWOSTAGE = "imputation, event study", "two-stage, event study"
FIXED = "two-way fixed effects regression, clustered"
HONEST = "HonestDiD, relative magnitudes, four bounds"
LIFE_TABLES = {
    "kaplan-meier": "Kaplan–Meier from the life table",
    "incidence": "cumulative incidence from the life table",
    "gray": "Gray's test from the life table",
    "hazard": "hazard model with 290 effects from the life table",
    "hazard did": "difference-in-differences on the hazard, 999 assignments",
}
PERSONS = {"few": "174,000 persons", "many": "104 million persons"}

GROWTH = [
    Row(WILD, OURS, "wild"),
    Row(WILD, BARE, "diff-diff wild", (290,)),
    Row(WILD, "statspai", "statspai wild", (290, 2900)),
    Row(CS, OURS, "cs"),
    Row(CS, BARE, "diff-diff cs"),
    Row(CS, "statspai", "statspai cs"),
    Row(SUNAB, OURS, "sunab"),
    Row(SUNAB, BARE, "diff-diff sunab"),
    Row(SUNAB, "statspai", "statspai sunab"),
    Row(SUNAB, "pyfixest", "pyfixest sunab"),
    Row(IMPUTATION, OURS, "imputation"),
    Row(IMPUTATION, BARE, "diff-diff imputation"),
    Row(IMPUTATION, "statspai", "statspai imputation"),
    Row(TWOSTAGE, OURS, "twostage"),
    Row(TWOSTAGE, BARE, "diff-diff twostage", (290, 2900)),
    Row(TWOSTAGE, "statspai", "statspai twostage"),
    Row(TWOSTAGE, "pyfixest", "pyfixest twostage", (290, 2900)),
    Row(FIXED, OURS, "fixed effects"),
    Row(FIXED, "linearmodels", "linearmodels fixed effects"),
]
ONE = (290,)
SINGLE = [
    Row("9,999 permutations of Callaway–Sant'Anna, interval inverted", OURS, "permutation", ONE),
    Row("1,080 specifications, joint tests over 9,999 assignments", OURS, "curve", ONE),
    Row(HONEST, OURS, "honest", ONE),
    Row(HONEST, "statspai", "statspai honest", ONE),
    Row("the rule for few treated, one panel", OURS, "rule", ONE),
    Row("the rule for few treated, 1,000 panels", OURS, "rule, 1000 panels", ONE),
    Row("synthetic control, 286 placebos", OURS, "synthetic control", ONE),
    Row("fetch of 20 indicators, 15 years, a server that answers in 50 ms", OURS, "fetch", ONE),
    Row("the same from the store, hash checked", OURS, "fetch, stored", ONE),
    *(
        Row(f"{title}, {size}", OURS, f"{case}, {key}", ONE)
        for case, title in LIFE_TABLES.items()
        for key, size in PERSONS.items()
    ),
    Row("10,000 cost draws, with tornado, plane and values of information", OURS, "costs", ONE),
    Row("evaluation run settlement, HTML, PDF, DOCX", OURS, "run", ONE),
]
TARGETS = [
    Target(
        "wild bootstrap at 290, times faster than diff-diff",
        "wild",
        290,
        10,
        "diff-diff wild",
        inverse=True,
    ),
    Target("wild bootstrap at 29,000", "wild", 29000, 2.0),
    Target("wild bootstrap at 29,000", "wild", 29000, 1000, quantity="peak_mb"),
    *(
        Target(f"{name} at 29,000, beside statspai", case, 29000, 1.2, f"statspai {case}")
        for name, case in (
            ("Sun–Abraham", "sunab"),
            ("imputation", "imputation"),
            ("two-stage", "twostage"),
        )
    ),
    *(
        Target(f"Callaway–Sant'Anna at {n:,}, beside bare diff-diff", "cs", n, 1.2, "diff-diff cs")
        for n in (290, 2900, 29000)
    ),
    Target("9,999 permutations of Callaway–Sant'Anna", "permutation", 290, 3.0),
    Target("curve of 1,080 specifications with joint tests", "curve", 290, 30.0),
    Target("HonestDiD grid", "honest", 290, 1.0),
    Target("fetch of 20 indicators, 15 years, 50 ms a call", "fetch", 290, 10.0),
    Target("the same from the store", "fetch, stored", 290, 1.0),
    *(
        Target(f"{title}, {PERSONS['many']}", f"{case}, many", 290, 1.0)
        for case, title in LIFE_TABLES.items()
    ),
    Target("10,000 cost draws", "costs", 290, 1.0),
]


def peers_python() -> Path | None:
    """Return the interpreter of the peers' environment, if there is one."""
    folder = Path(os.environ.get("EVALUATION_PEERS", ROOT / ".venv-peers"))
    python = folder / "bin" / "python"
    return python if python.exists() else None


def one_thread() -> dict[str, str]:
    """Return the environment of a child: one thread, the modules of this folder."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
    return os.environ | {f"{name}_NUM_THREADS": "1" for name in names}


def run_child(python: str, module: str, case: str, units: int) -> dict[str, object]:
    """Measure one case in a process of its own."""
    done = subprocess.run(
        [python, str(TOOLS / "bench_measure.py"), module, case, str(units)],
        env=one_thread(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{case} with {units} units failed:\n{done.stderr}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_settlement() -> dict[str, object]:
    """Make the whole report of the settlement plan; the memory is the largest process's."""
    plan = str(ROOT / "plans" / "settlement.yaml")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "evaluation", "run", plan, "--out", f"{folder}/report"],
            env=one_thread(),
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            raise SystemExit(f"the settlement run failed:\n{log.read().decode()}")
    scale = 1e-6 if sys.platform == "darwin" else 1024e-6
    return {"seconds": [seconds], "peak_mb": usage.ru_maxrss * scale, "answer": float("nan")}


def measure_all(rows: Sequence[Row]) -> dict[tuple[str, int], Measured]:
    """Measure every row at every size, in rounds."""
    peers = peers_python()
    jobs = [
        (row, n) for row in rows for n in row.sizes if row.library not in PEERS or peers is not None
    ]
    runs: dict[tuple[str, int], list[dict[str, object]]] = {}
    slow: set[tuple[str, int]] = set()
    for turn in range(ROUNDS):
        for row, n in jobs:
            key = (row.case, n)
            if key in slow:
                continue
            began = time.perf_counter()
            if row.case == "run":
                found = run_settlement()
            elif row.library in PEERS:
                found = run_child(str(peers), "bench_peers", row.case, n)
            else:
                found = run_child(sys.executable, "bench_cases", row.case, n)
            runs.setdefault(key, []).append(found)
            if time.perf_counter() - began > SLOW:
                slow.add(key)
            print(f"round {turn + 1}: {row.case}, {n} units", file=sys.stderr, flush=True)
    return {
        key: Measured(
            seconds=statistics.median(s for run in found for s in run["seconds"]),
            peak_mb=statistics.median(run["peak_mb"] for run in found),
            answer=found[0]["answer"],
        )
        for key, found in runs.items()
    }


def peer_versions() -> dict[str, str]:
    """Return the versions of the peers, empty where they are not installed."""
    python = peers_python()
    if python is None:
        return {}
    code = (
        "import importlib.metadata as m, json; "
        f"print(json.dumps({{n: m.version(n) for n in {PEERS!r}}}))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def persons(rows: int, folder: Path | None) -> list[str]:
    """Measure the counting of person records, on files that are made where they are missing."""
    from person_files import write_persons

    with tempfile.TemporaryDirectory() as place:
        files = write_persons(folder or Path(place) / "persons", rows)
        return person_lines(persons_measured(files, ("bare", "narrow", "cohorts")), rows)


def report(results: dict[tuple[str, int], Measured], persons: Sequence[str] = ()) -> str:
    """Write the report."""
    peers = peer_versions()
    absent = [name for name in PEERS if name not in peers]
    own = {n: version(n) for n in ("numpy", "pandas", "scipy", "diff-diff", "linearmodels")}
    used = ", ".join(f"{name} {number}" for name, number in (own | peers).items())
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench`. Machine: {os.cpu_count()} cores; every process had one thread. "
        f"Python {platform.python_version()}, {used}"
        + (f"; not installed (`make peers`): {', '.join(absent)}." if absent else "."),
        "",
        "Simulated panels of 15 years; a tenth of the units adopts in each of three years. "
        "Medians of the runs of up to three fresh processes per case and size, the libraries in "
        "turn (one process where it takes longer than 15 s); a first run is not counted, unless "
        "it takes longer than a second. Memory is the peak of a process above what the same case "
        "needs for 30 units, the data included. Where libraries are compared, all start from the "
        "same long table, and the time of ours includes bringing it into a panel. Read the "
        "ratios; seconds depend on the machine.",
        "",
        "## Targets",
        "",
        *target_lines(TARGETS, results),
        "",
        "R's `fwildclusterboot` and `did` are not run here.",
        "",
        "## Growth",
        "",
        "The exponent is the slope of the log of time (or memory) on the log of the units; 1 is "
        "linear. Sizes marked – were not run, because they take minutes or more memory than a "
        "computer has. The answer is the effect in the year of adoption, the p-value of the "
        "bootstrap (its draws differ between libraries), or the coefficient of treatment.",
        "",
        *growth_lines(GROWTH, results, absent),
        "",
        "Our Callaway–Sant'Anna, Sun–Abraham, imputation and two-stage rows include a "
        "simultaneous band from 999 draws, which the others do not compute.",
        "",
        "## One size",
        "",
        "290 units, four of them treated, in two years (HonestDiD: the middle cohort of the panel "
        "above, five years before and after). The memory of the settlement run is that of its "
        "largest process, imports included.",
        "",
        *single_lines(SINGLE, results, absent),
        "",
    ]
    if persons:
        lines += ["## Person records", "", *persons, ""]
    return "\n".join(lines)


def main() -> None:
    """Run all, or the cases with a word in their name, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", metavar="WORD", help="cases with this in their name; print, do not write"
    )
    parser.add_argument(
        "--persons",
        metavar="ROWS",
        type=lambda text: int(float(text)),
        default=PERSON_ROWS,
        help="rows of person records (13 bytes of disk each); 0 leaves them out",
    )
    parser.add_argument(
        "--person-files", metavar="FOLDER", type=Path, help="files of these rows, made before"
    )
    given = parser.parse_args()
    only = given.only
    rows = [row for row in [*GROWTH, *SINGLE] if not only or only in row.case]
    counted = persons(given.persons, given.person_files) if given.persons and not only else []
    text = report(measure_all(rows), counted)
    if not only:
        target = ROOT / "reports" / "benchmarks.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
