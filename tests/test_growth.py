"""A municipality's own table against the estimate: by hand, in words, and in the report."""

import csv
import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from evaluation.data.documents import document_figures, population_table
from evaluation.data.documents.figures import Figure
from evaluation.data.sources import open_sources
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.plan import load_plan, plan_from_dict
from evaluation.questions.case import analyse_case
from evaluation.questions.growth import analyse_growth, persons_added
from evaluation.questions.growth_words import (
    Told,
    finding_sentence,
    printed_check,
    received_sentence,
    within_check,
)
from evaluation.questions.study import run_study
from evaluation.report.figures import make_figures
from evaluation.report.tables import make_tables


@pytest.fixture(scope="module")
def pieces():
    """Panels and design of the settlement plan."""
    plan = load_plan("settlement")
    sources = open_sources(plan)
    found = [sources.outcome(i) for i in range(len(plan.outcomes))]
    return {o.indicator.id: o for o in found}, design_from_plan(plan)


def case_of(pieces, code="2321", alpha=0.05):
    outcomes, design = pieces
    unit = next(t for t in design.treated if t.code == code)
    panels = {k: o.panel for k, o in outcomes.items()}
    return analyse_case(unit, outcomes["foreign_background"].indicator, panels, design, alpha)


@pytest.fixture(scope="module")
def case(pieces):
    return case_of(pieces)


@pytest.fixture(scope="module")
def growth(case):
    return analyse_growth(case)


# the table


def test_the_table_as_the_document_prints_it_but_for_the_slip():
    table = population_table("2321")
    assert table.years == (2011, 2012, 2013, 2014, 2015, 2016)
    assert table.persons["men"] == (5232, 5327, 5365, 5428, 5521, 5774)
    assert table.persons["women"] == (5027, 5079, 5055, 5127, 5156, 5314)
    assert table.persons["total"] == (10259, 10406, 10420, 10555, 10677, 11088)
    assert table.growth["men"] == (-21, 95, 38, 63, 93, 253)
    assert table.growth["women"] == (6, 52, -24, 72, 29, 158)
    assert table.growth["total"] == (-15, 147, 14, 135, 122, 411)
    assert (table.received, table.received_years) == (683, (2011, 2017))
    assert dict(table.received_by_year) == {2016: 160}
    assert table.lines == ("16", "19", "167–175")
    # the shipped figures keep what is printed
    assert document_figures()["F030"].value == "5574"
    (slip,) = table.corrected
    assert (slip.figure.id, slip.implied, slip.n_rules) == ("F030", 5774, 2)


def test_the_year_before_the_table_follows_from_the_first_years_growth():
    table = population_table("2321")
    assert [table.population(s, 2010) for s in ("men", "women", "total")] == [5253, 5021, 10274]
    assert table.population("total", 2009) is None
    assert table.population("total", 2017) is None
    assert table.change("total", 2010, 2016) == 814
    with pytest.raises(InputError, match="Åre's table has no population of 2017"):
        table.change("total", 2011, 2017)


def test_no_other_municipality_has_a_table():
    assert population_table("0180") is None
    with pytest.raises(InputError, match="'1' is not the code"):
        population_table("1")


def altered(**changed):
    known = dict(document_figures())
    for name, value in changed.items():
        known[name] = replace(known[name], value=value)
    return known


def test_any_single_slip_in_the_stocks_after_the_first_year_is_found_and_mended():
    right = population_table("2321")
    for name in ("F028", "F034", "F041"):
        wrong = altered(F030="5774", **{name: str(int(document_figures()[name].value) + 100)})
        found = population_table("2321", wrong)
        assert [s.figure.id for s in found.corrected] == [name]
        assert (found.persons, found.growth) == (right.persons, right.growth)
        assert found.data_hash == ""


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        # two slips in one sum: nothing tells which is wrong
        ({"F031": "5127", "F043": "79"}, "the figures do not tell which is misprinted"),
        ({"F050": "53", "F049": "7"}, "the figures do not tell which is misprinted"),
        ({"F030": "many"}, "no number"),
    ],
)
def test_a_table_that_does_not_add_up_is_refused(changed, says):
    with pytest.raises(InputError, match=says):
        population_table("2321", altered(**changed))


def of_berg(**without):
    """A table of two years for another municipality, about which there are no rules."""
    stocks = {"men": (100, 110), "women": (90, 95), "total": (190, 205)}
    grown = {"men": (1, 10), "women": (2, 5), "total": (3, 15)}
    rows = {}
    for kind, table in (("population_31dec", stocks), ("population_growth", grown)):
        for sex, values in table.items():
            for year, value in zip((2015, 2016), values, strict=True):
                i = f"X{len(rows) + 1}"
                empty = dict.fromkeys(
                    ("printed", "qualifier", "model", "role", "denominator", "note"), ""
                )
                rows[i] = Figure(
                    id=i, value=str(value), unit="persons", year=str(year), geography="Berg",
                    level="municipality", sex=sex, indicator=kind, kind="observed",
                    source_named="SCB", document="doc", line="7", **empty,
                )  # fmt: skip
    first = rows["X1"]
    rows["X13"] = replace(
        first, id="X13", value="12", year="2016", indicator="newcomers_received_since_2011"
    )
    return {k: v for k, v in rows.items() if k not in without.get("ids", ())}


def test_a_table_without_rules_is_read_and_checked_too():
    table = population_table("2326", of_berg())
    assert table.persons["total"] == (190, 205)
    assert (table.received, table.received_years, table.lines) == (12, (2016, 2016), ("7", "7"))
    assert printed_check(table).passed is True
    with pytest.raises(InputError, match="Berg's table lacks population_31dec of women in 2016"):
        population_table("2326", of_berg(ids=("X4",)))
    with pytest.raises(InputError, match="newcomers received by Berg is missing"):
        population_table("2326", of_berg(ids=("X13",)))
    wrong = of_berg()
    wrong["X12"] = replace(wrong["X12"], value="16")
    with pytest.raises(InputError, match="Berg's growth of 2016 is 16, but men and women are 15"):
        population_table("2326", wrong)
    wrong["X8"], wrong["X12"] = replace(wrong["X8"], value="11"), replace(wrong["X12"], value="16")
    with pytest.raises(InputError, match="growth of men in 2016 is 11, but the population changed"):
        population_table("2326", wrong)


# from shares to persons


def test_persons_by_hand():
    # 130 of 1,000; without 30 of them 100 of 970: 30 = 1000 · (0.13 − 100/970) / (1 − 100/970)
    assert persons_added(0.13 - 100 / 970, 0.13, 1000) == pytest.approx(30, abs=1e-9)
    assert persons_added(0.0, 0.13, 1000) == 0.0
    # all of the group came by the model
    assert persons_added(0.13, 0.13, 1000) == pytest.approx(130)


@pytest.mark.parametrize(
    ("group", "added"),
    [(g, x) for g in (0, 1, 40, 399) for x in (-250, -1, 0, 1, 40, 399) if x <= g],
)
def test_persons_against_exact_fractions(group, added):
    everyone = 400
    before = Fraction(group - added, everyone - added)
    effect = Fraction(group, everyone) - before
    assert persons_added(float(effect), group / everyone, everyone) == pytest.approx(
        added, abs=1e-9
    )


def test_persons_rise_with_the_effect():
    found = [persons_added(e / 100, 0.2, 1000) for e in range(-70, 21)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("effect", "share", "population"),
    [(0.21, 0.2, 100), (-0.8, 0.2, 100), (0.0, 1.0, 100), (0.0, -0.1, 100), (0.0, 0.2, 0)],
)
def test_impossible_shares_are_refused(effect, share, population):
    with pytest.raises(InputError, match="share"):
        persons_added(effect, share, population)


# the analysis


def test_growth_of_are_by_hand(growth):
    assert (growth.base_year, growth.year) == (2011, 2016)
    assert growth.growth("total") == 11088 - 10259 == 829
    assert (
        (growth.growth("men"), growth.growth("women")) == (5774 - 5232, 5314 - 5027) == (542, 287)
    )
    bounds = growth.to_dict()["bounds"]
    assert bounds["received"] == {"persons": 683, "of_growth": 683 / 829}
    assert bounds["received_last_year"] == {"persons": 160, "of_growth": 160 / 411}


def test_without_those_persons_the_share_is_the_synthetic_municipalitys(case, growth):
    persons, gap = growth.finding.estimates["persons"], growth.finding.estimates["gap"]
    share = case.control.actual[case.control.years.index(2016)] / 100
    synthetic = case.control.synthetic[case.control.years.index(2016)] / 100
    for x, points in zip(
        (persons.estimate, *persons.conf_int), (gap.estimate, *gap.conf_int), strict=True
    ):
        without = (share * 11088 - x) / (11088 - x)
        assert share - without == pytest.approx(points / 100, abs=1e-12)
    x = persons.estimate
    assert (share * 11088 - x) / (11088 - x) == pytest.approx(synthetic, abs=1e-12)
    # the test is the gap's, and the interval keeps its name
    for name in ("p_value", "alpha", "inference", "method", "n_units", "data_hash"):
        assert getattr(persons, name) == getattr(gap, name)
    assert growth.to_dict()["bounds"]["at_most"] == {
        "persons": persons.conf_int[1],
        "of_growth": persons.conf_int[1] / 829,
    }


def test_every_year_of_the_table_beside_its_gap(case, growth):
    gap = dict(zip(case.control.years, case.control.gap, strict=True))
    for row in growth.rows:
        assert row["gap"] == pytest.approx(gap[row["year"]], abs=1e-12)
        assert row["men"] + row["women"] == row["total"]
    last = growth.rows[-1]
    assert last["gap_persons"] == growth.finding.estimates["persons"].estimate
    assert abs(growth.rows[0]["gap_persons"]) < 1


def test_an_open_interval_ends_where_a_share_ends(pieces):
    # 1 of 280 ranks is more than half of 0.5 %
    found = analyse_growth(case_of(pieces, alpha=0.005))
    low, high = found.finding.estimates["persons"].conf_int
    assert low == -math.inf
    # everyone with foreign background
    assert high == pytest.approx(0.1339 * 11088)
    said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert said["finding"]["estimates"]["persons"]["conf_int"][0] is None
    assert "hela ökningen, men intervallet rymmer också ingen alls" in found.finding.sentence_sv
    assert {c.name: c.passed for c in found.finding.checks}["within_received"] is False


def test_growth_counts_from_the_last_year_before_the_start(case):
    def since(first_year):
        return analyse_growth(replace(case, unit=replace(case.unit, first_year=first_year)))

    # the year before the table follows from its first year's growth
    assert (since(2011).base_year, since(2011).growth("total")) == (2010, 814)
    assert (since(2016).base_year, since(2016).growth("men")) == (2015, 253)


def test_where_there_is_nothing_to_set_against(pieces, case):
    assert analyse_growth(case_of(pieces, code="1233")) is None
    other = replace(case, indicator=replace(case.indicator, id="low_economic_standard"))
    assert analyse_growth(other) is None
    assert analyse_growth(replace(case, unit=replace(case.unit, first_year=2017))) is None
    assert analyse_growth(replace(case, unit=replace(case.unit, first_year=2010))) is None
    with pytest.raises(InputError, match="the table is of Berg, the case is Åre"):
        analyse_growth(case, population_table("2326", of_berg()))


# in words


def test_the_sentences_of_are(growth):
    plain = growth.finding.sentence_sv.replace("\u202f", " ").replace("\u00a0", " ")
    assert plain == (
        "Folkmängden i Åre ökade med 829 personer (8,1 %) från den 31 december 2011 till den 31 "
        "december 2016: män +542, kvinnor +287. Gapet i andelen med utländsk bakgrund 2016, +2,06 "
        "procentenheter (p = 0,186), motsvarar 257 personer (95 % placebointervall −441 till 478), "
        "om alla som modellen förde till kommunen har utländsk bakgrund. Då kan modellen som mest "
        "förklara 478 personer, 57,6 % av ökningen, men intervallet rymmer också ingen alls."
    )
    assert growth.received_en.replace("\u00a0", " ") == (
        "Åre received 683 newcomers in 2011–2017. Had all come in 2012–2016 and stayed, they would "
        "be 82.4 % of the growth of 829. The 160 received in 2016 would be 38.9 % of that year's "
        "growth of 411 (253 men and 158 women)."
    )
    checks = {c.name: c for c in growth.finding.checks}
    assert checks["printed_table"].passed is False
    assert "5,574 for men in 2016 should be 5,774" in checks["printed_table"].text_en
    assert checks["within_received"].passed is True


@pytest.mark.parametrize(
    ("ends", "sv", "en"),
    [
        ((10.0, 100.0), "som mest förklara 100 personer, 12,1 % av ökningen.", "100 persons, 12.1"),
        ((10.0, 829.0), "som mest förklara hela ökningen.", "at most all of the growth."),
        ((-10.0, 0.0), "Någon del av ökningen kan modellen då inte", "No part of the growth"),
        ((0.0, 5.0), "5 personer, 0,6 % av ökningen, men intervallet", "but the interval also"),
    ],
)
def test_the_sentence_follows_the_interval(growth, ends, sv, en):
    persons = replace(growth.finding.estimates["persons"], conf_int=ends)
    told = Told(growth.table, 2011, 2016, persons, growth.finding.estimates["gap"])
    assert sv in finding_sentence(told, "sv").replace("\u00a0", " ")
    assert en in finding_sentence(told, "en").replace("\u00a0", " ")


def test_a_population_that_fell_has_no_growth_to_explain(growth):
    table = growth.table
    less = {s: tuple(reversed(v)) for s, v in table.persons.items()}
    fell = {s: tuple(-x for x in v) for s, v in table.growth.items()}
    fallen = replace(table, persons=less, growth=fell)
    estimates = growth.finding.estimates
    told = Told(fallen, 2011, 2016, estimates["persons"], estimates["gap"])
    said = finding_sentence(told, "sv")
    assert "minskade med 829 personer" in said
    assert said.endswith("Någon ökning att förklara finns inte.")
    assert finding_sentence(told, "en").endswith("There is no growth to explain.")
    assert received_sentence(told, "en").endswith("newcomers in 2011–2017.")
    none = replace(growth, table=fallen).to_dict()["bounds"]
    assert none["received"]["of_growth"] is None
    assert none["received_last_year"]["of_growth"] is None
    assert within_check(told).statistic == estimates["persons"].conf_int[1]


# in the report


def test_the_results_hold_every_number_and_the_data(study, growth):
    results = study.to_dict()
    assert results["growth"] == growth.to_dict()
    assert "document_figures" in results["data"]


def test_the_tables_and_the_figure_follow_the_results(study):
    results = study.to_dict()
    for lang in ("sv", "en"):
        tables = make_tables(results, lang)
        people = [row[1] for row in tables["growth"].rows]
        assert people == ["829", "683", "257", "478"]
        assert len(tables["growth_path"].rows) == 6
        assert tables["growth_path"].rows[-1][1].endswith("774*")
        assert "574)" in tables["growth_path"].title
        assert [c["name"] for c in results["growth"]["finding"]["checks"]] == list(
            tables["checks_growth"].raw["name"]
        )
        figure = make_figures(results, lang)["growth"]
        assert all(n in figure.alt for n in ("829", "683", "257", "478"))
        assert "167–175" in figure.source


def test_a_plan_without_such_a_case_has_no_such_section(quick_plan):
    content = quick_plan.model_dump(mode="json")
    results = run_study(plan_from_dict(content | {"case": None})).to_dict()
    assert results["growth"] is None
    assert not any("growth" in k for k in make_tables(results, "sv"))
    assert "growth" not in make_figures(results, "sv")
    assert "document_figures" not in results["data"]


def test_the_report_tells_it(report):
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    page = " ".join((report / "report.html").read_text(encoding="utf-8").split())
    assert "Folkökningen och modellen" in page
    assert "Asylsökande är inte folkbokförda" in page
    with (report / "tables" / "growth.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    for key, bound in (("estimate", "estimate"), ("at_most", "at_most"), ("received", "received")):
        assert float(rows[key]["persons"]) == results["growth"]["bounds"][bound]["persons"]
    assert (report / "figures" / "growth.svg").is_file()
