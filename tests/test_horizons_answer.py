"""The effect of a plan alone, its truth on the twin, subgroups by a file, and by education."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation.data.horizons import HORIZONS
from evaluation.data.observations import SIMULATED
from evaluation.data.twin.truth import Truth
from evaluation.errors import InputError
from evaluation.plan import load_plan, plan_from_dict
from evaluation.questions.horizons.categories import effect_by_category
from evaluation.questions.horizons.plan import PlanEffect, group_columns, plan_effect
from evaluation.questions.horizons.subgroups import divisions
from evaluation.questions.study import run_study
from evaluation.report.figures import make_figures
from evaluation.report.tables import make_tables

YEARS = tuple(range(2008, 2020))


def simulated(**more):
    plan = {
        "name": "parts",
        "title": {"sv": "delar", "en": "parts"},
        "data": {"source": "simulated", "seed": 60_002, "persons": False, "mid_year": 0.5},
        "outcomes": ["N00973"],
        "treatment": {
            "coding": "simulated",
            "exposure": "leave_out_partial",
            "unfit": "leave_out",
        },
        "comparison": {"donors_per_treated": 4},
        "estimation": {"draws": 499, "seed": 1},
    }
    return plan_from_dict(plan | more, file="parts.yaml")


@pytest.fixture(scope="module")
def whole():
    """The study of a made-up country, half of whose active began within a year."""
    return run_study(simulated())


@pytest.fixture(scope="module")
def settlement(quick_plan):
    return plan_effect(quick_plan, outcomes=["foreign_background"])


# the truth of a twin


def by_hand(effect, first_year, partial=()):
    return Truth(
        parameters={},
        codes=tuple("abc"),
        years=YEARS,
        first_year=first_year,
        effects={("N00973", "T"): np.array(effect, dtype=float)},
        persons={},
        partial=partial,
    )


def test_the_truth_by_horizon_dose_and_group_by_hand():
    # treated years begin two years after the start: a in 2012, b in 2016
    a = [np.nan, 0, 0, 2, 4, 4, 3, 3, 1, 1, 1, np.nan]
    b = [0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 5, 5]
    t = by_hand([a, b, [9.0] * 12], {"a": 2010, "b": 2014}, ("a",))
    assert t.by_horizon("N00973") == pytest.approx(
        {"short": (4 + 7) / 2, "middle": (3 + 5) / 2, "long": 1, "difference": 1 - 4}
    )
    assert t.by_horizon("N00973", codes=["b"])["difference"] == pytest.approx(5 - 7)
    assert np.isnan(t.by_horizon("N00973", codes=["b"])["long"])
    full = (4 + 4 + 3 + 3 + 1 + 1 + 1) / 7
    assert t.by_dose("N00973") == pytest.approx(
        {"partial": 2, "full": full, "difference": full - 2}
    )
    assert all(np.isnan(v) for v in t.by_dose("N00973", codes=["b"]).values())
    assert t.by_group("N00973", {"a": "x", "b": "y"}) == pytest.approx({"x": full, "y": 6})
    assert t.since("N00973", first=-1, last=-1) == pytest.approx(1)
    assert t.since("N00973", lag=0, first=8, last=8) == pytest.approx(1)
    assert np.isnan(t.since("N00973", first=30))
    with pytest.raises(InputError, match="'c' is not active"):
        t.since("N00973", codes=["c"])
    plain = t.to_dict()["effects"][0]
    assert plain["by_horizon"]["long"] == 1
    assert plain["by_dose"]["partial"] == 2


def test_the_truth_of_a_report_is_that_of_the_twin(whole):
    o, twin = whole.outcomes["N00973"], whole.sources.twin
    design = o.inference.design
    partly = {t.code for t in design.treated if t.partial}
    assert partly == set(twin.truth.partial) & set(design.treated_codes)
    assert 3 < len(partly) < len(design.treated)
    real, codes = o.horizons.truth, design.treated_codes
    assert real.horizons == pytest.approx(twin.truth.by_horizon("N00973", codes=codes))
    assert real.exposure == pytest.approx(twin.truth.by_dose("N00973", codes=codes))
    of = divisions(o.inference)["size"]
    assert real.subgroups["size"] == pytest.approx(twin.truth.by_group("N00973", of))
    again = json.loads(json.dumps(whole.to_dict()["outcomes"]["N00973"]["horizons"]))
    assert again["truth"]["horizons"].keys() == {*HORIZONS, "difference"}


def test_the_truth_stands_in_the_report_of_a_simulated_plan(whole):
    results = whole.to_dict()
    real = whole.outcomes["N00973"].horizons.truth
    tables = make_tables(results, "sv")
    table = tables["horizons_N00973"]
    assert table.header[-1] == "Sanning"
    assert all(len(row) == len(table.header) for row in table.rows)
    assert list(table.raw["truth"]) == pytest.approx(list(real.horizons.values()))
    doses = tables["exposure_N00973"]
    assert all(len(row) == len(doses.header) for row in doses.rows)
    assert list(doses.raw["truth"]) == pytest.approx(list(real.exposure.values()))
    assert "truth" in tables["subgroups_N00973"].raw
    figure = make_figures(results, "sv")["horizons_N00973"]
    assert "de första två åren" in figure.alt
    assert figure.notice == SIMULATED
    ax = figure.drawing.axes[0]
    marks = [line for line in ax.lines if line.get_marker() == "D"]
    assert [m.get_xdata()[0] for m in marks] == pytest.approx(list(real.horizons.values()))


def test_an_answer_about_a_made_up_country_says_so(whole):
    o, real = whole.outcomes["N00973"], whole.truth[0].truth
    alone = PlanEffect(whole.plan, whole.outcomes, whole.sources, {"N00973": real})
    assert alone.to_dict()["notice"].startswith("SIMULATED DATA")
    assert alone.summary("sv").startswith("SIMULERADE DATA")
    head = alone.tidy().iloc[0]
    assert (head["part"], head["truth"]) == ("headline", pytest.approx(real))
    shown = alone.tidy().query("part == 'dose'")["truth"]
    assert list(shown) == pytest.approx(list(o.horizons.truth.exposure.values()))


# a plan alone


def test_the_settlement_plan_alone(settlement, study):
    o = study.outcomes["foreign_background"]
    assert settlement.findings["foreign_background"].to_dict() == o.finding.to_dict()
    assert settlement.outcomes["foreign_background"].horizons == o.horizons
    t = settlement.tidy()
    h = t[t["part"] == "horizon"].set_index("key")
    assert list(h.index) == ["short", "middle", "long", "difference"]
    assert h.at["long", "estimate"] == o.horizons.duration["long"].estimate.estimate
    assert t["truth"].isna().all()
    assert len(t[t["part"] == "family"]) == 15
    sv, en = settlement.summary("sv"), settlement.summary("en")
    assert "Evidensgrad: mycket svag." in sv
    assert "de första två åren, 4 kommuner" in sv
    assert "from the fifth year on, 4 municipalities" in en
    assert all(c.text_en in en for c in o.finding.checks)
    json.dumps(settlement.to_dict(), allow_nan=False)
    assert "notice" not in settlement.to_dict()


def test_the_plot_shows_every_interval(settlement):
    ax = settlement.plot(lang="sv")
    labels = [x.get_text() for x in ax.get_yticklabels()]
    assert labels[0] == "huvudresultatet, alla år"
    assert labels[3] == "från femte året\n(4 kommuner)"
    d = settlement.outcomes["foreign_background"].horizons.duration
    spans = [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert tuple(d["long"].estimate.conf_int) in spans
    with pytest.raises(InputError, match="'x' is none of foreign_background"):
        settlement.plot("x")


def test_an_outcome_that_is_not_there():
    with pytest.raises(InputError, match="'x' is none of the plan's outcomes foreign_background"):
        plan_effect(load_plan("settlement"), outcomes=["x"])


# subgroups by a file


def groups(path, **columns):
    codes = pd.read_csv("data/municipalities/municipalities.csv", dtype=str)["code"]
    table = pd.DataFrame({"code": codes} | {k: [f(c) for c in codes] for k, f in columns.items()})
    table.to_csv(path, index=False)
    return path


def skr(code):
    return "Storstad" if code in ("0180", "1280", "1480") else f"Grupp {code[0]}"


def test_groups_of_a_file_divide_the_treated(tmp_path, settlement, quick_plan):
    path = groups(tmp_path / "skr.csv", group=lambda c: f"G{c[0]}", group_title=skr, n=len)
    assert group_columns(path) == ["group_title"]
    found = plan_effect(quick_plan, outcomes=["foreign_background"], groups=path)
    found = found.outcomes["foreign_background"]
    division = next(s for s in found.horizons.subgroups if s.by == "group_title")
    assert [g.label for g in division.groups] == ["Grupp 1", "Grupp 2"]
    # Jämtland begins with 2 and Skåne with 1: the same division as by county
    county = next(s for s in found.horizons.subgroups if s.by == "county")
    assert {g.codes for g in division.groups} == {g.codes for g in county.groups}
    assert division.groups[1].estimate == county.groups[0].estimate
    # the headline is what it was
    assert found.finding.to_dict() == settlement.findings["foreign_background"].to_dict()


def test_a_plan_names_its_subgroups(tmp_path, quick_plan):
    groups(tmp_path / "g.csv", region=skr)
    content = quick_plan.model_dump(mode="json")
    content["outcomes"], content["case"] = ["foreign_background"], None
    content["context"] = []
    content["comparison"] |= {"groups": "g.csv", "subgroups": ["region"]}
    plan = plan_from_dict(content, file=str(tmp_path / "p.yaml"))
    found = run_study(plan).outcomes["foreign_background"].horizons.subgroups
    assert [s.by for s in found] == ["size", "county", "stance", "region"]
    content["comparison"]["subgroups"] = ["nowhere"]
    plan = plan_from_dict(content, file=str(tmp_path / "p.yaml"))
    with pytest.raises(InputError, match="there is no such column"):
        plan_effect(plan)


@pytest.mark.parametrize(
    ("comparison", "says"),
    [
        ({"subgroups": ["region"]}, "groups: FILE is missing"),
        ({"groups": "g.csv"}, "subgroups names none"),
        ({"groups": "g.csv", "subgroups": ["a", "a"]}, "'a' stands twice"),
    ],
)
def test_a_plan_that_says_half(comparison, says):
    with pytest.raises(InputError, match=says):
        simulated(comparison={"donors_per_treated": 4} | comparison)


def test_a_file_that_divides_nothing(tmp_path):
    path = groups(tmp_path / "n.csv", name=lambda c: f"n{c}", number=lambda c: int(c) % 3)
    with pytest.raises(InputError, match="no column divides the municipalities"):
        group_columns(path)
    path.write_text("code,region\n0114,a\n0115,a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"of the design is not there"):
        plan_effect(load_plan("settlement"), groups=path)
    with pytest.raises(InputError, match="none is given"):
        plan_effect(load_plan("settlement"), by=["region"])


# by education


def cells(path, *, extra=(), sexes=("K", "M"), change=lambda _: None):
    """60 units, 10 of them treated from 2014: +4 points on short, +1 on higher education."""
    rows = []
    for i in range(60):
        first = 2014 if i < 10 else ""
        for year in range(2010, 2018):
            for sex in sexes:
                for level, base, up in (("short", 30, 4), ("higher", 50, 1)):
                    n = 1000 + 100 * i
                    share = base + year - 2010 + up * (i < 10 and year >= 2014)
                    rows.append((f"u{i}", year, sex, level, n, n * share // 100, first))
                rows += [(f"u{i}", year, sex, *row, first) for row in extra]
    columns = ["unit", "year", "sex", "category", "persons", "successes", "cohort"]
    table = pd.DataFrame(rows, columns=columns).astype({"persons": object, "successes": object})
    change(table)
    table.to_csv(path, index=False)
    return path


def test_the_effect_by_education_by_hand(tmp_path):
    path = cells(tmp_path / "c.csv")
    found = effect_by_category(path, donors=4, draws=499)
    short, higher = found.groups.groups  # in the file's order
    assert (short.label, higher.label) == ("short", "higher")
    assert short.estimate.estimate == pytest.approx(4)
    assert higher.estimate.estimate == pytest.approx(1)
    assert short.difference.estimate == pytest.approx(3)
    assert higher.difference.estimate == pytest.approx(-3)
    assert found.everyone.estimate == pytest.approx(2.5)
    assert short.p_adjusted == pytest.approx(1 / 500)
    assert short.difference_p_adjusted == pytest.approx(1 / 500)
    assert "minus the mean of the others" in short.difference.estimand
    assert (len(short.codes), short.n_years, found.donors) == (10, 40, 4)
    assert found.lost == {"short": 0, "higher": 0}
    assert "60 of 60 units" in found.summary("en")
    t = found.tidy()
    assert list(t["part"]).count("subgroup") == 2
    json.dumps(found.to_dict(), allow_nan=False)
    # rows of both sexes stand for themselves, and totals and the unknown count in nothing
    both = effect_by_category(
        cells(tmp_path / "t.csv", sexes=("T",), extra=(("all", 9, 1), ("unknown", 7, 7))),
        donors=4,
        draws=499,
    )
    assert both.groups.groups[0].estimate.estimate == pytest.approx(4)
    assert both.left_out["unknown_persons"] == 7 * 60 * 8
    assert "3360 personer av okänd kategori" in both.summary("sv")


def test_an_effect_alike_on_all_is_no_difference(tmp_path):
    rng = np.random.default_rng(4)

    def noisy(table):
        table["persons"] = 10_000
        wave = rng.normal(0, 2, len(table))
        up = 5 * ((table["cohort"] == 2014) & (table["year"] >= 2014))
        table["successes"] = (100 * (40 + wave + up)).round().astype(int)

    found = effect_by_category(cells(tmp_path / "n.csv", change=noisy), donors=4, draws=999)
    for g in found.groups.groups:
        assert g.estimate.conf_int[0] < 5 < g.estimate.conf_int[1]
        assert g.p_adjusted < 0.05 < g.difference_p_adjusted


def test_hidden_and_empty_cells_leave_their_unit_out(tmp_path):
    def hide(table):
        table.loc[(table["unit"] == "u3") & (table["year"] == 2012), "persons"] = ".."
        empty = (table["unit"] == "u50") & (table["year"] == 2011) & (table["category"] == "short")
        table.loc[empty, ["persons", "successes"]] = 0
        table["data"] = SIMULATED

    found = effect_by_category(cells(tmp_path / "h.csv", change=hide), draws=199)
    assert len(found.kept) == 58
    assert not {"u3", "u50"} & set(found.kept)
    assert found.lost == {"short": 2, "higher": 1}
    assert found.simulated
    assert found.summary("en").startswith(SIMULATED)
    assert found.to_dict()["notice"] == SIMULATED


def setting(row, column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[row, column] = value

    return change


def rename(table):
    table["category"] = table["category"].replace("higher", "unknown")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (setting(3, "successes", 10**7), "row 5, field successes: more successes than persons"),
        (setting(3, "persons", -1), "must not be negative"),
        (setting(3, "sex", "X"), "'X' is none of K"),
        (setting(3, "category", " "), "is empty; a name or code is needed"),
        (setting(3, "category", "short"), "stand twice"),
        (setting(0, "cohort", 2016), "u0"),
        (lambda t: t.pop("persons"), "there is no such column"),
        (setting(slice(None), "category", "all"), "stand twice"),
        (rename, "two categories are needed; there is short"),
        (setting(slice(None), "persons", ".."), "no unit has every category in every year"),
        (setting(slice(None), "cohort", ""), "treated"),
    ],
)
def test_counts_that_cannot_be(tmp_path, change, says):
    with pytest.raises(InputError) as error:
        effect_by_category(cells(tmp_path / "b.csv", change=change), draws=99)
    assert says in str(error.value)
    assert "b.csv" in str(error.value)
