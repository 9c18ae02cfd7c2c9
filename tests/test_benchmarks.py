"""The benchmark's own arithmetic, and that what it compares is the same quantity; no timings."""

import importlib
import re
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"
UNITS = 40


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    yield importlib.import_module
    for name in [n for n in sys.modules if n.startswith("bench")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("ours", "bare"),
    [
        ("cs", "diff-diff cs"),
        ("sunab", "diff-diff sunab"),
        ("imputation", "diff-diff imputation"),
        ("twostage", "diff-diff twostage"),
        ("fixed effects", "linearmodels fixed effects"),
    ],
)
def test_what_is_compared_gives_the_same_number(tool, ours, bare):
    cases = tool("bench_cases").CASES
    # linearmodels absorbs two effects by iteration
    assert cases[ours](UNITS)() == pytest.approx(cases[bare](UNITS)(), abs=1e-8)


def test_wild_bootstraps_test_the_same_coefficient(tool):
    cases = tool("bench_cases").CASES
    ours, bare = (cases[name](UNITS)() for name in ("wild", "diff-diff wild"))
    # two sets of 9,999 draws: four standard errors of the difference at most
    assert abs(ours - bare) < 4 * (2 * 0.25 / 9999) ** 0.5


def test_every_row_and_target_has_a_case(tool):
    bench, own, peers = (tool(n) for n in ("bench", "bench_cases", "bench_peers"))
    rows = [*bench.GROWTH, *bench.SINGLE]
    for row in rows:
        cases = peers.CASES if row.library in bench.PEERS else own.CASES
        assert row.case in cases or row.case == "run"
    measured = {(row.case, n) for row in rows for n in row.sizes}
    for target in bench.TARGETS:
        assert (target.case, target.units) in measured
        assert not target.beside or (target.beside, target.units) in measured
    named = {row.case for row in rows}
    assert {*own.CASES, *peers.CASES} <= named


def test_the_data_are_the_same_each_time_and_balanced(tool):
    data = tool("bench_data")
    one = data.long_table(UNITS)
    assert one.equals(data.long_table(UNITS))
    assert len(one) == UNITS * data.YEARS
    by_unit = one.groupby("unit")["cohort"].first()
    assert by_unit.value_counts().to_dict() == {0: 28, 2015: 4, 2018: 4, 2021: 4}


def test_exponent(tool):
    exponent = tool("bench_report").exponent
    assert exponent([290, 2900, 29000], [3.0, 30.0, 300.0]) == pytest.approx(1)
    # by hand: logs 0, 1, 4 over 0, 1, 2 have slope 2
    assert exponent([1, 10, 100], [1.0, 10.0, 10000.0]) == pytest.approx(2)


def test_a_run_is_measured_with_its_answer(tool):
    measure = tool("bench_measure")
    seen = []

    def prepare(units):
        seen.append(units)
        return lambda: units / 4

    found = measure.measure(prepare, 10)
    assert seen == [measure.WARM_UP, 10]
    assert found["answer"] == 2.5
    assert len(found["seconds"]) == measure.RUNS - 1
    assert found["peak_mb"] >= 0


def test_memory_is_that_of_the_run(tool):
    measure = tool("bench_measure")

    def prepare(units):
        # a byte each, touched, so that it is really held
        return lambda: float(len(bytearray(b"x" * units)))

    before = measure.peak_mb()
    found = measure.measure(prepare, int((before + 200) * 1e6))
    assert found["peak_mb"] >= 200


def test_targets_are_judged(tool):
    r = tool("bench_report")
    results = {
        ("a", 290): r.Measured(0.5, 900.0, 1.0),
        ("b", 290): r.Measured(6.0, 10.0, 1.0),
    }
    targets = [
        r.Target("fast", "a", 290, 1.0),
        r.Target("slow", "b", 290, 1.0),
        r.Target("small", "a", 290, 800, quantity="peak_mb"),
        r.Target("times", "a", 290, 10, "b", inverse=True),
        r.Target("beside", "b", 290, 1.2, "a"),
        r.Target("unknown", "c", 290, 1.0),
    ]
    lines = r.target_lines(targets, results)[2:]
    assert [re.split(r" \| ", line.strip("| "))[2:] for line in lines] == [
        ["0.5 s", "yes"],
        ["6 s", "**no**"],
        ["900 MB", "**no**"],
        ["12×", "yes"],
        ["12×", "**no**"],
        ["not measured", "–"],
    ]


def test_tables_say_what_is_not_installed_and_not_run(tool):
    r = tool("bench_report")
    rows = [
        r.Row("x", "ours", "a"),
        r.Row("x", "library", "b", (290,)),
        r.Row("x", "peer", "c"),
    ]
    results = {("a", n): r.Measured(n / 1000, n / 100, 0.25) for n in r.SIZES}
    results["b", 290] = r.Measured(2.0, 0.0, 0.25)
    table = r.growth_lines(rows, results, ["peer"])
    width = table[0].count("|")
    assert all(line.count("|") == width for line in table)
    ours, library, peer = table[2:]
    assert ours == ("| x | ours | 0.29 | 2.9 | 29 | 1.00 | 3 | 29 | 290 | 1.00 | 0.250000 |")
    assert library == "| x | library | 2 | – | – | – | 0 | – | – | – | 0.250000 |"
    assert peer.startswith("| x | peer | not installed |")
    single = r.single_lines([rows[1], rows[2]], results, ["peer"])
    assert single[2] == "| x | library | 2 | 0 | 0.2500 |"
    assert single[3] == "| x | peer | not installed | | |"


def test_peers_are_pinned_without_an_address():
    lines = (TOOLS / "peers.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"[a-z0-9-]+==[\w.]+( ;|$)", line) for line in lines)
    assert "statspai==1.40.2" in lines
    assert any(line.startswith("pyfixest==") for line in lines)
    assert "://" not in "".join(lines)
