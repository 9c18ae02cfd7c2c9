"""Who is treated, since when, against whom: from the coded documents, never typed in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation import (
    InputError,
    classify,
    design_from_plan,
    load_plan,
    matched_sets,
    municipalities,
    stance_table,
)
from evaluation.data import embedded
from evaluation.design.exposure import first_treated_year, parse_start
from evaluation.design.stance import ACTIVE
from evaluation.design.treatment import estimable_years
from evaluation.plan import plan_from_dict

ACCEPTED = {"explicit", "strong"}


@pytest.fixture(scope="module")
def settlement():
    return design_from_plan(load_plan("settlement"))


def changed(**treatment):
    """Return the settlement plan with other keys under ``treatment``."""
    content = load_plan("settlement").model_dump(mode="json")
    content["treatment"] |= treatment
    return plan_from_dict(content)


# stance


def test_every_municipality_is_in_exactly_one_group():
    counts = classify(ACCEPTED)
    groups = [counts.active, counts.uncertain, counts.not_known]
    assert [len(g) for g in groups] == [4, 7, 279]
    assert sorted(c for g in groups for c in g) == sorted(municipalities().index)


def test_the_active_and_the_uncertain_by_name():
    names = municipalities()["name"]
    counts = classify(ACCEPTED)
    assert {names[c] for c in counts.active} == {"Åre", "Vellinge", "Skurup", "Trelleborg"}
    assert {names[c] for c in counts.uncertain} == {
        "Malmö", "Helsingborg", "Simrishamn", "Nordmaling", "Gällivare", "Boden", "Pajala",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "active"),
    [({"explicit"}, 3), ({"explicit", "strong"}, 4), ({"explicit", "strong", "indirect"}, 9)],
)
def test_less_evidence_makes_more_active(evidence, active):
    counts = classify(evidence)
    assert len(counts.active) == active
    assert len(counts.active) + len(counts.uncertain) == 11


def test_anonymous_answers_have_no_municipality():
    table = embedded.load("stance")
    anonymous = table[table["municipality"].str.startswith("ANON")]
    assert len(anonymous) == 3
    assert anonymous["code"].isna().all()
    assert (anonymous["evidence_strength"] == "anonymous").all()
    # and the other way: without a code, without a name
    assert table[table["code"].isna()].index.equals(anonymous.index)
    assert classify(ACCEPTED).anonymous == 3


@pytest.mark.parametrize(
    "evidence", [(), ACCEPTED, {"explicit", "strong", "indirect", "weak", "none", "anonymous"}]
)
def test_no_evidence_rule_ties_an_anonymous_answer_to_a_municipality(evidence):
    counts = classify(evidence)
    codes = {*counts.active, *counts.uncertain, *counts.not_known}
    assert codes == set(municipalities().index)
    assert len(counts.active) + len(counts.uncertain) == 11
    assert not any(name.startswith("ANON") for name in stance_table()["municipality"])


def test_a_mention_without_evidence_makes_nobody_active(monkeypatch):
    """An active stance whose evidence is none is no claim: the code stays not known."""

    def altered(name, load=embedded.load):
        table = load(name)
        if name == "stance":
            table.loc[table["code"] == "1262", "stance"] = "active_day_one"
        return table

    assert stance_table().loc["1262", "strength"] == "none"
    monkeypatch.setattr(embedded, "load", altered)
    assert stance_table().loc["1262", "stance"] == "active_day_one"
    counts = classify(ACCEPTED)
    assert "1262" in counts.not_known
    assert len(counts.active) + len(counts.uncertain) == 11


def test_nobody_is_named_as_waiting():
    assert set(stance_table()["stance"]) <= ACTIVE | {"unclear"}


def test_every_code_of_the_stance_data_is_a_municipality_of_that_name():
    table, places = stance_table(), municipalities()
    assert not table.index.has_duplicates
    assert set(table.index) <= set(places.index)
    assert (table["municipality"] == places.loc[table.index, "name"]).all()


def test_every_coded_stance_has_document_and_line():
    table = stance_table()
    assert table["document"].notna().all()
    assert table["line"].str.fullmatch(r"\d+").all()
    assert set(table["strength"]) == {"explicit", "strong", "indirect", "weak", "none"}


# first treated years


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2011", (2011, 1)),
        ("2011-H1", (2011, 1)),
        ("2011-H2", (2011, 7)),
        ("2017-winter", (2017, 1)),
        ("2017-spring", (2017, 3)),
        ("2017-summer", (2017, 6)),
        ("2017-autumn", (2017, 9)),
        ("2017-01", (2017, 1)),
        ("2017-12", (2017, 12)),
        (" 2011 ", (2011, 1)),
        ("2017-13", None),
        ("2017-00", None),
        ("2017-3", None),
        ("2013-2014", None),
        ("2006-2013", None),
        ("not stated", None),
        ("2011-H3", None),
        ("2011-", None),
        ("11-H2", None),
        ("1811", None),
        ("2011 or 2012", None),
        ("", None),
    ],
)
def test_reading_a_start(text, start):
    assert parse_start(text) == start


@pytest.mark.parametrize(
    ("start", "whole", "touched"),
    [((2011, 7), 2012, 2011), ((2017, 3), 2018, 2017), ((2016, 1), 2016, 2016)],
)
def test_first_treated_year(start, whole, touched):
    assert first_treated_year(start, "first_whole_year") == whole
    assert first_treated_year(start, "first_year_touched") == touched


def test_first_years_of_the_settlement_plan(settlement):
    years = {t.name: (t.first_year, t.assumed, t.stated_start) for t in settlement.treated}
    assert years["Åre"] == (2012, False, "2011-H2")
    assert years["Vellinge"] == (2018, False, "2017-spring")
    assert years["Skurup"][:2] == (2017, True)
    assert years["Trelleborg"][:2] == (2013, True)


def test_stated_first_years_are_computed_from_the_models_data(settlement):
    models = embedded.load("models").set_index("model_id")
    for t in settlement.treated:
        start = parse_start(models.loc[t.model, "start"])
        assert (start is None) == t.assumed
        if start is not None:
            assert t.first_year == first_treated_year(start, "first_whole_year")


def test_another_start_in_the_document_gives_another_year(monkeypatch):
    def altered(name, load=embedded.load):
        table = load(name)
        if name == "models":
            table.loc[table["model_id"] == "are_modellen", "start"] = "2012-autumn"
        return table

    monkeypatch.setattr(embedded, "load", altered)
    assert design_from_plan(load_plan("settlement")).treated[0].first_year == 2013


def test_a_year_that_was_touched_counts_if_the_plan_says_so():
    design = design_from_plan(changed(exposure="first_year_touched"))
    assert [t.first_year for t in design.treated] == [2011, 2017, 2017, 2013]


# the design


def test_groups_of_the_design(settlement):
    assert settlement.treated_codes == ["2321", "1233", "1264", "1287"]
    assert len(settlement.controls) == 279
    assert len(settlement.excluded) == 7
    groups = [settlement.treated_codes, settlement.controls, settlement.excluded]
    assert sorted(c for g in groups for c in g) == sorted(municipalities().index)


def test_uncertain_municipalities_may_join_the_comparison():
    design = design_from_plan(changed(uncertain="control"))
    assert len(design.controls) == 286
    assert design.excluded == ()
    assert set(classify(ACCEPTED).uncertain) <= set(design.controls)


def test_cohorts(settlement):
    cohort = settlement.cohort()
    assert cohort[cohort > 0].to_dict() == {"2321": 2012, "1233": 2018, "1264": 2017, "1287": 2013}
    assert (cohort == 0).sum() == 279
    assert settlement.cohort(c2321=2013)["2321"] == 2013
    assert settlement.cohort()["2321"] == 2012


def test_what_is_told_of_a_treated_municipality(settlement):
    are = settlement.treated[0]
    assert (are.code, are.name) == ("2321", "Åre")
    assert are.population == int(municipalities().loc["2321", "population_2017"])
    assert (are.stance, are.strength) == ("active_from_asylum", "explicit")
    assert are.because_sv == are.because_en == ""
    assert all(bool(t.because_sv) == bool(t.because_en) == t.assumed for t in settlement.treated)


@pytest.mark.parametrize(
    ("span", "good", "bad"),
    [
        ((2010, 2012), [2011, 2012], [2010]),
        ((2012, 2012), [2012], []),
        ((2014, 2017), [2014, 2015], [2016, 2017]),
        ((2005, 2010), [], [2005, 2006, 2007, 2008, 2009, 2010]),
    ],
)
def test_estimable_years(span, good, bad):
    assert estimable_years(span, list(range(2010, 2016))) == (good, bad)


# matched sets


def naive(treated, donors, size, k):
    """Each treated in turn takes the free donor whose size is the smallest multiple away."""
    free, sets = list(donors), [[t] for t in treated]
    for _ in range(k):
        for s in sets:
            ratios = [max(size[s[0]], size[d]) / min(size[s[0]], size[d]) for d in free]
            s.append(free.pop(int(np.argmin(ratios))))
    return sets


@st.composite
def matchings(draw):
    """Treated units, donors with sizes all different, and how many each may take."""
    n_treated, k = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    n_donors = draw(st.integers(n_treated * k, n_treated * k + 8))
    sizes = draw(
        st.lists(
            st.integers(1, 10**6), min_size=n_treated + n_donors, max_size=n_treated + n_donors,
            unique=True,
        )
    )  # fmt: skip
    log = np.log(sizes)
    far = np.sort(np.abs(log[n_treated:] - log[:n_treated, None]), axis=1)
    assume((np.diff(far, axis=1) > 1e-9).all())  # no two donors equally near
    names = [f"t{i}" for i in range(n_treated)] + [f"d{i}" for i in range(n_donors)]
    return names[:n_treated], names[n_treated:], pd.Series(sizes, index=names, name="size"), k


def test_equally_near_donors_are_taken_in_the_order_given():
    size = pd.Series({"t": 10, "a": 12, "b": 12, "c": 12})
    assert matched_sets(["t"], ["c", "a", "b"], size, 2) == [["t", "c", "a"]]


@given(matchings())
def test_matched_sets_are_disjoint_nearest_and_complete(problem):
    treated, donors, _, k = problem
    found = matched_sets(*problem)
    assert [s[0] for s in found] == treated
    assert all(len(s) == k + 1 for s in found)
    taken = [d for s in found for d in s[1:]]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(donors)
    assert found == naive(*problem)
    assert matched_sets(*problem) == found


@given(matchings(), st.randoms(use_true_random=False))
def test_the_order_of_donors_does_not_matter(problem, random):
    treated, donors, size, k = problem
    turned = list(donors)
    random.shuffle(turned)
    assert matched_sets(treated, turned, size, k) == matched_sets(treated, donors, size, k)


def test_the_settlement_plans_sets(settlement):
    size = municipalities()["population_2017"]
    found = matched_sets(settlement.treated_codes, settlement.controls, size, 30)
    everyone = [u for s in found for u in s]
    assert len(everyone) == len(set(everyone)) == 4 * 31
    assert not set(everyone) & set(settlement.excluded)
    assert found == naive(settlement.treated_codes, settlement.controls, size, 30)


@pytest.mark.parametrize(
    ("treated", "donors", "k", "says"),
    [
        (["a", "c"], ["b", "d", "e"], 2, "2 treated units with 2 donors each need 4 donors"),
        (["a"], ["b", "x"], 1, "unit x has no size above zero"),
        (["a"], ["b", "zero"], 1, "unit zero has no size above zero"),
    ],
)
def test_matching_that_cannot_be_is_refused(treated, donors, k, says):
    size = pd.Series({"a": 10, "b": 11, "c": 100, "d": 90, "e": 9, "zero": 0}, name="size")
    with pytest.raises(InputError, match=says):
        matched_sets(treated, donors, size, k)
