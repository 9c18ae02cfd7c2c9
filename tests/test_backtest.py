"""The published settlement study, computed again: every number the repository shows."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from evaluation import load_plan, run_study
from evaluation.report.tables import make_tables

PUBLISHED = Path(__file__).resolve().parents[1] / "reports" / "settlement"


@pytest.fixture(scope="module")
def computed():
    return json.loads(json.dumps(run_study(load_plan("settlement")).to_dict()))


@pytest.fixture(scope="module")
def published():
    return json.loads((PUBLISHED / "results.json").read_text(encoding="utf-8"))


def leaves(value, path=""):
    """Yield every value with its place; the length of a list is a value too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path}.length", len(value)
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{i}]")
    else:
        yield path, value


def same(a, b):
    """Whether two values are the same: numbers to 1e-8 relative, below 1e-12 is zero."""
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float):
        return type(a) is type(b) and a == b
    return isinstance(b, int | float) and math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-12)


def cells(text):
    def number(cell):
        try:
            return float(cell)
        except ValueError:
            return cell

    return [[number(c) for c in row] for row in csv.reader(io.StringIO(text))]


def test_every_number_of_the_results(computed, published):
    found, expected = dict(leaves(computed)), dict(leaves(published))
    assert found.keys() == expected.keys()
    different = [
        f"{key}: published {expected[key]!r}, computed {found[key]!r}"
        for key in expected
        if not same(found[key], expected[key])
    ]
    assert different == []
    assert sum(isinstance(v, float) for v in expected.values()) > 2000


def test_every_cell_of_the_tables(computed):
    tables = make_tables(computed, "sv")
    files = {p.stem: p for p in (PUBLISHED / "tables").glob("*.csv")}
    assert files.keys() == tables.keys()
    for key, table in tables.items():
        shown = dict(leaves(cells(files[key].read_text(encoding="utf-8"))))
        again = dict(leaves(cells(table.raw.to_csv(index=False, lineterminator="\n"))))
        assert shown.keys() == again.keys(), key
        assert [k for k in shown if not same(shown[k], again[k])] == [], key


def test_every_figure_is_published(computed):
    """Eight figures per outcome, and one each for hidden activity, the case, growth, context."""
    kinds = ("paths", "event_study", "placebo", "specifications", "neighbour_years")
    kinds += ("balance", "overlap", "horizons")
    names = {f"{k}_{o}" for k in kinds for o in computed["outcomes"]}
    files = {p.stem for p in (PUBLISHED / "figures").iterdir() if p.suffix == ".svg"}
    assert files == names | {"hidden_active", "case", "growth", "context"}


def test_the_published_study_is_the_plans(published):
    assert published["plan_hash"] == load_plan("settlement").hash()
    assert published["plan"]["estimation"]["draws"] == 9999


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.0 + 1e-7, False),
        (1, 1.0, True),
        (0.0, 1e-13, True),
        (0.0, 1e-9, False),
        (True, 1, False),
        ("a", "a", True),
        (None, 0.0, False),
        (0.0, None, False),
    ],
)
def test_the_comparison_itself(a, b, expected):
    assert same(a, b) is expected
