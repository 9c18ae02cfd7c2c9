"""The day-one plan from a server to a verified report on the twin's figures; the simulated plan."""

import csv
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from kolada_server import serving

from evaluation.data.embedded import municipalities
from evaluation.data.fetch import fetch_plan
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.design.exposure import first_treated_year
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.plan import SimulatedData, plan_from_dict
from evaluation.questions.study import run_study
from evaluation.questions.truth import real_att
from evaluation.report.bundle import write_report
from evaluation.report.verify import verify

PLANS = Path(__file__).parents[1] / "plans"
WORDS = "SIMULATED / SIMULERADE DATA"
STATUS = {"observed": "", "suppressed": "Private", "missing": "Missing"}


def content(name, **changed):
    return yaml.safe_load((PLANS / f"{name}.yaml").read_text("utf-8")) | changed


def short(name, outcomes, **changed):
    """Return a plan of the project with few draws and outcomes."""
    plan = content(name, outcomes=outcomes, **changed)
    plan["estimation"]["draws"] = 199
    # the costs rest on outcomes that a shortened plan need not have
    plan.pop("costs", None)
    return plan


@pytest.fixture(scope="module")
def twin():
    return simulate(SimulatedData(seed=7, persons=False))


@pytest.fixture(scope="module")
def kolada(twin):
    """Serve the twin's figures as the service would."""
    cells = {}
    o = twin.observations
    for i, c, y, s, v, state in zip(
        o["indicator"], o["code"], o["year"], o["sex"], o["value"], o["state"], strict=True
    ):
        cells.setdefault((i, c, y), []).append(
            {
                "gender": s,
                "count": 1,
                "status": STATUS[state],
                "value": None if np.isnan(v) else v,
                "isdeleted": False,
            }
        )

    def entry(kpi, code, year):
        values = cells.get((kpi, code, year))
        if values is None:
            return None
        return {"kpi": kpi, "municipality": code, "period": year, "values": values}

    with serving() as server:
        server.entry = entry
        yield server


@pytest.fixture(scope="module")
def plan():
    data = {"source": "kolada", "years": [2012, 2025]}
    outcomes = ["N00973", {"indicator": "N00973", "sex": "K"}, "U31001"]
    return plan_from_dict(short("day_one", outcomes, data=data))


@pytest.fixture(scope="module")
def store(kolada, plan, tmp_path_factory):
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    fetch_plan(plan, store, client=KoladaClient(kolada.url, rate=None))
    return store


@pytest.fixture(scope="module")
def report(plan, store, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "report"
    return write_report(plan, out, lang="en", formats=("html",), store=store)


@pytest.fixture(scope="module")
def results(report):
    return json.loads((report / "results.json").read_text("utf-8"))


def test_what_is_fetched_is_what_the_source_has(twin, plan, store):
    found = store.latest("day_one").observations()
    assert sorted(found["indicator"].unique()) == ["N00964", "N00973", "N01951", "U31001"]
    keys = ["indicator", "code", "year", "sex"]
    both = found.merge(twin.observations, on=keys, suffixes=("", "_twin"))
    assert len(both) == len(found)
    assert (both["state"] == both["state_twin"]).all()
    assert both["value"].equals(both["value_twin"])


def test_the_report_says_who_can_be_treated_where(results):
    first = {k: o["first_years"] for k, o in results["outcomes"].items()}
    assert first["U31001"] == {"1233": 2018, "1264": 2017, "1287": 2013}
    # two years of programme between reception and the 90-day outcome, none before the cost
    assert first["N00973"]
    assert all(year == first["U31001"][code] + 2 for code, year in first["N00973"].items())
    gone = results["outcomes"]["U31001"]["left_out_treated"]
    assert [(u["code"], u["reason"]) for u in gone] == [("2321", "no_pre_year")]
    # Vellinge started in the spring of 2017: that year is neither base nor treated
    partial = {t["code"]: t.get("partial", 0) for t in results["design"]["treated"]}
    assert partial == {"2321": 1, "1233": 1, "1264": 0, "1287": 0}


def test_persons_behind_the_value_make_the_matched_sets(results):
    assert results["outcomes"]["N00973"]["sized_by"] == "persons"
    assert results["outcomes"]["N00973_K"]["sized_by"] == "persons"
    assert results["indicators"]["N00973_K"]["label_en"].endswith(" (women)")


def test_the_origin_stands_in_results_and_provenance(report, results, store):
    snapshot = store.latest("day_one")
    record = json.loads((report / "provenance.json").read_text("utf-8"))
    assert results["origin"]["id"] == record["origin"]["id"] == snapshot.id
    assert results["origin"]["citation_sv"] == "Källa: Kolada"
    assert "notice" not in results
    html = " ".join((report / "report.html").read_text("utf-8").split())
    assert "needs live data from Kolada" not in html
    assert "Åre (has no unexposed year before the first treated one, 2012)" in html


def test_a_report_on_a_snapshot_is_verified_on_its_own(report, store, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(report, copy)
    found = verify(copy)
    assert found.passed, found.differences[:3]
    assert found.n_numbers > 1000
    data = next((copy / "data" / "objects").iterdir())
    data.write_bytes(data.read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{data.name}: is damaged"):
        verify(copy)


def test_a_pinned_plan_reads_its_snapshot_whatever_came_later(plan, store, kolada, tmp_path):
    first = store.latest("day_one")
    pinned = plan_from_dict(
        plan.model_dump(mode="json")
        | {"data": {"source": "kolada", "years": [2012, 2025], "snapshot": first.id[:12]}}
    )
    later = first.observations()
    later.loc[later["value"].notna(), "value"] = 50.0
    other = SnapshotStore(tmp_path)
    other.adopt(first)
    record = first.provenance
    other.put(
        later,
        name="day_one",
        source="Kolada",
        request=record.request,
        licence_sv="fri",
        licence_en="free",
        citation_sv="Kolada",
        citation_en="Kolada",
    )
    a = open_sources(pinned, store=other).outcome(0).panel
    b = open_sources(plan, store=store).outcome(0).panel
    c = open_sources(plan, store=other).outcome(0).panel
    assert a.hash() == b.hash() != c.hash()


def test_a_plan_without_its_snapshot_says_what_to_do(plan, tmp_path):
    with pytest.raises(InputError, match="evaluation data fetch"):
        run_study(plan, sources=open_sources(plan, store=SnapshotStore(tmp_path)))


# the simulated plan


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    outcomes = ["N00973", {"indicator": "N00973", "sex": "K"}, "retention_3_years"]
    plan = plan_from_dict(short("day_one_simulated", outcomes))
    out = tmp_path_factory.mktemp("simulated") / "report"
    return write_report(plan, out, lang="sv", formats=("html", "docx"))


def test_the_simulated_plan_finds_the_truth(simulated):
    rows = json.loads((simulated / "results.json").read_text("utf-8"))["truth"]
    assert [r["outcome"] for r in rows] == ["N00973", "N00973_K", "retention_3_years"]
    for r in rows:
        assert r["covered"] == (r["low"] <= r["truth"] <= r["high"])
        assert r["covered"], r
        assert r["truth"] > 1


def test_every_file_made_from_simulated_data_says_so(simulated):
    files = [p for p in simulated.rglob("*") if p.is_file()]
    assert len(files) > 40
    for path in files:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as f:
                rows = list(csv.DictReader(f))
            assert rows, path
            assert all(r["data"] == WORDS for r in rows), path
        elif path.suffix == ".docx":
            text = zipfile.ZipFile(path).read("word/document.xml").decode("utf-8")
            assert WORDS in text
        else:
            assert "SIMULATED" in path.read_text("utf-8"), path


def test_no_real_name_stands_beside_a_made_up_figure(simulated):
    results = json.loads((simulated / "results.json").read_text("utf-8"))
    page = (simulated / "report.html").read_text("utf-8")
    text = re.sub(r"<[^>]*>", "", page[page.index("<main>") :])
    o = results["outcomes"]["N00973"]
    names = municipalities()["name"]
    assert all(f"SIM {code}" in text for code in o["first_years"])
    for code in [*o["first_years"], *o["left_out"]]:
        assert not re.search(rf"\b{re.escape(names[code])}\b", text), names[code]


def test_the_simulated_report_is_verified_from_its_seed(simulated):
    found = verify(simulated)
    assert found.passed, found.differences[:3]


def test_the_cost_that_leaves_refugees_out_is_refused_alone():
    with pytest.raises(InputError, match=r"field outcomes: N31001 cannot stand alone"):
        run_study(plan_from_dict(short("day_one_simulated", ["N00973", "N31001"])))


def test_what_a_plan_cannot_read_is_said_with_its_place():
    simulated = short("day_one_simulated", ["foreign_background"])
    with pytest.raises(InputError, match=r"outcomes\[1\]: foreign_background is real"):
        run_study(plan_from_dict(simulated))
    with pytest.raises(InputError, match=r"outcomes\[1\].sex: N00732 is not divided by sex"):
        run_study(
            plan_from_dict(
                short("day_one_simulated", [{"indicator": "N00732", "sex": "K"}]),
            )
        )
    with pytest.raises(InputError, match=r"outcomes\[1\]: N00973 does not ship"):
        run_study(plan_from_dict(content("settlement", outcomes=["N00973"], case=None)))


def test_a_start_inside_a_year_must_not_be_the_base_year():
    """The year before the first whole one is partly exposed; as base it hides the effect."""
    errors = {"first_whole_year": [], "first_year_touched": []}
    for seed in range(100, 108):
        twin = simulate(SimulatedData(seed=seed, mid_year=1.0, persons=False))
        panel = build_panel(twin.observations, "N00973")
        coded = twin.stance[twin.stance["coded_active"]]
        for rule, found in errors.items():
            first = {
                code: first_treated_year((int(year), int(month)), rule) + 2
                for code, year, month in zip(
                    coded["code"], coded["coded_year"], coded["coded_month"], strict=True
                )
                if code in panel.units
            }
            cohort = pd.Series({c: first.get(c, 0) for c in panel.units})
            truth = real_att(
                twin.truth.effect("N00973"), twin.truth.codes, twin.truth.years, first, "cohort"
            )
            found.append(contrasts(panel, cohort).estimate() - truth)
    whole, touched = (np.array(e) for e in errors.values())
    assert whole.mean() < -1.5
    assert abs(touched.mean()) < 3 * touched.std(ddof=1) / np.sqrt(len(touched))
    # the same countries, so that the difference is sharper than either
    apart = touched - whole
    assert apart.mean() > 4 * apart.std(ddof=1) / np.sqrt(len(apart))
