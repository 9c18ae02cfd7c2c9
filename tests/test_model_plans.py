"""A model of the documents as the treatment, and the plan that ships for each that data carry."""

import copy
import json
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.data.embedded import municipalities
from evaluation.data.panel import Panel
from evaluation.data.registry import REGISTRY
from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.design.catalogue import catalogue
from evaluation.design.counties import counties, county_panel
from evaluation.design.stance import classify
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.plan import load_plan, model_plan, plan_from_dict
from evaluation.questions.evaluability import assess, assess_catalogue
from evaluation.questions.study import run_study
from evaluation.report.bundle import write_report
from evaluation.report.verify import verify

FOLDER = Path(__file__).parents[1] / "plans" / "models"
PLANS = sorted(p.stem for p in FOLDER.glob("*.yaml"))
LIVE = [p for p in PLANS if load_plan(p).data is not None]


def content(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))


def observations(plan, effect=0.0, without=()):
    """Make up what Kolada would answer: level, year, noise, and an effect where it is treated."""
    places = municipalities()
    design = design_from_plan(plan)
    (key,) = plan.outcomes
    years = np.arange(plan.data.years[0], plan.data.years[1] + 1)
    rng = np.random.default_rng(zlib.crc32(plan.name.encode()))
    y = rng.normal(40, 5, (len(places), 1)) + rng.normal(0, 2, (len(places), len(years)))
    y += rng.normal(0, 1, len(years))
    for t in design.treated:
        here = np.array([c.startswith(t.code) for c in places.index])
        after = years >= t.first_year + REGISTRY[key].lag_years
        y += effect * np.outer(here, after)
    table = pd.DataFrame(
        {
            "indicator": key,
            "code": np.repeat(places.index, len(years)),
            "year": np.tile(years, len(places)),
            "sex": "T",
            "value": y.ravel(),
            "state": "observed",
        }
    )
    leavers = np.repeat(np.ceil(5 + places["population_2017"].to_numpy() / 500), len(years))
    withheld = table["code"].isin(without) & (table["year"] == years[1])
    table.loc[withheld, ["value", "state"]] = [np.nan, "suppressed"]
    weight = REGISTRY[key].weight
    parts = [table]
    if weight:
        parts.append(table.assign(indicator=weight, value=leavers, state="observed"))
    return pd.concat(parts, ignore_index=True)


def kept(plan, folder, **made):
    """Keep made-up observations as the plan's snapshot."""
    store = SnapshotStore(folder)
    store.put(
        observations(plan, **made),
        name=plan.name,
        source="Kolada",
        request={"kpi": list(plan.outcomes)},
        licence_sv="fri",
        licence_en="free",
        citation_sv="Källa: Kolada",
        citation_en="Source: Kolada",
    )
    return store


def study(name, folder, **made):
    plan = load_plan(name)
    store = kept(plan, folder, **made) if plan.data else None
    return run_study(plan, sources=open_sources(plan, store=store))


# which plans there are


def test_each_model_that_data_can_carry_has_a_plan_and_no_other():
    rows = assess_catalogue().rows
    assert sorted(r.model.id for r in rows if r.verdict in ("now", "with live data")) == PLANS
    assert {r.model.id for r in rows if r.plan} == set(PLANS)
    assert {p for p in PLANS if p not in LIVE} == {r.model.id for r in rows if r.verdict == "now"}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_what_its_assessment_says(name):
    plan, found = load_plan(f"models/{name}"), assess(name)
    assert plan.name == plan.treatment.model == name
    assert plan.hash() == load_plan(name).hash() == load_plan(found.plan).hash()
    assert plan.outcomes == (found.chosen.outcome,)
    design = design_from_plan(plan)
    lag = REGISTRY[found.chosen.outcome].lag_years
    touched = plan.treatment.exposure == "first_year_touched"
    for t in design.treated:
        assert t.first_year + lag == found.chosen.first_year - touched
        assert t.assumed == (found.start_from == "assumed")
    if plan.data is not None:
        # an end cuts the years after
        assert plan.data.years[1] == found.chosen.first_year + found.chosen.years_after - 1


def test_an_assumed_start_is_that_of_the_settlement_plan():
    assumed = {e.model: e for e in load_plan("settlement").treatment.adoption if e.because}
    mine = {e.model: e for p in PLANS for e in load_plan(p).treatment.adoption if e.because}
    assert mine == assumed


def test_a_model_without_a_plan():
    assert model_plan("klondyke") is None
    with pytest.raises(InputError, match=r"klondyke: there is no such plan; .*models/are_modellen"):
        load_plan("klondyke")


# each plan, unchanged, from its data to its numbers


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_runs(name, tmp_path):
    found = study(name, tmp_path)
    (o,) = found.outcomes.values()
    donors = found.plan.comparison.donors_per_treated
    assert o.headline.n_treated_units == 1
    assert o.headline.p_value >= 1 / (donors + 1)
    low, high = o.headline.conf_int
    assert low < o.headline.estimate < high
    assert o.finding.grade == "very weak"
    design = found.design
    named = {
        c for part in (classify(("explicit", "strong")),) for c in (*part.active, *part.uncertain)
    }
    assert not named & {*design.controls}
    groups = [set(design.treated_codes), set(design.controls), set(design.excluded)]
    if not design.model.counties:
        assert sum(map(len, groups)) == len(set.union(*groups)) == 290
    # «Against whom» accounts for every municipality, or county
    assert len(o.against.units) == (21 if design.model.counties else 290)
    results = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert results["design"]["model"]["id"] == name
    assert results["plan"]["treatment"]["model"] == name
    assert catalogue()[name].where.text == results["design"]["model"]["where"]


@pytest.mark.parametrize("name", ["pajala_slussen", "yrkes_sfi"])
def test_an_effect_put_in_comes_out(name, tmp_path):
    """The same noise with and without: the estimates differ by the effect and nothing else."""
    without = study(name, tmp_path / "a")
    there = study(name, tmp_path / "b", effect=30.0)
    a, b = (next(iter(s.outcomes.values())).headline for s in (without, there))
    assert b.estimate - a.estimate == pytest.approx(30, abs=1e-9)
    # the only larger difference is none: the smallest p that the comparison can give
    n = there.plan.comparison.donors_per_treated
    assert b.p_value == pytest.approx(1 / (n + 1))
    assert b.conf_int[0] > 0


def test_a_withheld_year_of_the_only_treated_is_told_by_name(tmp_path):
    with pytest.raises(InputError, match=r"outcomes\[1\]: Pajala \(2521\) has no value in every"):
        study("pajala_slussen", tmp_path, without=("2521",))


# who is in which group


def test_malmo_is_treated_though_its_stance_is_uncertain():
    design = design_from_plan(load_plan("extratjanster_malmo"))
    assert design.treated_codes == ["1280"]
    assert "1280" in classify(("explicit", "strong")).uncertain
    assert design.model.others == classify(("explicit", "strong")).active
    assert "1280" not in design.counts.uncertain
    assert len(design.counts.uncertain) == 6
    # a state subsidy, which others may have used too; Åre pays for its own model
    assert design.model.by_state
    assert not design_from_plan(load_plan("are_modellen")).model.by_state
    assert len(design.controls) == 279


def test_the_other_active_are_never_compared():
    given = content("are_modellen")
    given["treatment"]["uncertain"] = "control"
    design = design_from_plan(plan_from_dict(given))
    assert len(design.controls) == 279 + 7
    assert design.excluded == ("1233", "1264", "1287")
    o = next(iter(run_study(plan_from_dict(given)).outcomes.values()))
    # those of uncertain stance were in the comparison: the other way is without them
    other = o.finding.estimates["uncertain_other_way"]
    assert other.n_units == 1 + 279
    assert o.headline.n_units == 1 + 286


def test_a_county_is_one_unit():
    design = design_from_plan(load_plan("yrkes_sfi"))
    (unit,) = design.treated
    skane = municipalities()[lambda t: t["county"] == "Skåne län"]
    assert (unit.code, unit.name) == ("12", "Skåne län")
    assert unit.population == skane["population_2017"].sum()
    assert (unit.stated_start, unit.first_year) == ("2017-02 (portal)", 2017)
    assert design.model.partly == ("10",)
    assert len(design.controls) == 19
    assert not {"10", "12"} & set(design.controls)


def test_a_county_s_value_by_hand():
    """Two of Blekinge's municipalities with a value, and Gotland, which is one."""
    p = municipalities()["population_2017"]
    values = pd.DataFrame(
        [[10.0, 20.0], [40.0, 30.0], [7.0, 8.0]],
        index=["1060", "1080", "0980"],
        columns=[2015, 2016],
    )
    weights = pd.DataFrame([[1.0, 2], [3, 4], [5, 6]], index=values.index, columns=values.columns)
    found = county_panel(Panel("y", values, weights=weights))
    a, b = p["1060"], p["1080"]
    assert found.units == ["09", "10"]
    assert found.values.loc["10"].tolist() == pytest.approx(
        [(10 * a + 40 * b) / (a + b), (20 * a + 30 * b) / (a + b)]
    )
    assert found.values.loc["09"].tolist() == pytest.approx([7, 8])
    assert found.weights.loc["10"].tolist() == [4, 6]
    assert counties()["population_2017"].sum() == p.sum()


def test_what_else_runs_in_the_same_place_is_told(tmp_path):
    found = study("nyar", tmp_path)
    (o,) = found.outcomes.values()
    check = next(c for c in o.checks if c.name == "same_place")
    assert check.passed is False
    assert "Åremodellen" in check.text_sv
    assert "andra modeller på samma plats" in o.finding.grade_reason_sv
    # a project of a county is told for its municipalities, a law of the nation is not
    names = [n for n, _ in design_from_plan(load_plan("vellinge_upprop")).model.same_place]
    assert "Yrkes-SFI i Skåne" in names
    assert not any("Etableringslag" in n for n in names)


# what is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "nobody"}, r"treatment\.model: there is no model 'nobody'"),
        ({"model": "vg_factor_1"}, r"treatment\.model: 'vg_factor_1' is advice"),
        ({"model": "tia"}, "nobody is left to compare with"),
        ({"model": "boss"}, "the documents do not name who takes part"),
        ({"model": "nyar"}, r"adoption\[1\]\.model: must be 'nyar' like treatment\.model"),
        ({"adoption": []}, r"Åre \(2321\) runs are_modellen and needs an entry"),
    ],
)
def test_a_model_that_cannot_be_the_treatment_is_refused(change, says):
    given = content("are_modellen")
    given["treatment"] |= change
    with pytest.raises(InputError, match=says):
        design_from_plan(plan_from_dict(given))


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("are_modellen", "1280", r"code: 'are_modellen' runs in Åre, not in Malmö"),
        ("are_modellen", "12", r"'12' is not the code of one of the 290 municipalities"),
        ("yrkes_sfi", "1280", r"'1280' is not the two-digit code of a county"),
        ("yrkes_sfi", "10", r"'yrkes_sfi' runs in Skåne \(33\) \+ Sölvesborg, not in Blekinge län"),
    ],
)
def test_a_place_that_does_not_run_the_model_is_refused(name, code, says):
    given = copy.deepcopy(content(name))
    given["treatment"]["adoption"][0]["code"] = code
    with pytest.raises(InputError, match=says):
        design_from_plan(plan_from_dict(given))


def test_the_twin_has_no_models():
    given = content("are_modellen")
    given["treatment"] = {"coding": "simulated", "model": "are_modellen"}
    given |= {"data": {"source": "simulated", "seed": 1}, "case": None}
    with pytest.raises(InputError, match="treatment: model must not be given: models are those"):
        plan_from_dict(given)


# the report


@pytest.mark.parametrize(
    ("name", "lang", "says", "silent"),
    [
        ("yrkes_sfi", "en", ["The units are counties.", "Blekinge län is neither treated nor",
                             "randomly chosen counties"], ["chosen municipalities"]),
        ("extratjanster_malmo", "sv", ["Den bekostas av staten", "(början: inte angiven)"],
         ["not stated"]),
        ("nyar", "sv", ["Behandlingen är modellen", "Vellinge, Skurup och Trelleborg är aktiva",
                        "Åremodellen", "mäts 2 år efter mottagandet"], ["de 1 kommunerna"]),
    ],
)  # fmt: skip
def test_the_report_says_whom_it_is_about(name, lang, says, silent, tmp_path):
    plan = load_plan(name)
    store = kept(plan, tmp_path / "store")
    out = write_report(plan, tmp_path / "out", lang=lang, formats=("html",), store=store)
    page = " ".join((out / "report.html").read_text("utf-8").split())
    assert [s for s in says if s not in page] == []
    assert [s for s in silent if s in page] == []
    (file,) = (out / "tables").glob("checks_*.csv")
    checks = pd.read_csv(file).set_index("name")
    assert checks.loc["same_place", "grades"]
    groups = pd.read_csv(out / "tables" / "groups.csv")
    assert groups["count"].iloc[:-1].sum() == groups["count"].iloc[-1]
    found = verify(out)
    assert found.passed, found.differences[:3]
