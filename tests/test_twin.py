"""The simulated twin: its form, its calibration, its truth, and that the truth is found again."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import typer
from pydantic import ValidationError
from typer.testing import CliRunner

from evaluation import InputError, Panel, aggregate, auto_inference, callaway_santanna
from evaluation import municipalities as places
from evaluation.cli.simulate import simulate as command
from evaluation.data import embedded
from evaluation.data.observations import COLUMNS, SIMULATED, observations
from evaluation.data.registry import REGISTRY
from evaluation.data.schema import validate
from evaluation.data.twin import Truth, simulate
from evaluation.data.twin.activity import make_activity
from evaluation.data.twin.country import METROPOLITAN, make_country
from evaluation.data.twin.moves import KINDS, destinations
from evaluation.data.twin.people import make_people
from evaluation.data.twin.streams import stream
from evaluation.data.twin.world import make_setting, make_world
from evaluation.plan import SimulatedData, SimulatedEffect, plan_from_dict

NO_EFFECT = {
    "effect": SimulatedEffect(women=0, men=0),
    "effect_retention": 0,
    "effect_cost": 0,
}
YEARS = list(range(2015, 2026))

SHORT = {"years": (2000, 2007), "adoption": (2003, 2003)}


def make(seed=1, **switches):
    return simulate(SimulatedData(seed=seed, persons=False, **switches))


def wide(twin, indicator, sex="T"):
    o = twin.observations
    rows = o[(o["indicator"] == indicator) & (o["sex"] == sex)]
    return rows.pivot(index="code", columns="year", values="value").rename(columns=int)


@pytest.fixture(scope="module")
def twin():
    return simulate(SimulatedData(seed=1))


@pytest.fixture(scope="module")
def nothing():
    """The same country without any effect."""
    return simulate(SimulatedData(seed=1, **NO_EFFECT))


@pytest.fixture(scope="module")
def several(nothing):
    """Countries without any effect."""
    return [nothing, *(make(seed, **NO_EFFECT) for seed in (2, 3, 4))]


# form


def test_codes_indicators_and_sexes_are_those_of_the_live_data(twin):
    o = twin.observations
    assert tuple(o.columns) == COLUMNS
    found = o.groupby("indicator")["sex"].unique().map(set).to_dict()
    live = {k: set(i.sexes) for k, i in REGISTRY.items() if i.kolada is not None}
    assert found == live
    assert set(o["code"]) == set(places().index)
    assert set(o["year"]) == set(range(2008, 2026))
    assert not o.duplicated(["indicator", "code", "year", "sex"]).any()
    pd.testing.assert_frame_equal(observations(o), o)


def test_values_lie_in_the_registrys_range_with_its_decimals(twin):
    for id_, rows in twin.observations.dropna().groupby("indicator"):
        entry = REGISTRY[id_]
        if entry.lowest is not None:
            assert rows["value"].min() >= entry.lowest
        if entry.highest is not None:
            assert rows["value"].max() <= entry.highest
        assert (rows["value"].round(entry.decimals) == rows["value"]).all()


def test_the_observations_pass_the_schema_of_the_live_data(twin):
    pd.testing.assert_frame_equal(validate(twin.observations), twin.observations)


def test_the_same_numbers_on_every_run(twin):
    again = simulate(SimulatedData(seed=1))
    assert again.hash == twin.hash
    assert again.persons.equals(twin.persons)
    assert again.truth.to_dict() == twin.truth.to_dict()
    assert make(2, **SHORT).hash != make(1, **SHORT).hash


def test_leaving_out_the_records_changes_no_number(twin):
    without = make()
    assert without.persons is None
    pd.testing.assert_frame_equal(without.observations, twin.observations)


def test_a_parts_numbers_depend_on_seed_and_name_only():
    """The key is the name's checksum; written down so that a change of it is seen."""
    expected = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(4020398583,))).random(3)
    assert stream(5, "sex").random(3).tolist() == expected.tolist()
    assert stream(5, "age").random(3).tolist() != expected.tolist()


# calibration


def leaver_weighted(twin, by=None):
    share, leavers = wide(twin, "N00973"), wide(twin, "N00964")
    known = share.notna() & leavers.notna()
    by = pd.Series("nation", share.index) if by is None else by
    return (share * leavers).where(known).groupby(by).sum() / leavers.where(known).groupby(by).sum()


def areas(twin):
    """The 21 counties with the three cities on their own: areas of a constituency's size."""
    codes = twin.stance["code"]
    return pd.Series([c if c in METROPOLITAN else c[:2] for c in codes], list(codes))


def test_the_probabilities_are_calibrated_exactly():
    settings = SimulatedData(seed=1)
    country = make_country(1, *settings.years)
    people = make_people(1, country)
    setting = make_setting(country, people)
    world = make_world(setting, settings, np.zeros(len(people.place)), 0 * country.local)
    left = world.leaver
    t = people.end[left] // 12 - country.start
    p = np.clip(setting.level[world.residence[left], t] + people.points[left], 1, 99)
    found = np.bincount(t, p) / np.bincount(t).clip(1)
    shown = (country.years >= 2015) & (country.years <= 2025)
    nation = embedded.load("establishment_90_days").set_index("code").loc["0000"]
    assert np.allclose(found[shown], nation[map(str, YEARS)].astype(float), atol=1e-6)


def test_the_nation_has_the_level_and_jumps_of_n00973(several):
    target = [31.4, 32.7, 35.6, 45.4, 34.4, 32.8, 30.3, 35.1, 39.3, 35.5, 44.6]
    for twin in several:
        share = leaver_weighted(twin).loc["nation", YEARS].to_numpy()
        n = wide(twin, "N00964")[YEARS].sum().to_numpy()
        # binomial noise; suppressed cells are a per cent of all leavers
        error = 100 * np.sqrt(0.25 / n)
        assert (np.abs(share - target) < 4 * error + 0.1).all()


def test_the_effect_moves_the_nation_little(twin, nothing):
    moved = leaver_weighted(twin).loc["nation", YEARS] - leaver_weighted(nothing).loc["nation"]
    assert moved[YEARS].between(0, 0.8).all()
    assert moved[YEARS].max() > 0.1


def test_areas_differ_by_six_to_eight_points_and_stay_different(several):
    """Targets: 7.05 between the 29 constituencies, lag-one autocorrelation 0.69."""
    spread, memory = [], []
    for twin in several:
        a = leaver_weighted(twin, areas(twin))[YEARS]
        spread.append(a.std().mean())
        d = (a - a.mean()).to_numpy()
        memory.append(np.corrcoef(d[:, :-1].ravel(), d[:, 1:].ravel())[0, 1])
    assert 6 < np.mean(spread) < 8
    assert 0.55 < np.mean(memory) < 0.8


def test_women_are_below_men_and_a_total_lies_between(nothing):
    share = {s: wide(nothing, "N00973", s) for s in "TKM"}
    n = {s: wide(nothing, "N00964", s) for s in "KM"}
    mean = {s: (share[s] * n[s]).sum().sum() / n[s].where(share[s].notna()).sum().sum() for s in n}
    assert 8 < mean["M"] - mean["K"] < 14
    both = (share["K"] * n["K"] + share["M"] * n["M"]) / (n["K"] + n["M"])
    assert ((both - share["T"]).abs().max() < 0.011).all()


def test_noise_is_binomial_in_the_number_of_leavers(several):
    """Variance between municipalities is that of their levels plus p(1 − p)/n."""
    small, large, binomial = [], [], []
    for twin in several:
        share, n = wide(twin, "N00973"), wide(twin, "N00964")
        rest = share - share.where(n >= 100).mean()
        few, many = (n >= 5) & (n <= 15), n >= 200
        small.append((rest.where(few) ** 2).stack())
        large.append((rest.where(many) ** 2).stack())
        binomial.append((0.35 * 0.65 * 1e4 / n.where(few)).stack())
    excess = pd.concat(small).mean() - pd.concat(large).mean()
    assert excess == pytest.approx(pd.concat(binomial).mean(), rel=0.15)


def test_two_in_three_stay_three_years(several):
    """SCB, 15 October 2020: 68 per cent of those received in 2016."""
    for twin in several:
        stayed = wide(twin, "N00732")[range(2011, 2026)].sum().sum()
        received = wide(twin, "N01986")[range(2008, 2023)].sum().sum()
        assert 100 * stayed / received == pytest.approx(68, abs=1.5)


# the indicators and the records


def test_indicators_follow_from_the_records(twin):
    p = twin.persons
    left = p.dropna(subset="programme_end")
    year = left["programme_end"].dt.year.rename("year")
    good = left["status_90_days"].isin(["work", "studies"])
    for sex in "KMT":
        who = left if sex == "T" else left[left["sex"] == sex]
        keys = [who["residence_code"].astype(str), year[who.index]]
        n = who.groupby(keys).size().unstack(fill_value=0)
        share = 100 * good[who.index].groupby(keys).mean().unstack()
        shown = wide(twin, "N00973", sex)
        n = n.reindex(index=shown.index, columns=shown.columns, fill_value=0)
        share = share.reindex_like(shown).where(n >= 5)
        assert (shown - share.round(2)).abs().max().max() < 0.011
        assert (shown.notna() == (n >= 5)).all(axis=None)
        o = twin.observations
        rows = o[(o["indicator"] == "N00973") & (o["sex"] == sex)]
        state = rows.pivot(index="code", columns="year", values="state")
        expected = np.where(n == 0, "missing", np.where(n < 5, "suppressed", "observed"))
        assert (state.to_numpy() == expected).all()
        counts = wide(twin, "N00964", sex)
        assert (counts.fillna(-1) == n.where((n == 0) | (n >= 5), -1)).all(axis=None)


def test_reception_and_retention_follow_from_the_records(twin):
    p = twin.persons
    place = p["received_code"].astype(str)
    received = p.groupby([place, p["received"].dt.year]).size().unstack(fill_value=0)
    shown = wide(twin, "N01986")
    assert shown.notna().mean(axis=None) > 0.9
    assert ((received[shown.columns] == shown) | shown.isna()).all(axis=None)
    months = (p["moved"].dt.year - p["received"].dt.year) * 12
    months += p["moved"].dt.month - p["received"].dt.month
    stay = (months.isna() | (months > 36)) & (p["received"].dt.year <= 2022)
    year = p["received"].dt.year + 3
    still = stay.groupby([place, year]).sum().unstack(fill_value=0)
    shown = wide(twin, "N00732")
    assert shown.notna().mean(axis=None) > 0.9
    assert ((still[shown.columns] == shown) | shown.isna()).all(axis=None)


def test_records_know_nothing_after_the_last_year(twin):
    p = twin.persons
    end = pd.Timestamp("2025-12-31")
    for column in ("received", "programme_end", "moved", "assisted_from"):
        assert p[column].max() <= end
    late = p["programme_end"] > pd.Timestamp("2024-12-31")
    assert late.any()
    assert p.loc[late, "status_90_days"].notna().all()
    assert p.loc[late, "status_1_year"].isna().all()
    assert p.loc[p["programme_end"].isna(), "status_90_days"].isna().all()
    until = p["assisted_from"].dt.year * 12 + p["assisted_from"].dt.month + p["assisted_months"]
    assert until.max() <= 12 * 2025 + 13
    children = p["age"] < 20
    assert p.loc[children, "programme_start"].isna().all()
    assert p.loc[p["move"] == "death", "destination_code"].isna().all()


def paid(twin, year):
    """Kronor of assistance in a year by municipality, summed from the records."""
    p = twin.persons.dropna(subset="assisted_from")
    start = (p["assisted_from"].dt.year * 12 + p["assisted_from"].dt.month).astype(int)
    first, after = 12 * year + 1, 12 * year + 13
    months = np.minimum(start + p["assisted_months"].astype(int), after) - start.clip(first)
    total = (months.clip(0) * p["assisted_kronor"]).groupby(p["residence_code"].astype(str)).sum()
    return total.reindex(sorted(places().index), fill_value=0)


def test_the_effect_on_cost_is_the_records_assistance(twin, nothing):
    for year in (2014, 2020, 2025):
        people = wide(twin, "N01951")[year]
        saved = (paid(twin, year) - paid(nothing, year)) / people
        for id_ in ("U31001", "N40007", "N40010", "social_assistance_refugees_included"):
            effect = twin.truth.effect(id_)[:, year - 2008]
            # the records hold whole kronor a month
            assert np.abs(saved.to_numpy() - effect).max() < 0.05
    assert saved.min() < -15


def test_moves_lead_where_they_say():
    country = make_country(1, 2008, 2025)
    people = make_people(1, country)
    kind, place = destinations(people, country)
    inside = place >= 0
    assert (place[inside] != people.place[inside]).all()
    same = country.county[place] == country.county[people.place]
    by = {name: kind == i for i, name in enumerate(KINDS)}
    assert same[by["within county"]].all()
    assert not same[by["elsewhere"]].any()
    assert {country.codes[i] for i in np.unique(place[by["metropolitan"]])} == set(METROPOLITAN)
    assert (place[by["abroad"] | by["death"]] == -1).all()
    gotland = people.place == country.codes.index("0980")
    assert not by["within county"][gotland].any()
    shares = [by[name].mean() for name in KINDS]
    assert shares == pytest.approx([0.30, 0.35, 0.27, 0.07, 0.01], abs=0.01)


# the truth


def test_without_effects_there_is_none(nothing):
    for key, delta in nothing.truth.effects.items():
        assert not np.nan_to_num(delta).any(), key
    assert nothing.truth.to_dict()["effects"] == []
    assert nothing.truth.att("N00973") == 0


def test_the_truth_is_the_difference_between_the_two_countries(twin, nothing):
    """Every published value with the effects less the one without them, to the rounding."""
    for id_, entry in REGISTRY.items():
        if entry.kolada is None:
            continue
        for sex in entry.sexes:
            seen = (wide(twin, id_, sex) - wide(nothing, id_, sex)).to_numpy()
            gap = np.abs(seen - twin.truth.effect(id_, sex))
            assert np.nanmax(gap) <= 10.0**-entry.decimals + 1e-9, (id_, sex)


def test_effects_on_persons_are_the_parameters(several):
    """Within four standard errors of the realised share whose status the effect turns."""
    twin = make()
    for sex, effect in (("K", 6), ("M", 4)):
        found = twin.truth.persons[sex]
        error = 100 * np.sqrt(effect / 100 / found["n"])
        assert found["exposure"] == 1
        assert found["work_or_studies_90_days"] == pytest.approx(effect, abs=4 * error)
        assert found["stay_three_years"] == pytest.approx(4, abs=4 * error)
        assert found["assistance_three_years_kronor"] < -5000


def test_only_what_can_change_changes(twin):
    t = twin.truth
    for id_ in ("N31001", "N01951", "N01986", "N00960", "N02926", "N02269", "U40829"):
        assert not np.nan_to_num(t.effect(id_)).any(), id_
    assert set(t.to_dict()["no_effect"]) >= {"N31001", "N01986"}
    for id_ in ("N00973", "N00971", "N00972", "N00732", "N00700", "N02268", "N18409"):
        assert t.att(id_) > 0, id_
    for id_ in ("U31001", "N40007", "N40010", "N03937"):
        assert t.att(id_) < 0, id_


def test_the_gap_between_women_and_men_has_its_truth(twin):
    women, men = (twin.truth.effect("N00973", sex) for sex in ("K", "M"))
    np.testing.assert_allclose(twin.truth.effect("work_or_studies_gap"), women - men)


def test_whether_persons_are_kept_does_not_change_the_hash():
    kept, left = (simulate(SimulatedData(seed=3, persons=p, **SHORT)) for p in (True, False))
    assert kept.persons is not None
    assert left.persons is None
    assert kept.hash == left.hash


def test_nothing_happens_before_the_first_fully_exposed_year(twin):
    """Who leaves in year a + 2 was received in year a: nobody before was there from day one."""
    t = twin.truth
    for code, a in t.first_year.items():
        i = t.codes.index(code)
        before = t.effect("N18409")[i, [j for j, year in enumerate(t.years) if year < a + 2]]
        assert not np.nan_to_num(before).any()
        stays = t.effect("retention_3_years")[i, [y < a + 3 for y in t.years]]
        assert not np.nan_to_num(stays).any()
    # by residence little comes earlier: those who moved in from where it began before
    early = [t.effect("N00973")[t.codes.index(c), a + 1 - 2008] for c, a in t.first_year.items()]
    assert np.abs(np.nanmean(early)) < 0.3


def test_averages_by_hand():
    """Two cohorts, lag 2: a since 2000, b since 2002, c since 2002 without leavers in 2005."""
    nan = np.nan
    delta = np.array(
        [
            [0.0, 0.0, 1.0, 2.0, 3.0, 6.0],
            [0.0, 9.0, 9.0, 9.0, 4.0, 5.0],
            [0.0, 0.0, 0.0, 0.0, 2.0, nan],
            [0.5, 0.5, 0.1, 0.1, 0.2, 0.2],
        ]
    )
    t = Truth(
        {}, ("a", "b", "c", "d"), tuple(range(2000, 2006)), {"a": 2000, "b": 2002, "c": 2002},
        {("N00973", "T"): delta}, {},
    )  # fmt: skip
    # cells: a 1 2 3 6 (mean 3); b and c (4+2)/2 = 3 and 5 (mean 4)
    assert t.att("N00973") == pytest.approx((3 + 2 * 4) / 3)
    assert t.att("N00973", estimand="simple") == pytest.approx((12 + 2 * 8) / 8)
    assert t.att("N00973", codes=["a"]) == 3
    assert t.att("N00973", codes=["a", "b"], lag=3) == pytest.approx((11 / 3 + 5) / 2)
    assert t.elsewhere("N00973") == pytest.approx(0.6 / 4)
    assert t.to_dict()["effects"][0]["by_first_treated_year"] == {"2002": 3.0, "2004": 4.0}
    assert t.to_dict()["effects"][0]["by_event_time"] == {
        "0": pytest.approx((1 + 2 * 3) / 3, abs=1e-6),
        "1": 4.0,
        "2": 3.0,
        "3": 6.0,
    }


def test_the_truth_refuses_what_it_does_not_know(twin):
    with pytest.raises(InputError, match="no indicator 'N00732' for sex 'K'"):
        twin.truth.att("N00732", "K")
    with pytest.raises(InputError, match="'mean' is none of cohort, simple"):
        twin.truth.att("N00973", estimand="mean")
    outside = next(c for c in twin.truth.codes if c not in twin.truth.first_year)
    with pytest.raises(InputError, match=f"'{outside}' is not active"):
        twin.truth.att("N00973", codes=[outside])


# the switches


def cohorts(twin, codes, lag=2, coded=False):
    table = twin.stance.set_index("code")
    name = "coded" if coded else "adoption"
    whole = table[f"{name}_year"] + (table[f"{name}_month"] > 1).astype("Int64") + lag
    return whole.fillna(0).astype(int).loc[list(codes)]


def of_effects(twin, *, sex="T", coded=False, anticipation=0):
    """The estimate on the realised effects alone: bias without a grain of noise.

    Where a municipality lacks leavers in a year it is left out, as a balanced panel does.
    """
    t = twin.truth
    full = pd.DataFrame(t.effect("N00973", sex), index=list(t.codes), columns=list(t.years))
    full = full.dropna()
    panel = Panel("N00973", full)
    cohort = cohorts(twin, full.index, coded=coded)
    found = aggregate(callaway_santanna(panel, cohort, anticipation=anticipation), "cohort")
    active = [c for c in full.index if c in t.first_year]
    return found.estimate, t.att("N00973", sex, codes=active)


def test_by_default_the_estimator_measures_the_truth(twin):
    for sex in "TKM":
        estimate, truth = of_effects(twin, sex=sex)
        assert estimate == pytest.approx(truth - twin.truth.elsewhere("N00973", sex), abs=0.15)


def test_all_start_in_january_unless_told_otherwise(twin):
    late = make(mid_year=1.0)
    assert (twin.stance["adoption_month"].dropna() == 1).all()
    assert late.stance["adoption_month"].dropna().between(2, 12).all()
    # the year before the first whole one is partly exposed: taken for a base it hides effect
    estimate, truth = of_effects(late)
    assert estimate < truth - 1
    estimate, truth = of_effects(late, anticipation=1)
    assert estimate == pytest.approx(truth - late.truth.elsewhere("N00973"), abs=0.3)


def test_spillover_reaches_the_county_and_hides_effect(twin):
    near = make(spillover=0.5)
    started = near.stance.loc[near.stance["active"], "code"].str[:2].unique()
    delta = near.truth.effect("N18409")
    for i, code in enumerate(near.truth.codes):
        if code not in near.truth.first_year:
            assert np.nan_to_num(delta[i]).any() <= (code[:2] in started)
    assert near.truth.elsewhere("N00973") > 1 > 0.2 > twin.truth.elsewhere("N00973")
    estimate, truth = of_effects(near)
    assert estimate < truth - 1


def test_what_the_coding_misses_makes_the_estimate_smaller(twin):
    missed = make(miscoded=0.5)
    table = missed.stance
    assert (table["active"].sum(), table["coded_active"].sum()) == (24, 12)
    assert table.loc[table["coded_active"], "active"].all()
    assert (missed.truth.effect("N00973") == twin.truth.effect("N00973")).sum() > 4000
    by_truth, _ = of_effects(missed)
    treated = cohorts(missed, missed.truth.codes, coded=True)
    seen = [c for c in missed.truth.first_year if treated[c] > 0]
    by_coding, _ = of_effects(missed, coded=True)
    # the missed stand in the comparison group: what they gained is taken off
    assert by_coding < missed.truth.att("N00973", codes=seen) - 0.1
    assert by_truth == pytest.approx(of_effects(twin)[0])


def test_false_actives_make_the_estimate_smaller():
    wrong = make(falsely_active=1.0)
    table = wrong.stance
    assert (table["active"].sum(), table["coded_active"].sum()) == (24, 48)
    assert (table["active"] & ~table["coded_active"]).sum() == 0
    by_truth, truth = of_effects(wrong)
    by_coding, _ = of_effects(wrong, coded=True)
    assert by_truth == pytest.approx(truth, abs=0.3)
    assert by_coding < 0.7 * truth


def test_selection_takes_the_large_and_the_good_but_does_not_bias_changes():
    chosen = make(selection=1.5, **NO_EFFECT)
    country = make_country(1, 2008, 2025)
    for score in (country.permanent, np.log(country.population[:, 0])):
        z = (score - score.mean()) / score.std()
        active = chosen.stance["active"].to_numpy()
        assert z[active].mean() > 0.7
    share = wide(chosen, "N00973").dropna()
    active = [c for c in share.index if c in chosen.truth.first_year]
    others = share.index.difference(active)
    # whoever compares levels finds an effect where there is none
    assert share.loc[active].mean().mean() - share.loc[others].mean().mean() > 3


def test_selection_uses_the_same_country(nothing):
    settings = SimulatedData(seed=1, selection=2.0)
    country = make_country(1, 2008, 2025)
    plain = make_activity(SimulatedData(seed=1), country)
    chosen = make_activity(settings, country)
    assert (plain.active != chosen.active).any()
    both = plain.active & chosen.active
    assert both.any()
    assert (plain.start[both] == chosen.start[both]).all()


def test_a_pre_trend_is_in_the_data_and_not_in_the_truth(nothing):
    drifting = make(pre_trend=0.8, **NO_EFFECT)
    assert not np.nan_to_num(drifting.truth.effect("N00973")).any()
    rise = wide(drifting, "N00973") - wide(nothing, "N00973")
    active = list(drifting.truth.first_year)
    gap = rise.loc[active].mean() - rise.drop(index=active).mean()
    assert np.polyfit(range(18), gap.to_numpy(dtype=float), 1)[0] == pytest.approx(0.7, abs=0.2)
    both = [wide(x, "N00973").dropna() for x in (drifting, nothing)]
    units = both[0].index.intersection(both[1].index)
    found = [
        aggregate(
            callaway_santanna(Panel("N00973", y.loc[units]), cohorts(nothing, units)), "cohort"
        ).estimate
        for y in both
    ]
    assert found[0] - found[1] > 1.5


def test_fading_halves_the_effect_every_year():
    fading = make(fade=1)
    country = make_country(1, 2008, 2025)
    activity = make_activity(SimulatedData(seed=1), country)
    i = int(np.flatnonzero(activity.active)[0])
    months = activity.start[i] + np.array([-1, 0, 12, 24, 36])
    exposure = activity.exposure(np.full(5, i), months, spillover=0.0, fade=1)
    assert exposure.tolist() == [0, 1, 1, 0.5, 0.25]
    found = next(
        e
        for e in fading.truth.to_dict()["effects"]
        if (e["indicator"], e["sex"]) == ("N18409", "T")
    )
    path = found["by_event_time"]
    assert path["0"] > 1 > 0.5 > abs(path["6"])


def test_the_cost_of_activity_is_in_the_reception_cost_only(twin):
    dear = make(activity_cost=50_000.0)
    t = dear.truth
    assert t.att("N40007") > twin.truth.att("N40007") + 50
    assert t.att("U31001") == twin.truth.att("U31001")
    code, a = next(iter(t.first_year.items()))
    i, j = t.codes.index(code), a - 2008
    received = wide(dear, "N01986").loc[code, a]
    people = wide(dear, "N01951").loc[code, a]
    first = t.effect("N40007")[i, j] - twin.truth.effect("N40007")[i, j]
    assert first == pytest.approx(50_000 * received / people, rel=1e-9)


def test_an_effect_on_cost_alone():
    cheap = make(effect=SimulatedEffect(women=0, men=0), effect_retention=0, effect_cost=25)
    assert cheap.truth.att("N00973") == 0
    assert cheap.truth.att("U31001") < 0
    found = cheap.truth.persons["T"]
    assert found["work_or_studies_90_days"] == 0


# recovery


SEEDS = range(100, 106)


@pytest.fixture(scope="module")
def countries():
    return [make(seed) for seed in SEEDS]


@pytest.mark.parametrize("sex", "TKM")
def test_the_truth_is_recovered_with_intervals_that_hold(countries, sex):
    """Unbiased within three Monte Carlo errors; the rule's 95 % intervals hold the truth."""
    error, held = [], 0
    for twin in countries:
        share = wide(twin, "N00973", sex).dropna()
        cohort = cohorts(twin, share.index)
        size = wide(twin, "N00964", sex).loc[share.index].mean(axis=1)
        found = auto_inference(Panel("N00973", share), cohort, size=size)
        truth = twin.truth.att(
            "N00973", sex, codes=[c for c in share.index if c in twin.truth.first_year]
        )
        assert found.result.estimand == "cohort"
        error.append(found.result.estimate - truth)
        held += found.result.conf_int[0] <= truth <= found.result.conf_int[1]
    assert abs(np.mean(error)) < 3 * np.std(error, ddof=1) / np.sqrt(len(error))
    # fewer than 4 of 6 would happen in one of 450 at 95 %
    assert held >= 4


@pytest.mark.parametrize(("indicator", "lag"), [("retention_3_years", 3), ("N40010", 0)])
def test_retention_and_cost_are_recovered(countries, indicator, lag):
    error, truths = [], []
    for twin in countries:
        if indicator == "retention_3_years":
            received = wide(twin, "N01986").shift(3, axis=1)
            y = (100 * wide(twin, "N00732") / received).loc[:, 2011:].dropna()
        else:
            y = wide(twin, indicator)
        gt = callaway_santanna(Panel(indicator, y), cohorts(twin, y.index, lag))
        active = [c for c in y.index if c in twin.truth.first_year]
        truths.append(twin.truth.att(indicator, codes=active))
        error.append(aggregate(gt, "cohort").estimate - truths[-1])
    assert abs(np.mean(error)) < 3 * np.std(error, ddof=1) / np.sqrt(len(error))
    assert (np.sign(truths) == (1 if indicator == "retention_3_years" else -1)).all()


# the plan's settings


PLAN = {
    "name": "x",
    "title": {"sv": "x", "en": "x"},
    "outcomes": [{"indicator": "N00973"}],
    "treatment": {"coding": "simulated"},
    "estimation": {"seed": 1},
}


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({"active": 0}, "data.active", "greater than or equal to 1"),
        ({"active": 2.5}, "data.active", "valid integer"),
        ({"effect": {"women": 31}}, "data.effect.women", "less than or equal to 30"),
        ({"effect": {"girls": 3}}, "data.effect.girls", "unknown key; known here are women, men"),
        ({"spillover": "half"}, "data.spillover", "valid number"),
        ({"spillover": 1.1}, "data.spillover", "less than or equal to 1"),
        ({"pre_trend": float("nan")}, "data.pre_trend", "finite|greater|less"),
        ({"fade": 0}, "data.fade", "greater than or equal to 1"),
        ({"persons": "yes"}, "data.persons", "valid boolean"),
        ({"years": [2010, 2009]}, "data", "first, last"),
        ({"adoption": [2009, 2012]}, "data", "between 2011 and 2021"),
        ({"adoption": [2012, 2022]}, "data", "between 2011 and 2021"),
        ({"waits": 3}, "data.waits", "unknown key"),
    ],
)
def test_settings_that_cannot_be_are_refused(data, field, says):
    with pytest.raises(InputError, match=says) as error:
        plan_from_dict(PLAN | {"data": {"source": "simulated", "seed": 1, **data}})
    assert error.value.field == field


def test_a_plan_carries_the_settings():
    data = {"source": "simulated", "seed": 3, "effect": {"women": 2}, "spillover": 0.25}
    plan = plan_from_dict(PLAN | {"data": data})
    assert isinstance(plan.data, SimulatedData)
    assert plan.data == SimulatedData(seed=3, effect=SimulatedEffect(women=2), spillover=0.25)
    with pytest.raises(ValidationError):
        SimulatedData(seed=-1)


# the folder and the command


@pytest.fixture(scope="module")
def short():
    return simulate(SimulatedData(seed=1, **SHORT))


@pytest.fixture(scope="module")
def folder(short, tmp_path_factory):
    return short.write(tmp_path_factory.mktemp("twin") / "twin")


def test_every_file_and_frame_says_that_it_is_simulated(short, folder):
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.txt",
        "observations.csv",
        "observations.parquet",
        "persons.parquet",
        "stance.csv",
        "truth.json",
    ]
    assert [p.name for p in folder.parent.iterdir()] == ["twin"]
    for path in folder.glob("*.csv"):
        assert (pd.read_csv(path, usecols=["data"])["data"] == SIMULATED).all()
    for path in folder.glob("*.parquet"):
        assert pq.read_schema(path).metadata[b"data"].decode() == SIMULATED
        assert pq.read_table(path, columns=["data"])["data"].unique().to_pylist() == [SIMULATED]
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert next(iter(truth.items())) == ("data", SIMULATED)
    assert truth["hash"] == short.hash
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert readme.splitlines()[0] == readme.splitlines()[-1] == SIMULATED
    for frame in (short.observations, short.persons, short.stance):
        assert frame.attrs["data"] == SIMULATED
    # the three states survive both formats
    for back in (
        pd.read_csv(folder / "observations.csv", dtype={"code": str}),
        pd.read_parquet(folder / "observations.parquet"),
    ):
        pd.testing.assert_frame_equal(observations(back), short.observations)


def test_nobody_is_shown_as_waiting(short, folder):
    assert set(short.stance["stance"]) == {"active_day_one", "not known to be active"}
    for name in ("stance.csv", "truth.json", "README.txt"):
        text = (folder / name).read_text(encoding="utf-8").lower()
        assert "wait" not in text
        assert "vänta" not in text
    assert not any(name in text for name in places()["name"].str.lower() if len(name) > 4)


def test_a_folder_with_other_content_is_left_alone(short, tmp_path):
    twin = make(**SHORT)
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt, which no simulation wrote"):
        twin.write(out)
    (out / "notes.txt").rename(out / "truth.json")
    with pytest.raises(InputError, match="no former twin"):
        twin.write(out)
    assert [p.name for p in out.iterdir()] == ["truth.json"]
    (out / "truth.json").unlink()
    twin.write(out)
    assert not (out / "persons.parquet").exists()
    with pytest.raises(InputError, match="is not a folder"):
        twin.write(out / "truth.json")
    short.write(out)
    assert (out / "persons.parquet").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failed_writing_leaves_the_former_twin(tmp_path, monkeypatch):
    twin = make(**SHORT)
    out = twin.write(tmp_path / "out")
    before = (out / "truth.json").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        twin.write(out)
    assert (out / "truth.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.fixture
def call():
    app = typer.Typer()
    app.command()(command)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


OPTIONS = ("--first-year", 2000, "--last-year", 2007, "--adoption", "2003,2003")


def test_the_command_says_what_it_made_and_that_it_is_simulated(call, tmp_path):
    done = call("--out", tmp_path / "a", "--seed", 4, *OPTIONS, "--active", 12, "--no-persons")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == lines[-1] == SIMULATED
    found = dict(line.split(maxsplit=1) for line in lines[1:8])
    assert (found["seed"], found["active"]) == ("4", "12")
    assert "persons" not in found

    again = call("--out", tmp_path / "a", "--seed", 4, *OPTIONS, "--active", 12, "--json")
    content = json.loads(again.output)
    assert next(iter(content.items())) == ("data", SIMULATED)
    assert content["persons"] > 100_000
    assert "persons.parquet" in content["files"]
    twin = simulate(SimulatedData(seed=4, **SHORT, active=12))
    assert content["hash"] == twin.hash
    assert content["truth"][0]["att_cohort"] == pytest.approx(twin.truth.att("N00973"), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        (("--spillover", 2), "--spillover", "less than or equal to 1 (found 2.0)"),
        (("--effect-women", 40), "--effect-women", "less than or equal to 30"),
        (("--active", 0), "--active", "greater than or equal to 1"),
        (("--adoption", "2012"), "--adoption", "'2012' is not two years such as 2012,2017"),
        (("--adoption", "2012,2024"), "--adoption", "between 2011 and 2021"),
        (("--first-year", 2030), "--first-year, --last-year", "[first, last]"),
        (("--fade", 0), "--fade", "greater than or equal to 1"),
    ],
)
def test_calls_that_cannot_be_are_refused(call, tmp_path, arguments, field, says):
    done = call("--out", tmp_path / "a", *arguments)
    assert isinstance(done.exception, InputError)
    assert done.exception.field == field
    assert says in done.exception.problem
    assert list(tmp_path.iterdir()) == []
