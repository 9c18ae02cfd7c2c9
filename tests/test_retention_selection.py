"""Bounds of the effect on what is seen only of those who stay: by hand, by truth, and held back."""

import json

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from evaluation import SimulatedData, simulate
from evaluation.cli.retention import attach
from evaluation.data.disclosure import Rules
from evaluation.errors import InputError
from evaluation.estimation.survival.lee_bounds import lee_bounds
from evaluation.questions.retention.answer import retention
from evaluation.questions.retention.reading import read_retention
from evaluation.questions.retention.selection import with_selection
from evaluation.report.retention_files import write_retention

app = typer.Typer()
attach(app)


@app.command()
def other():
    """Make a group of the commands, as in the real one."""


def run(*arguments):
    found = CliRunner().invoke(app, ["retention", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


def people(groups):
    """Return person records from (code, received, moved, value, how many)."""
    rows = [g[:4] for g in groups for _ in range(g[4])]
    out = pd.DataFrame(rows, columns=["received_code", "received", "moved", "work"])
    return out.assign(move=np.where(out["moved"].isna(), None, "elsewhere"), sex="K")


def group(code, year, *, left, yes, no, blank=0):
    """Return one municipality's people of one year: who left, and what the others answer."""
    day = f"{year}-01-15"
    return [
        (code, day, f"{year + 1}-01-15", 1.0, left),
        (code, day, None, 1.0, yes),
        (code, day, None, 0.0, no),
        (code, day, None, None, blank),
    ]


STAY = [
    # active: 80 of 100 stay in each, 60 of them in work; the others: 60 of 100, 30 of them
    *group("0114", 2012, left=20, yes=60, no=20),
    *group("0115", 2012, left=20, yes=60, no=20),
    *group("0117", 2012, left=40, yes=30, no=30),
    *group("0120", 2012, left=40, yes=30, no=30),
    # too late to be followed for three years
    *group("0114", 2016, left=10, yes=10, no=10),
    *group("0117", 2016, left=10, yes=10, no=10),
]


@pytest.fixture
def files(tmp_path):
    def write(groups=STAY, starts=("0114", "0115"), **columns):
        people(groups).assign(**columns).to_parquet(tmp_path / "persons.parquet")
        stance = pd.DataFrame({"code": starts, "start": "2010"})
        stance.to_csv(tmp_path / "stance.csv", index=False)
        return tmp_path / "persons.parquet", tmp_path / "stance.csv"

    return write


def asked(path, stance, outcome="work", until="2017-12", **options):
    data = read_retention(path, until=until)
    found = retention(data, horizon=36, step=12, **options)
    return with_selection(found, path, outcome, stance=stance, until=until).selection


def test_bounds_by_hand(files):
    found = asked(*files())
    b = found.bounds
    # a quarter of the active's stayers is trimmed: of 60 yes and 20 no, 20 no or 20 yes go
    assert b.trimmed == pytest.approx(0.25)
    assert (b.lower, b.upper) == (round(100 * 40 / 60 - 50, 1), 100 - 50)
    assert b.naive == pytest.approx(25)
    assert (b.stay_treated, b.stay_comparison) == pytest.approx((0.8, 0.6))
    assert (b.n_treated, b.n_comparison, b.n_clusters) == (200, 200, 4)
    assert found.cohorts == (2012, 2012)
    counts = found.released.tidy().set_index(["exposed", "status"])["n"]
    assert counts["1", "later_left"] == 10
    assert counts["all", "yes"] == 180
    assert "between +16.7 and +50.0 percentage points" in found.sentence("en")
    assert "mellan +16,7 och +50,0 procentenheter" in found.sentence("sv")
    assert found.checks[0].passed is False
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_stayer_without_a_value_is_not_seen_and_a_leaver_s_value_is_not_read(files):
    blank = [*STAY[:-8], *group("0117", 2012, left=0, yes=0, no=0, blank=20), *STAY[-8:]]
    found = asked(*files(blank))
    assert found.bounds.stay_comparison == round(120 / 220, 3)
    counts = found.released.tidy().set_index(["exposed", "status"])["n"]
    assert counts["0", "no_value"] == 20
    # 80 leavers of the followed said yes, and are nowhere in it
    assert counts["all", "known"] == 280


def test_words_count_as_yes_when_named(files):
    path, stance = files()
    frame = pd.read_parquet(path)
    frame["work"] = frame["work"].map({1.0: "Work", 0.0: "neither"})
    frame.to_parquet(path)
    assert asked(path, stance, "work=work,neither").bounds.naive == pytest.approx(0)
    assert asked(path, stance, "work=work").bounds.naive == pytest.approx(25)
    with pytest.raises(InputError, match="field work: never has the value 'studies'"):
        asked(path, stance, "work=work,studies")
    with pytest.raises(InputError, match=r"row 2, field work: is neither yes nor no"):
        asked(path, stance)


@pytest.mark.parametrize(
    "groups",
    [
        # three of the others said no
        [
            *STAY[:8],
            *group("0117", 2012, left=40, yes=60, no=0),
            *group("0120", 2012, left=40, yes=57, no=3),
            *STAY[16:],
        ],
        # two of those received too late moved: the life table's total less those who are counted
        [*STAY[:20], *group("0117", 2016, left=2, yes=10, no=10)],
    ],
)
def test_small_counts_hold_the_bounds_back(files, groups):
    found = asked(*files(groups))
    assert (found.bounds, found.released) == (None, None)
    assert found.held_back == "a group has small numbers"
    assert found.held_back in found.sentence("en")
    assert "små tal" in found.sentence("sv")
    assert "trimmed" not in json.dumps(found.to_dict())
    # a lower threshold, and they are given
    assert asked(*files(groups), rules=Rules(k=2)).bounds is not None


def test_a_life_table_that_hides_something_holds_them_back(files):
    # three left in the second year, one more kind of step: hidden in the life table
    late = [("0114", "2012-01-15", "2014-06-15", 1.0, 3)]
    path, stance = files([*STAY, *late])
    data = read_retention(path, until="2017-12")
    found = retention(data, horizon=36, step=12)
    assert not found.life.whole
    told = with_selection(found, path, "work", stance=stance, until="2017-12").selection
    assert told.bounds is None
    assert told.held_back == "numbers of the life table are hidden"


def test_one_active_municipality_has_no_error(files):
    found = asked(*files(starts=("0114",)))
    assert found.bounds is None
    assert found.held_back == "a side has fewer than two municipalities"


def test_what_cannot_be_bounded_is_refused(files, tmp_path):
    path, stance = files()
    with pytest.raises(InputError, match="field wage: the column is missing"):
        asked(path, stance, "wage")
    data = read_retention(path, until="2017-12")
    found = retention(data, horizon=36, step=12)
    with pytest.raises(InputError, match="nobody was received 36 months before"):
        with_selection(found, path, "work", stance=stance, until="2014-06")
    with pytest.raises(InputError, match="field --outcome: needs --stance"):
        run("--data", path, "--outcome", "work")
    with pytest.raises(InputError, match="no --over-time"):
        run("--data", path, "--outcome", "work", "--stance", stance, "--over-time")
    data.table.tidy().to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="this is a life table"):
        run("--data", tmp_path / "table.csv", "--outcome", "work", "--stance", stance, "--step", 12)
    frame = pd.read_parquet(path)
    frame["observed_until"] = None
    frame.loc[[0, 40], "observed_until"] = "2014-06-01"  # the first had left by then
    frame.to_parquet(path)
    with pytest.raises(InputError, match=r"row 42, field observed_until: was not followed"):
        asked(path, stance)


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    found = simulate(SimulatedData(seed=3, years=(2008, 2018), adoption=(2011, 2013)))
    p = found.persons
    p = p[p["received_code"].astype(str) < "0600"].reset_index(drop=True)
    p.to_parquet(folder / "persons.parquet")
    found.stance.to_csv(folder / "stance.csv", index=False)
    return p, found.stance, folder


def test_the_command_gives_bounds_of_the_twin(twin, tmp_path):
    p, stance, folder = twin
    arguments = ["--data", folder / "persons.parquet", "--stance", folder / "stance.csv",
                 "--outcome", "status_1_year=work,studies", "--draws", 19]  # fmt: skip
    d = json.loads(run(*arguments, "--json", "--out", tmp_path / "out"))["selection"]
    written = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert written["selection"] == d
    # the same from the records themselves
    stance = stance.dropna(subset="coded_year")
    month = 12 * stance["coded_year"].astype(int) + stance["coded_month"].astype(int) - 1
    start = p["received_code"].astype(str).map(dict(zip(stance["code"], month, strict=True)))
    received = 12 * p["received"].dt.year + p["received"].dt.month - 1
    moved = 12 * p["moved"].dt.year + p["moved"].dt.month - 1
    use = p["received"].dt.year <= 2015
    seen = ~((moved - received).clip(lower=1) <= 36) & p["status_1_year"].notna()
    b = lee_bounds(
        100.0 * p["status_1_year"].isin(["work", "studies"])[use].to_numpy(),
        seen[use].to_numpy(),
        (received >= start)[use].to_numpy(),
        cluster=p["received_code"].astype(str)[use].to_numpy(),
    )
    shown = d["bounds"]
    assert (shown["lower"], shown["upper"]) == (round(b.lower, 1), round(b.upper, 1))
    assert shown["conf_int"] == [round(x, 1) for x in b.conf_int]
    assert shown["bounds_conf_int"] == [round(x, 1) for x in b.bounds_conf_int]
    assert shown["std_errors"] == [float(f"{x:.2g}") for x in b.std_errors]
    assert shown["trimmed"] == round(b.trimmed, 3)
    assert d["bounds"]["data_hash"] != b.data_hash


def test_the_command_says_it_to_people(files):
    path, stance = files()
    said = run("--data", path, "--stance", stance, "--outcome", "work", "--step", 12,
               "--until", "2017-12", "--lang", "sv")  # fmt: skip
    assert "Bland dem som hade stannat i båda fallen ligger effekten mellan" in said
    assert "Gränsernas intervall vilar på 2 aktiva kommuner mot 2" in said


def test_the_folder_takes_only_counts_that_were_released(files, tmp_path):
    path, stance = files()
    data = read_retention(path, until="2017-12")
    found = with_selection(
        retention(data, horizon=36, step=12), path, "work", stance=stance, until="2017-12"
    )
    object.__setattr__(found.selection, "released", pd.DataFrame({"n": [1]}))
    with pytest.raises(InputError, match="may not be written"):
        write_retention(found, tmp_path / "out")
