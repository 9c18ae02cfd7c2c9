"""The documents' models as structured data, and whether each can be evaluated."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evaluation.data import embedded
from evaluation.data.panel import embedded_panel
from evaluation.data.registry import REGISTRY
from evaluation.design.catalogue import (
    DOMAINS,
    catalogue,
    read_date,
    read_goals,
    read_where,
    theory_of_change,
)
from evaluation.design.catalogue.reading import KINDS
from evaluation.design.catalogue.theory import INPUTS
from evaluation.design.stance import classify
from evaluation.errors import InputError
from evaluation.questions.evaluability import DESIGNS, VERDICTS, assess, assess_catalogue, smallest
from evaluation.questions.power import power

MODELS = catalogue()
DOC = Path(__file__).resolve().parents[1] / "docs" / "design" / "catalogue.md"


@pytest.fixture(scope="module")
def every():
    return assess_catalogue()


# where


@pytest.mark.parametrize(
    ("text", "scope", "codes", "regions"),
    [
        ("Åre", "municipalities", ("2321",), ()),
        ("Piteå; Pajala; Norsjö", "municipalities", ("2581", "2521", "2417"), ()),
        ("Piteå (+ partners)", "municipalities", ("2581",), ()),
        ("Gällivare, Pajala (LKF)", "municipalities", ("2523", "2521"), ()),
        ("Skåne", "region", (), ("Skåne län",)),
        ("Västra Götaland", "region", (), ("Västra Götalands län",)),
        ("Skåne (33) + Sölvesborg", "region", ("1083",), ("Skåne län",)),
        ("Skåne (32)", "part_of_region", (), ("Skåne län",)),
        ("Skåne (several)", "part_of_region", (), ("Skåne län",)),
        ("11 kommuner NW Skåne", "part_of_region", (), ("Skåne län",)),
        ("Sverige/Skåne", "nation", (), ("Skåne län",)),
        ("Kalmar", "municipalities", ("0880",), ()),
        ("Jämtland", "region", (), ("Jämtlands län",)),
    ],
)
def test_reading_where(text, scope, codes, regions):
    found = read_where(text)
    assert (found.scope, found.codes, found.regions) == (scope, codes, regions)
    assert found.unnamed_partners == ("partners" in text)


@pytest.mark.parametrize(
    ("text", "says"),
    [("Åre, Atlantis", "'Atlantis' is no municipality"), ("", "'' names no place"),
     ("ANON_4 (Skåne)", "'ANON_4' is no municipality")],
)  # fmt: skip
def test_a_place_that_is_none_is_refused(text, says):
    with pytest.raises(InputError, match=says):
        read_where(text)


# when


@pytest.mark.parametrize(
    ("text", "date", "how"),
    [
        ("2011-H2", (2011, 7), "stated"),
        ("2017-spring", (2017, 3), "stated"),
        ("2018-01-01", (2018, 1), "stated"),
        ("2016-03-01", (2016, 3), "stated"),
        ("2017-02 (portal)", (2017, 2), "qualified"),
        ("2019 (external)", (2019, 1), "qualified"),
        ("2016 (planned)", None, "planned"),
        ("2013-2014", None, "span"),
        ("2016-17", None, "span"),
        ("<=2014 (URL)", None, "bound"),
        ("not stated (external: new way of working 2006-2013)", None, "not_stated"),
        ('"sedan länge"', None, "not_stated"),
        ("", None, "not_stated"),
        ("two-year", None, "not_stated"),
    ],
)
def test_reading_a_date(text, date, how):
    found = read_date(text)
    assert (found.date, found.how) == (date, how)


@pytest.mark.parametrize(
    ("begins", "text", "last"),
    [((2016, 1), "three-year", (2018, 12)), ((2016, 8), "two-year", (2018, 7))],
)
def test_a_length_ends_the_month_before(begins, text, last):
    assert read_date(text, begins).date == last


# the rows


def test_every_row_is_read():
    table = embedded.load("models")
    assert list(MODELS) == table["model_id"].tolist()
    assert set(table["type"]) == set(KINDS)
    kinds = [m.kind for m in MODELS.values()]
    assert {k: kinds.count(k) for k in set(kinds)} == {
        "model": 28, "project": 28, "law": 2, "recommendation": 3, "success_factor": 7,
    }  # fmt: skip
    for m in MODELS.values():
        assert m.document in embedded.DOCUMENTS
        assert m.line.isdigit()
        assert set(m.where.codes) <= set(embedded.municipalities().index)
        assert "" not in (*m.goals, *m.components, *m.funders, *m.stated_outcomes)


def test_every_goal_is_read():
    """Two goals are too general to be measured; their components are read instead."""
    assert [m.id for m in MODELS.values() if not m.reads.domains] == []
    unread = [m.id for m in MODELS.values() if m.goals and m.reads.read_from != "goals"]
    assert unread == ["tia", "umearegionen"]


def test_every_outcome_of_a_goal_is_in_the_registry():
    for d in DOMAINS.values():
        assert {*d.direct, *d.indirect} <= set(REGISTRY)
        assert all(REGISTRY[k].embedded for k in d.indirect)


@pytest.mark.parametrize(
    ("goal", "domains"),
    [
        ("fastest way to self-sufficiency", ["self_support"]),
        ("more newcomers closer to the labour market", ["work"]),
        ("all choose to settle", ["settlement"]),
        ("faster establishment, municipal-economy motive", ["work", "costs"]),
        ("study results for newly arrived pupils", ["school"]),
        ("hälsosamt", []),
        ("public transport", ["organisation"]),
    ],
)
def test_reading_a_goal(goal, domains):
    assert [d.name for d in read_goals([goal], []).domains] == domains


def test_stated_results_keep_their_denominator():
    results = {r.figure.id: r for r in MODELS["are_modellen"].results}
    assert "ambiguous" in results["F003"].denominator
    assert results["F061"].denominator == "not stated"
    principle = MODELS["trelleborgsmodellen"].results
    assert {r.role for r in principle} == {"principle"}
    assert not any(r.role == "result" for r in principle)
    assert MODELS["samordnad_etablering"].results[0].denominator == "people who leave the project"


def test_an_unknown_type_is_refused(monkeypatch):
    def altered(name, load=embedded.load):
        table = load(name)
        if name == "models":
            table.loc[3, "type"] = "vision"
        return table

    monkeypatch.setattr(embedded, "load", altered)
    with pytest.raises(InputError, match="field type: hamsam: 'vision' is no type"):
        catalogue.__wrapped__()


# theory of change


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda m: m.id)
def test_a_theory_of_change_holds_everything_once(model):
    t = theory_of_change(model)
    components = {c.replace("_", " ") for c in model.components}
    assert components <= {*t.inputs, *t.activities}
    assert not (set(t.inputs) - set(model.funders)) & set(t.activities)
    told = len(t.inputs) + len(t.activities) + len(t.outputs) + len(t.outcomes)
    stated = model.components + model.funders + model.goals + model.stated_outcomes
    assert told == len(stated)
    assert not any("%" in o for o in t.outputs)
    figure = t.svg("sv")
    assert figure == theory_of_change(model).svg("sv")
    words = "".join(ET.fromstring(figure).itertext())
    assert all(head in words for head in ("Insatser", "Aktiviteter", "Prestationer", "Effekter"))


def test_inputs_are_components_of_some_model():
    known = {c for m in MODELS.values() for c in m.components}
    assert known >= INPUTS


def test_a_step_that_nobody_states_says_so():
    text = theory_of_change(MODELS["kiruna_metropol"])
    assert "4. Outcomes: none stated" in text.markdown("en")
    assert "4. Effekter: inget angivet" in text.markdown("sv")


# assessment


def test_all_rows_are_assessed(every):
    assert [r.model.id for r in every.rows] == list(MODELS)
    assert sum(every.counts.values()) == 68
    assert set(every.counts) == set(VERDICTS)
    for r in every.rows:
        assert r.reason_sv
        assert r.reason_en
        assert (r.verdict == "now") == (r.smallest is not None)
        assert (r.verdict == "not evaluable") == (r.chosen is None) == (r.design == "")
        assert r.design in ("", *DESIGNS)
        assert bool(r.grade) == (r.verdict in ("now", "with live data"))
        assert "None" not in r.reason_en


def test_the_documentation_says_the_counts(every):
    said = dict(re.findall(r"^\| `([a-z ]+)` \| (\d+) \|", DOC.read_text(encoding="utf-8"), re.M))
    assert {k: int(v) for k, v in said.items()} == every.counts


def test_the_documentation_names_who_can_be_evaluated(every):
    text = DOC.read_text(encoding="utf-8")
    for r in every.rows:
        if r.verdict != "not evaluable":
            assert f"`{r.model.id}`" in text


def test_are_by_hand():
    """Active from the second half of 2011: 2012 is the first whole year."""
    r = assess("are_modellen")
    assert (r.verdict, r.start, r.start_from, r.n_treated) == ("now", (2011, 7), "stated", 1)
    fits = {f.outcome: f for f in r.outcomes}
    # 2010 and 2011 before; 2012 to 2025 after
    background = fits["foreign_background"]
    assert (background.first_year, background.years_before, background.years_after) == (2012, 2, 14)
    poor = fits["low_economic_standard"]
    assert (poor.years_before, poor.years_after) == (1, 13)
    # retention is measured three years after reception
    assert (fits["retention_3_years"].first_year, fits["retention_3_years"].years_before) == (
        2015,
        None,
    )
    assert r.chosen is background
    assert (r.grade, r.shares_place_with) == ("very weak", ("nyar",))
    assert [c.passed for c in r.checks] == [False, False, True]
    assert r.exposed == ("683 persons: newcomers received since 2011 (F002)",)


def test_an_end_ends_the_years_after():
    """Malmö 2017–2018, measured two years after reception: 2019 and 2020."""
    (fit, _) = assess("extratjanster_malmo").outcomes
    assert (fit.outcome, fit.first_year, fit.years_before, fit.years_after) == (
        "N00973",
        2019,
        4,
        2,
    )


def test_a_start_that_no_document_states_is_the_plans_assumption():
    r = assess("trelleborgsmodellen")
    assert (r.start, r.start_from, r.verdict) == ((2013, 1), "assumed", "now")
    assert r.checks[2].passed is False
    assert assess("klondyke").start is None


def dated(model, text):
    return replace(model, starts=read_date(text))


def aiming(model, goal):
    return replace(model, goals=(goal,), reads=read_goals([goal], []))


BASE = aiming(dated(MODELS["in_gellivare"], "2017"), "into work")


@pytest.mark.parametrize(
    ("model", "verdict", "obstacles", "design"),
    [
        (BASE, "with live data", ("not_shipped",), "permutation"),
        (dated(BASE, "not stated"), "not evaluable", ("no_start",), ""),
        (dated(BASE, "2016 (planned)"), "not evaluable", ("no_start",), ""),
        (aiming(BASE, "better health"), "not evaluable", ("no_outcome",), ""),
        (dated(aiming(BASE, "better health"), ""), "not evaluable", ("no_start", "no_outcome"), ""),
        (replace(BASE, for_a_group=True), "with person records", ("group",), "participants"),
        (
            replace(aiming(BASE, "self-sufficiency"), for_a_group=True),
            "not evaluable",
            ("group", "no_person_outcome"),
            "",
        ),
        (replace(BASE, where=read_where("Skåne (several)")), "not evaluable", ("unnamed",), ""),
        (replace(BASE, where=read_where("Skåne")), "with live data", ("not_shipped",), "counties"),
        (
            replace(BASE, where=read_where("Sverige")),
            "with person records",
            ("everywhere",),
            "arrival_date",
        ),
        (
            replace(aiming(BASE, "even distribution"), where=read_where("Sverige")),
            "not evaluable",
            ("no_comparison",),
            "",
        ),
        (replace(BASE, kind="success_factor"), "not evaluable", ("advice",), ""),
        (replace(BASE, kind="recommendation"), "not evaluable", ("advice",), ""),
        (dated(BASE, "2006"), "with person records", ("too_early",), "registers"),
        (
            dated(aiming(BASE, "even distribution"), "2006"),
            "not evaluable",
            ("too_early", "no_person_outcome"),
            "",
        ),
        (aiming(BASE, "self-sufficiency"), "now", (), "synthetic_control"),
        (dated(aiming(BASE, "self-sufficiency"), "2013"), "now", (), "permutation"),
        (dated(aiming(BASE, "self-sufficiency"), "2011"), "with live data", ("not_shipped",),
         "permutation"),
        (dated(aiming(BASE, "self-sufficiency"), "2024-03"), "with live data", ("not_shipped",),
         "permutation"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_fields(model, verdict, obstacles, design):
    found = assess(model)
    assert (found.verdict, found.obstacles, found.design) == (verdict, obstacles, design)


def test_the_name_of_a_model_decides_nothing(every):
    """The key enters through the plan's assumed starts alone."""
    for r in every.rows:
        if r.start_from != "assumed":
            other = assess(replace(r.model, id="x", name="x"))
            assert (other.verdict, other.obstacles) == (r.verdict, r.obstacles)


def test_every_reason_in_both_languages(every):
    for r in every.rows:
        assert r.reason("sv") != r.reason("en")
        assert r.reason_sv.endswith(".")
        assert "{" not in r.reason_sv + r.reason_en


# the smallest effect


def test_the_smallest_effect_is_what_power_gives():
    found = assess("are_modellen").smallest
    counts = classify(("explicit", "strong", "indirect", "weak"))
    active = {*counts.active, *counts.uncertain} - {"2321"}
    panel = embedded_panel("foreign_background")
    panel = panel.select([u for u in panel.units if u not in active])
    size = embedded.municipalities()["population_2017"].reindex(panel.units)
    mine = power(panel, treated_units=["2321"], cohort_year=2012, size=size, donors=30,
                 draws=found.draws, seed=found.seed)  # fmt: skip
    assert found.effect == mine.detectable
    assert found.n_units == mine.n_units == 279
    assert found.data_hash == panel.hash()


def test_power_is_computed_once_for_each_design(monkeypatch):
    calls = []

    def counted(*given, **named):
        calls.append(named["treated_units"])
        return power(*given, **named)

    monkeypatch.setattr(smallest, "power", counted)
    smallest.smallest_effect.cache_clear()
    assess_catalogue()
    n = len(calls)
    assert n == len(set(calls)) == 2
    assess_catalogue()
    assert len(calls) == n


def test_more_treated_municipalities_than_thirty_donors_each_allow():
    """Ten municipalities cannot have thirty each of 279; they get as many as there are."""
    many = aiming(dated(MODELS["fadder"], "2016"), "self-sufficiency")
    found = assess(replace(many, for_a_group=False))
    assert found.verdict == "now"
    assert found.smallest.n_treated == found.n_treated == 10
    one = assess(aiming(dated(MODELS["in_gellivare"], "2016"), "self-sufficiency"))
    assert found.smallest.effect < one.smallest.effect


def test_an_unknown_model_is_refused():
    with pytest.raises(InputError, match="there is no model 'nobody'"):
        assess("nobody")


def test_the_readme_has_the_counts_of_the_verdicts():
    counts = assess_catalogue().counts
    text = " ".join((Path(__file__).parents[1] / "README.md").read_text("utf-8").split())
    said = (
        f"Of the {len(MODELS)} rows {counts['now']} can be evaluated now, "
        f"{counts['with live data']} with live data, {counts['with person records']} with person "
        f"records, and {counts['not evaluable']} not"
    )
    assert said in text
