"""Comparison groups of municipalities, their neighbours, and the rules that leave some out."""

import numpy as np
import pandas as pd
import pytest

from evaluation.data import embedded
from evaluation.data.panel import embedded_panel
from evaluation.design.comparison import (
    BIG_CITIES,
    INCOME_FROM_NORWAY,
    balance_table,
    comparison_group,
    coordinate_distances,
    entropy_balance,
    mahalanobis_match,
    match_table,
    municipality_distances,
    neighbour_distances,
    neighbour_lists,
    neighbours,
    overlap,
)
from evaluation.design.stance import classify
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.estimation.diagnostics import spillover
from evaluation.plan import load_plan

PLACES = embedded.municipalities()
NAME = PLACES["name"]


@pytest.fixture(scope="module")
def settlement():
    return design_from_plan(load_plan("settlement")).cohort()


def everyone(**years):
    """Return a cohort of all 290, first treated years given as ``c2321=2012``."""
    return pd.Series(
        dict.fromkeys(PLACES.index, 0) | {c[1:]: y for c, y in years.items()}, dtype=int
    )


# the data


def test_the_pairs_are_well_formed():
    pairs = embedded.load("neighbours").astype({"border_km": float, "gap_km": float})
    assert (pairs["code"] < pairs["neighbour"]).all()
    assert not pairs.duplicated(["code", "neighbour"]).any()
    assert set(pairs["code"]) | set(pairs["neighbour"]) <= set(PLACES.index)
    assert pairs["contact"].value_counts().to_dict() == {"border": 691, "corner": 37, "water": 30}
    assert ((pairs["border_km"] > 0) == (pairs["contact"] == "border")).all()
    assert ((pairs["gap_km"] > 0) == (pairs["contact"] == "water")).all()
    assert pairs["gap_km"].max() <= 10


def test_neighbours_that_everybody_knows():
    def names(code, **options):
        return {NAME[c] for c in neighbours(code, **options)}

    assert names("2584") == {"Gällivare", "Pajala"}
    assert names("0885") == {"Mörbylånga"}
    assert names("1233") == {"Malmö", "Svedala", "Trelleborg"}
    assert names("0980") == set()
    assert names("1419", water_km=2) == {"Orust", "Stenungsund"}
    assert names("0186", water_km=1.25) == {"Danderyd", "Nacka", "Stockholm", "Vaxholm"}


def test_islands_are_the_five_that_the_readme_names():
    alone = {NAME[c] for c, beside in neighbour_lists().items() if not beside}
    assert alone == {"Ekerö", "Lidingö", "Gotland", "Öckerö", "Tjörn"}
    assert {NAME[c] for c, beside in neighbour_lists(water_km=10).items() if not beside} == {
        "Gotland"
    }


def test_corners_can_be_left_out():
    with_corners, borders = neighbour_lists(), neighbour_lists(corners=False)
    assert "1264" in with_corners["1263"]
    assert "1264" not in borders["1263"]
    count = [sum(map(len, x.values())) // 2 for x in (with_corners, borders)]
    assert count == [691 + 37, 691]


def test_neighbours_by_order_equal_walking_the_lists():
    lists = neighbour_lists()
    for code in ("2321", "1264", "0180", "1407"):
        reached = {code}
        for order in (1, 2, 3, 4):
            reached |= {o for c in reached for o in lists[c]}
            assert set(neighbours(code, order)) == reached - {code}


def test_distances_are_a_metric_on_the_mainland():
    d = municipality_distances()
    assert d.shape == (290, 290)
    assert (d.to_numpy() == d.to_numpy().T).all()
    assert (np.diag(d) == 0).all()
    pd.testing.assert_frame_equal(d, neighbour_distances(neighbour_lists()))
    for by in ("0680", "1880", "2361"):
        step = d[by].to_numpy()
        assert (d.to_numpy() <= step[:, None] + step[None, :]).all()
    d.loc[:, :] = -1.0
    assert (municipality_distances().to_numpy() >= 0).all()


def test_the_rings_take_them(settlement):
    panel = embedded_panel("foreign_background").select(list(settlement.index))
    near = spillover.distance_to_treated(panel, settlement, municipality_distances())
    assert set(near[near == 1].index) == {
        c for t in settlement.index[settlement > 0] for c in neighbours(t)
    } & set(settlement.index[settlement == 0])
    assert spillover.neighbour_distances is neighbour_distances
    assert spillover.coordinate_distances is coordinate_distances
    found = spillover.spillover_rings(panel, settlement, municipality_distances(), rings=(1, 2))
    assert found.labels == ("beyond 1", "ring 1", "beyond 2", "ring 2")
    n_near = int((near == 1).sum())
    assert found.estimates[1].n_units == n_near + 4


def test_income_from_norway_shows_in_the_data():
    values = embedded_panel("low_economic_standard").values
    drop = values[2015] - values[2014]
    assert tuple(sorted(drop.index[drop <= -5])) == INCOME_FROM_NORWAY
    assert drop.drop(list(INCOME_FROM_NORWAY)).min() > -3
    assert [NAME[c] for c in BIG_CITIES] == ["Stockholm", "Malmö", "Göteborg"]


# groups


def test_never_treated_are_those_with_no_year(settlement):
    found = comparison_group("never_treated", settlement)
    assert list(found.codes) == [c for c in settlement.index if settlement[c] == 0]
    assert set(found.treated) == set(settlement.index[settlement > 0])
    assert found.dropped == ()
    assert found.rules == ()


def test_not_yet_treated_move_over_as_the_years_go():
    cohort = everyone(c2321=2012, c1287=2013, c1264=2017)
    by = {2012: {"2321"}, 2016: {"2321", "1287"}, 2017: {"2321", "1287", "1264"}}
    for year, treated in by.items():
        found = comparison_group("not_yet_treated", cohort, year=year)
        assert set(found.treated) == treated
        assert set(found.codes) == set(PLACES.index) - treated


def test_not_known_active_leaves_out_also_weak_evidence():
    found = comparison_group("not_known_active", everyone(c2321=2012))
    counts = classify({"explicit", "strong"})
    assert set(found.codes) == set(counts.not_known)
    assert {c for c, why in found.dropped if "weaker" in why} == set(counts.uncertain)
    assert {c for c, why in found.dropped if why == "a document names it as active"} == set(
        counts.active
    ) - {"2321"}


def test_same_county():
    found = comparison_group("same_county", everyone(c2321=2012))
    assert {PLACES.loc[c, "county"] for c in found.codes} == {"Jämtlands län"}
    assert len(found.codes) == 7
    assert found.reasons["0180"] == "in Stockholms län"


def test_neighbours_as_a_group_and_as_a_ring():
    cohort = everyone(c2321=2012)
    assert list(comparison_group("neighbours", cohort).codes) == neighbours("2321")
    ring = comparison_group("neighbours", cohort, order=2, beyond=1)
    assert set(ring.codes) == set(neighbours("2321", 2)) - set(neighbours("2321"))
    assert ring.reasons["2326"] == "1 border(s) from treated 2321"
    assert ring.reasons["0980"] == "more than 2 border(s) from every treated unit"


def test_every_unit_is_in_one_place_with_its_reason():
    cohort = everyone(c2321=2012, c1264=2017)
    found = comparison_group(
        "not_known_active",
        cohort,
        beyond=1,
        big_cities=False,
        without=INCOME_FROM_NORWAY,
    )
    table = found.tidy()
    assert sorted(table["unit"]) == sorted(PLACES.index)
    assert (table["reason"].eq("") == table["group"].ne("left out")).all()
    reasons = found.reasons
    assert {reasons[c] for c in INCOME_FROM_NORWAY} == {"named to be left out"}
    assert reasons["0180"] == reasons["1480"] == "big city"
    # the first reason that holds is told
    assert reasons["1280"] == "named as active on weaker evidence"
    assert reasons["1263"] == "1 border(s) from treated 1264"
    assert found.to_dict()["rules"] == [
        "named as active on explicit or strong evidence, or on weaker: left out",
        "more than 1 border(s) from every treated unit",
        "without the big cities",
        "without 1486, 1730, 1765",
    ]


def test_water_decides_whether_an_island_is_near():
    cohort = everyone(c1419=2012)
    dry = comparison_group("never_treated", cohort, beyond=1)
    wet = comparison_group("never_treated", cohort, beyond=1, water_km=2)
    assert set(dry.codes) - set(wet.codes) == {"1415", "1421"}


@pytest.mark.parametrize(
    ("kind", "cohort", "options", "says"),
    [
        ("similar", everyone(c2321=2012), {}, "field kind: must be one of never_treated, "),
        ("never_treated", everyone(), {}, "field cohort: no municipality is treated"),
        ("never_treated", everyone() + 2012, {}, "nobody is left to compare the treated with"),
        ("not_yet_treated", everyone(c2321=2012), {}, "field year: goes with not_yet_treated"),
        ("never_treated", everyone(c2321=2012), {"year": 2012}, "field year: goes with"),
        ("not_yet_treated", everyone(c2321=2012), {"year": 2011}, "is treated by 2011"),
        ("neighbours", everyone(c0980=2012), {}, "nobody is left .*; 0114: more than 1 border"),
        ("neighbours", everyone(c2321=2012), {"beyond": 1}, "nobody is left to compare"),
        ("neighbours", everyone(c2321=2012), {"order": 0}, "field order: must be 1 or more"),
        ("never_treated", everyone(c2321=2012), {"beyond": -1}, "field beyond: must be 0 or more"),
        ("never_treated", everyone(c2321=2012), {"without": ["14"]}, "field without: '14' is not"),
        ("never_treated", everyone(c2321=2012), {"water_km": 11}, "field water_km: .* not 11"),
        ("never_treated", pd.Series({"23": 2012, "2326": 0}), {}, "field cohort: '23' is not the"),
        ("never_treated", pd.Series({"2321": 2012.5, "2326": 0}), {}, "2321 has 2012.5, no year"),
        ("never_treated", pd.Series({"2321": np.nan, "2326": 0}), {}, "2321 has nan, no year"),
        ("never_treated", pd.Series({"2321": "2012", "2326": "0"}), {}, "holds no numbers"),
        ("never_treated", pd.Series([2012, 0], ["2321", "2321"]), {}, "2321 stands twice"),
    ],
)
def test_groups_that_cannot_be_made(kind, cohort, options, says):
    with pytest.raises(InputError, match=says):
        comparison_group(kind, cohort, **options)


def test_neighbours_that_cannot_be_told():
    with pytest.raises(InputError, match="'23' is not the code"):
        neighbours("23")
    with pytest.raises(InputError, match="field order: must be 1 or more, not 0"):
        neighbours("2321", 0)
    with pytest.raises(InputError, match="must be 0 to 10 km, not -1"):
        neighbour_lists(water_km=-1)


def test_the_example_of_the_documentation(settlement):
    group = comparison_group(
        "not_known_active", settlement, beyond=1, big_cities=False, without=INCOME_FROM_NORWAY
    )
    assert (len(group.codes), len(group.dropped)) == (268, 11)
    panel = embedded_panel("foreign_background").select(list(settlement.index))
    table = match_table(panel, before=settlement, size=PLACES["population_2017"])
    table = table.loc[[*group.treated, *group.codes]]
    assert overlap(table, group.treated).outside == ()
    matching = mahalanobis_match(table, group.treated, n_matches=5, replacement=False)
    are = next(s for s in matching.sets() if s[0] == "2321")
    assert [NAME[c] for c in are] == ["Åre", "Forshaga", "Säter", "Härjedalen", "Ånge", "Sunne"]
    after = balance_table(table, matching.treated, matching.weights).table
    assert after["smd_before"].round(2).tolist() == [-0.28, -0.78, 0.27]
    assert after["smd_after"].round(2).tolist() == [0.08, -0.06, 0.11]
    found = entropy_balance(table, group.treated)
    assert found.effective_size == pytest.approx(154.7, abs=0.05)
    assert found.largest_share == pytest.approx(0.029, abs=0.0005)
    assert balance_table(table, group.treated, found.weights).check().passed is True
