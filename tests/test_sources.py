"""What a plan's outcomes are read from: only the plan's years, only what it says it is."""

import html
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.data.observations import SIMULATED
from evaluation.data.places import codes
from evaluation.data.reading import Layout, read_observations
from evaluation.data.registry import REGISTRY
from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore, export
from evaluation.data.twin import simulate
from evaluation.errors import InputError
from evaluation.plan import SimulatedData, plan_from_dict
from evaluation.questions.study import run_study
from evaluation.report.bundle import write_report

runner = CliRunner()

PLANS = Path(__file__).parents[1] / "plans"
YEARS = range(2008, 2021)


def content(name="day_one", **changed):
    return yaml.safe_load((PLANS / f"{name}.yaml").read_text("utf-8")) | changed


def kolada(years, outcomes, **more):
    return plan_from_dict(
        content(data={"source": "kolada", "years": years, **more}, outcomes=outcomes), file="p.yaml"
    )


def put(store, **changed):
    """Keep made-up figures of every municipality: persons received, remaining, assistance."""
    places = sorted(codes())
    cells = [
        (indicator, code, year, "T", level + n % 7 + year % 3, "observed")
        for indicator, level in (("N01986", 50.0), ("N00732", 30.0), ("U31001", 900.0))
        for n, code in enumerate(places)
        for year in YEARS
    ]
    cells += [
        ("N01951", code, year, "T", 10_000.0, "observed") for code in places for year in YEARS
    ]
    frame = pd.DataFrame(cells, columns=["indicator", "code", "year", "sex", "value", "state"])
    said = {"name": "day_one", "source": "Kolada", "request": {"kpi": ["U31001"]}}
    said |= dict.fromkeys(("licence_sv", "licence_en", "citation_sv", "citation_en"), "Kolada")
    return store.put(frame, **said | changed)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    put(store)
    return store


@pytest.mark.parametrize(
    ("outcome", "years", "right"),
    [
        ("U31001", [2013, 2018], list(range(2013, 2019))),
        # the persons received three years earlier lie before the plan's first year
        ("retention_3_years", [2013, 2018], list(range(2013, 2019))),
        # the source begins later and ends earlier than the plan
        ("U31001", [2000, 2030], list(YEARS)),
        ("retention_3_years", [2008, 2020], list(range(2011, 2021))),
    ],
)
def test_a_snapshot_with_more_years_gives_the_plans_own(store, outcome, years, right):
    panel = open_sources(kolada(years, [outcome]), store=store).outcome(0).panel
    assert list(panel.years) == right
    assert list(panel.weights.columns) == right
    assert len(panel.units) == 290


def test_a_snapshot_without_a_value_in_the_plans_years_is_refused(store):
    with pytest.raises(InputError, match=r"p\.yaml.*outcomes.*no observed value in 2022–2025"):
        open_sources(kolada([2022, 2025], ["U31001"]), store=store).outcome(0)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"notes": ["the file says SIMULATED / SIMULERADE DATA"]}, "is SIMULATED / SIMULERADE"),
        (
            {"source": "Migrationsverket"},
            "is of Migrationsverket, and the plan says source: kolada",
        ),
    ],
)
def test_a_snapshot_that_is_not_kolada_s_is_not_taken_for_it(tmp_path, changed, says):
    store = SnapshotStore(tmp_path)
    kept = put(store, **changed)
    for pinned in ({}, {"snapshot": kept.id}):
        with pytest.raises(InputError, match=rf"p\.yaml, field data: .*{says}"):
            open_sources(kolada([2010, 2020], ["U31001"], **pinned), store=store)


def test_a_plan_without_its_snapshot_names_its_file(tmp_path):
    empty = SnapshotStore(tmp_path)
    with pytest.raises(InputError, match=r"p\.yaml, field data: nothing was fetched"):
        open_sources(kolada([2010, 2020], ["U31001"]), store=empty)
    with pytest.raises(InputError, match=r"p\.yaml, field data\.snapshot: there is no snapshot"):
        open_sources(kolada([2010, 2020], ["U31001"], snapshot="0" * 12), store=empty)


# simulated data do not lose their name

OWN = {"id": "own", "file": "own.csv", "label": {"sv": "a", "en": "a"}, "source": "Kolada"}
OWN |= {"unit": {"sv": "procent", "en": "per cent"}}


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin") / "twin"
    settings = SimulatedData(seed=1, persons=False, years=(2008, 2019), adoption=(2012, 2015))
    return simulate(settings).write(folder)


@pytest.mark.parametrize("file", ["observations.csv", "observations.parquet"])
def test_a_file_of_the_twin_stays_simulated_as_snapshot_and_as_export(twin, tmp_path, file):
    told = ["--indicator", "N00973", "--source", "Kolada", "--name", "day_one"]
    call = ["data", "import", str(twin / file), *told, "--store", str(tmp_path)]
    found = runner.invoke(app, call)
    assert found.exit_code == 0, found.output
    kept = SnapshotStore(tmp_path).get("day_one")
    assert kept.provenance.simulated
    for suffix in (".csv", ".xlsx", ".parquet"):
        again = read_observations(
            export(kept, tmp_path / f"again{suffix}"),
            indicator="N00973",
            layout=Layout(sheet="SIMULATED" if suffix == ".xlsx" else None),
        )
        assert again.simulated, suffix
        assert len(again.frame) == kept.provenance.rows


def test_a_file_of_the_twin_is_no_outcome_of_a_real_plan(twin, tmp_path):
    table = pd.read_csv(twin / "observations.csv", dtype={"code": str})
    table = table[(table["indicator"] == "U31001") & (table["sex"] == "T")]
    plain = table[["code", "year", "value", "data"]]
    plain.to_csv(tmp_path / "own.csv", index=False)
    plain.rename(columns={"value": "antal"}).to_csv(tmp_path / "laid_out.csv", index=False)
    for entry in (OWN, OWN | {"file": "laid_out.csv", "columns": {"value": "antal"}}):
        plan = plan_from_dict(
            content("settlement", outcomes=[entry], case=None), file=str(tmp_path / "p.yaml")
        )
        with pytest.raises(InputError, match=r"outcomes\[1\]\.file: says SIMULATED / SIMULERADE"):
            open_sources(plan).outcome(0)
    plain.drop(columns="data").to_csv(tmp_path / "own.csv", index=False)
    plan = plan_from_dict(
        content("settlement", outcomes=[OWN], case=None), file=str(tmp_path / "p.yaml")
    )
    assert not open_sources(plan).outcome(0).reading.simulated


def test_a_real_file_is_no_outcome_of_a_simulated_plan(tmp_path):
    simulated = content("day_one_simulated", outcomes=["N00973", OWN])
    with pytest.raises(InputError, match=r"outcomes\[2\]\.file: is a file; an outcome of a sim"):
        open_sources(plan_from_dict(simulated, file=str(tmp_path / "p.yaml"))).outcome(1)


def test_the_source_line_is_of_neither_language():
    words = re.compile(r"\b(egen|beräkning|ur|och|källa|frö)\b|\b(own|of|and|source|seed)\b", re.I)
    for entry in REGISTRY.values():
        assert not words.search(entry.source), entry.id
    sources = open_sources(plan_from_dict(content("day_one_simulated")))
    assert sources.outcome(3).indicator.source == f"{SIMULATED}, {sources.twin.hash[:12]}"


def test_the_cost_without_refugee_households_cannot_stand_alone():
    with pytest.raises(InputError, match=r"p\.yaml, field outcomes: N31001 cannot stand alone"):
        run_study(plan_from_dict(content("day_one_simulated", outcomes=["N31001"]), file="p.yaml"))


def test_what_a_file_says_is_shown_and_not_carried_out(tmp_path):
    """Neither HTML nor Markdown in the report, nor formulas in its tables, come from a file."""
    texts = ["Källa: <b>fet</b> [länk](javascript:a) ![bild](x.png) *a_b* Åre", "=1+1", "@SUM(1)"]
    years = range(2010, 2021)
    lines = [f"{c},{y},{int(c) * (y - 2000) % 97}" for c in sorted(codes()) for y in years]
    lines += [f"{text},2015,1" for text in texts]
    (tmp_path / "own.csv").write_text("kod,år,antal\n" + "\n".join(lines), "utf-8")
    changed = content("settlement", outcomes=[OWN], case=None, context=[])
    changed["estimation"]["draws"] = 99
    plan = plan_from_dict(changed, file=str(tmp_path / "p.yaml"))
    out = write_report(plan, tmp_path / "report", formats=("html",))
    table = pd.read_csv(out / "tables" / "rejected_own.csv")
    assert [text.split(" | ")[0] for text in table["text"]] == [texts[0], "'=1+1", "'@SUM(1)"]
    page = " ".join((out / "report.html").read_text("utf-8").split())
    assert html.escape(texts[0], quote=False) in page


def test_a_plan_that_was_widened_after_the_fetch_is_told(tmp_path):
    rows = pd.DataFrame(
        {
            "indicator": "U31001",
            "code": "2321",
            "year": [2015, 2016],
            "sex": "T",
            "value": [1.0, 2.0],
            "state": "observed",
        }
    )
    store = SnapshotStore(tmp_path)
    about = dict.fromkeys(("licence_sv", "licence_en", "citation_sv", "citation_en"), "x")
    request = {"years": {"U31001": [2015, 2016]}}
    store.put(rows, name="wide", source="Kolada", request=request, **about)
    content = yaml.safe_load((PLANS / "day_one.yaml").read_text("utf-8")) | {
        "name": "wide",
        "outcomes": ["U31001"],
        "data": {"source": "kolada", "years": [2015, 2018]},
    }
    with pytest.raises(InputError, match=r"data.years: .* without U31001 for 2017–2018; fetch"):
        open_sources(plan_from_dict(content), store=store)
    content["data"]["years"] = [2015, 2016]
    assert open_sources(plan_from_dict(content), store=store).snapshot.name == "wide"


def test_yes_and_no_are_taken_as_per_cent_of_yes():
    plan = plan_from_dict(
        content("day_one_simulated", outcomes=["U30464", "N00973"], costs=None), file="p.yaml"
    )
    sources = open_sources(plan)
    flag, share = sources.outcome(0), sources.outcome(1)
    assert set(flag.panel.values.to_numpy().ravel()) == {0.0, 100.0}
    high = flag.panel.bounds.high.to_numpy()
    assert set(high[pd.notna(high)]) == {0.0, 100.0}
    i = flag.indicator
    assert (i.unit_sv, i.change_sv) == ("procent ja", "procentenheter")
    assert (i.unit_en, i.change_en) == ("per cent yes", "percentage points")
    assert (i.lowest, i.highest) == (0, 100)
    # the series itself and every other outcome stay as they are
    assert REGISTRY["U30464"].unit_en == "yes 1 or no 0"
    assert share.indicator.unit_en == REGISTRY["N00973"].unit_en
    stored = sources.observations
    stored = stored[(stored["indicator"] == "U30464") & stored["value"].notna()]
    assert set(stored["value"]) == {0.0, 1.0}


def test_an_own_outcome_whose_label_has_its_article_gets_no_second(tmp_path):
    rows = [(c, y, 3 + i % 7) for i, c in enumerate(codes()) for y in range(2010, 2020)]
    pd.DataFrame(rows, columns=["kommun", "år", "värde"]).to_csv(tmp_path / "o.csv", index=False)
    own = {
        "id": "mine", "file": "o.csv", "source": "S", "label": {"sv": "mått", "en": "the measure"},
        "unit": {"sv": "procent", "en": "per cent"},
        "columns": {"code": "kommun", "year": "år", "value": "värde"},
    }  # fmt: skip
    plan = plan_from_dict(content("settlement", outcomes=[own]), file=str(tmp_path / "p.yaml"))
    assert open_sources(plan).outcome(0).indicator.label_en == "measure"
