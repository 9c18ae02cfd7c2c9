"""The effect by horizon, dose, subgroup and estimator family."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from evaluation import Estimate, Panel, municipalities
from evaluation.data.registry import INDICATORS
from evaluation.data.sources import open_sources
from evaluation.design.carried import carried
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.plan import plan_from_dict
from evaluation.questions.coding import resolve_design
from evaluation.questions.horizons import (
    HORIZONS,
    analyse_duration,
    analyse_exposure,
    analyse_horizons,
    analyse_subgroups,
    families_by_horizon,
)
from evaluation.questions.horizons.duration import verdict
from evaluation.questions.horizons.subgroups import size_class
from evaluation.questions.horizons.words import duration_sentence
from evaluation.questions.inference import DesignInference, Settings
from evaluation.report.tables import make_tables

INDICATOR = INDICATORS["foreign_background"]
CODES = sorted(municipalities().index)
YEARS = list(range(2005, 2021))


def unit(code, first_year, *, partial=0, last_year=None, stance="active_day_one"):
    return TreatedUnit(
        code=code,
        name=str(municipalities().loc[code, "name"]),
        population=int(municipalities().loc[code, "population_2017"]),
        stance=stance,
        strength="explicit",
        document="a protocol",
        line="",
        model="",
        stated_start="",
        start_document="",
        start_line="",
        first_year=first_year,
        assumed=False,
        because_sv="",
        because_en="",
        neighbours=(first_year, first_year),
        partial=partial,
        last_year=last_year,
    )


def inference(units, effect, *, years=YEARS, noise=0.0, donors=9, draws=999):
    """A panel of unit and year effects, with ``effect(unit, years since adoption)`` on top."""
    controls = [c for c in CODES if c not in {t.code for t in units}][:80]
    rng = np.random.default_rng(5)
    codes = [*(t.code for t in units), *controls]
    wide = pd.DataFrame(
        np.arange(len(codes))[:, None] * 0.5
        + np.sin(np.arange(len(years)))[None, :]
        + noise * rng.standard_normal((len(codes), len(years))),
        index=codes,
        columns=years,
    )
    for t in units:
        wide.loc[t.code] += [effect(t, y - t.first_year) for y in years]
    design = Design(tuple(units), tuple(controls), (), None)
    settings = Settings("cohort", 0.05, draws, 7, donors)
    return DesignInference.of(Panel("y", wide), design, settings)


def fading(_, age):
    return {0: 4.0, 1: 2.0, 2: 1.0}.get(age, 0.0)


TWO = [unit("0180", 2010), unit("1480", 2012)]


def value(horizon):
    return None if horizon.estimate is None else horizon.estimate.estimate


def test_a_fading_effect_is_found_exactly():
    found = analyse_duration(inference(TWO, fading))
    assert value(found["short"]) == pytest.approx(3)
    assert value(found["middle"]) == pytest.approx(0.5)
    assert value(found["long"]) == pytest.approx(0, abs=1e-12)
    assert found.difference.estimate == pytest.approx(-3)
    assert found.verdict == "fades"
    assert [h.n_years for h in found.horizons] == [4, 4, 7 + 5]
    assert found["short"].estimate.p_value < 0.05
    assert found["long"].estimate.p_value == pytest.approx(1)


def test_the_words_say_what_the_interval_says():
    found = analyse_duration(inference(TWO, fading, noise=0.1))
    sv, en = (duration_sentence(found, INDICATOR, lang) for lang in ("sv", "en"))
    assert "de första två åren +2,93" in sv
    assert "från femte året" in sv
    assert sv.endswith("effekten avtar.")
    assert "the first two years +2.93" in en
    assert en.endswith("the effect fades.")
    late = analyse_duration(inference(TWO, lambda _, age: 3.0 * (age > 3), noise=0.1))
    assert late.verdict == "comes_late"
    more = analyse_duration(inference(TWO, lambda _, age: 2.0 * (age >= 0) + 3.0 * (age > 3)))
    assert more.verdict == "grows"
    assert duration_sentence(more, INDICATOR, "en").endswith("the effect grows with time.")
    assert duration_sentence(more, INDICATOR, "sv").endswith("effekten växer med tiden.")
    whole = duration_sentence(more, INDICATOR, "en", narrower=True)
    assert "since the start, against the whole comparison group, in" in whole
    assert "whole" not in duration_sentence(more, INDICATOR, "en")
    turned = analyse_duration(inference(TWO, lambda _, age: 3.0 * np.sign(age - 2.5) * (age >= 0)))
    assert turned.verdict == "turns"
    nothing = analyse_duration(inference(TWO, lambda *_: 0.0, noise=1.0))
    assert nothing.verdict == "cannot_tell"
    assert "går inte att avgöra" in duration_sentence(nothing, INDICATOR, "sv")
    assert "cannot be told" in duration_sentence(nothing, INDICATOR, "en")


def made(estimate, low, high):
    return Estimate("att", estimate, (low, high), "m", "i", "e", 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("early", "late", "difference", "said"),
    [
        ((3, 1, 5), (1, -1, 3), (-2, -5, 1), "cannot_tell"),
        ((3, 1, 5), (1, -1, 3), (-2, -3, -1), "fades"),
        ((-3, -5, -1), (-1, -3, 1), (2, 1, 3), "fades"),
        ((3, 1, 5), (-3, -5, -1), (-6, -9, -3), "turns"),
        ((1, -1, 3), (4, 2, 6), (3, 1, 5), "comes_late"),
        ((1, 0.5, 3), (4, 2, 6), (3, 1, 5), "grows"),
        ((-1, -3, -0.5), (-4, -6, -2), (-3, -5, -1), "grows"),
        ((-1, -3, 1), (1, -1, 3), (2, 1, 3), "changes"),
    ],
)
def test_the_verdict_rests_on_the_intervals(early, late, difference, said):
    assert verdict(made(*early), made(*late), made(*difference)) == said


def test_fewer_municipalities_reach_the_long_horizon():
    units = [unit("0180", 2010), unit("1480", 2018)]
    # the late adopter has twice the effect: the composition alone would look like fading
    found = analyse_duration(inference(units, lambda t, age: (1 + (t.code == "1480")) * (age >= 0)))
    assert [h.codes for h in found.horizons] == [
        ("0180", "1480"),
        ("0180", "1480"),
        ("0180",),
    ]
    assert [value(h) for h in found.horizons] == pytest.approx([1.5, 1.5, 1.0])
    assert [h.balanced.estimate for h in found.horizons] == pytest.approx([1.0, 1.0, 1.0])
    assert found.difference.estimate == pytest.approx(0, abs=1e-12)
    assert found.difference.n_treated_units == 1
    text = duration_sentence(found, INDICATOR, "sv")
    assert "2 kommuner" in text
    assert "i den kommun som syns vid båda" in text


def test_a_series_too_short_for_the_long_horizon_says_so():
    found = analyse_duration(inference(TWO, fading, years=list(range(2005, 2014))))
    assert found["long"].estimate is None
    assert found["long"].codes == ()
    assert found.late == "middle"
    text = duration_sentence(found, INDICATOR, "sv")
    assert "Så länge som till ett femte behandlat år når inga data (sista år 2013)" in text
    assert "tredje och fjärde året" in text
    one = analyse_duration(inference(TWO[:1], fading, years=list(range(2005, 2012))))
    assert (one.late, one.difference, one.verdict) == (None, None, "not_seen")
    text = duration_sentence(one, INDICATOR, "en")
    assert text.endswith("(last year 2011), so the long horizon is unknown.")


def test_one_treated_municipality_is_ranked_among_its_set():
    found = inference([unit("0180", 2010)], lambda *_: 0.0, noise=1.0, donors=19)
    short = analyse_duration(found)["short"].estimate
    wide, members = found.panel.values, found.sets[0]
    change = wide[[2010, 2011]].mean(axis=1) - wide[2009]
    others = {m: change[m] - change.drop(m).mean() for m in members}
    assert short.estimate == pytest.approx(others["0180"])
    rank = sum(abs(v) >= abs(others["0180"]) - 1e-9 for v in others.values())
    assert short.p_value == pytest.approx(rank / 20)
    assert analyse_subgroups(found) == ()
    assert "1 kommun)" in duration_sentence(analyse_duration(found), INDICATOR, "sv")


def test_too_few_to_choose_from_gives_no_interval_and_says_why():
    short = analyse_duration(inference([unit("0180", 2010)], fading, donors=5))["short"].estimate
    assert short.conf_int == (-np.inf, np.inf)
    assert any("only 6 assignments" in n for n in short.notes)


def test_one_of_several_is_ranked_among_the_set_that_it_has_alone():
    units = [unit("0180", 2010), unit("1440", 2010), unit("2321", 2010)]
    found = inference(units, fading, noise=1.0, donors=5)
    (sizes,) = (d for d in analyse_subgroups(found) if d.by == "size")
    (large,) = (g for g in sizes.groups if g.label == "200000-")
    (members,) = found.alone_sets(units[0])
    wide = found.panel.values
    after = [y for y in wide.columns if y >= 2010]
    change = wide[after].mean(axis=1) - wide[2009]
    # whoever stands in for it is compared with the others of the comparison group
    group = ["0180", *found.design.controls]
    placed = {m: change[m] - change[group].drop(m).mean() for m in members}
    rank = sum(abs(v) >= abs(placed["0180"]) - 1e-9 for v in placed.values())
    assert (len(found.sets[0]), len(members)) == (6, 40)
    assert large.estimate.p_value == pytest.approx(rank / 40)
    assert np.isfinite(large.estimate.conf_int).all()
    assert large.estimate.inference == "permutation: any of 40 municipalities of similar size"
    assert not any("assignments of these" in n for n in large.estimate.notes)
    assert large.p_adjusted >= large.estimate.p_value


def test_a_constant_effect_does_not_move_the_tests_of_differences():
    units = [unit("0180", 2010), unit("1480", 2012), unit("1280", 2011)]
    plain, moved = (
        inference(units, lambda _, age, tau=tau: tau * (age >= 0), noise=1.0) for tau in (0.0, 50.0)
    )
    one, two = analyse_duration(plain).difference, analyse_duration(moved).difference
    assert two.estimate == pytest.approx(one.estimate)
    assert two.p_value == one.p_value
    assert two.conf_int == pytest.approx(one.conf_int)
    for a, b in zip(analyse_subgroups(plain), analyse_subgroups(moved), strict=True):
        for g, h in zip(a.groups, b.groups, strict=True):
            assert h.difference.p_value == g.difference.p_value
            assert h.difference.conf_int == pytest.approx(g.difference.conf_int)


def test_the_test_of_a_difference_keeps_its_level():
    units = [unit(c, 2008 + k % 3) for k, c in enumerate(CODES[80:92])]
    found = inference(units, lambda *_: 0.0, donors=5, draws=99)
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(found.panel.values.shape)
        inside = (
            np.array(YEARS)[None, :] >= found.design.cohort()[found.panel.units].to_numpy()[:, None]
        )
        treated = (found.design.cohort()[found.panel.units] > 0).to_numpy()[:, None]
        panel = Panel("y", found.panel.values + noise + 10.0 * (inside & treated))
        again = dataclasses.replace(found, panel=panel)
        p.append(analyse_duration(again).difference.p_value)
    # binomial(60, 0.1): 13 rejections or more have probability 0.5 %
    assert sum(v <= 0.1 for v in p) <= 12
    assert min(p) < 0.5 < max(p)


def test_adjusted_p_values_are_not_below_their_own():
    found = analyse_duration(inference(TWO, fading, noise=2.0))
    for h in found.horizons:
        assert h.p_adjusted >= h.estimate.p_value


def test_an_end_of_treatment_and_partial_years_are_respected():
    units = [unit("0180", 2010, partial=1), unit("1480", 2012, last_year=2013)]

    def effect(t, age):
        if t.code == "1480":
            return 4.0 if age in (0, 1) else 99.0 * (age > 1)
        return 2.0 if age == -1 else 4.0 * (age >= 0)

    found = inference(units, effect)
    duration = analyse_duration(found)
    assert duration["middle"].codes == ("0180",)
    assert [value(h) for h in duration.horizons] == pytest.approx([4.0] * 3)
    dose = analyse_exposure(found)
    assert dose.codes == ("0180",)
    assert dose.partial.estimate == pytest.approx(2)
    assert dose.full.estimate == pytest.approx(4)
    assert dose.difference.estimate == pytest.approx(2)
    assert (dose.partial_years, dose.full_years) == (1, 11)
    assert analyse_exposure(inference(TWO, fading)) is None
    families = {f.key: f for f in families_by_horizon(found)}
    assert families["cs"].points == pytest.approx(dict.fromkeys(HORIZONS, 4.0))
    assert families["imputation"].points == pytest.approx(dict.fromkeys(HORIZONS, 4.0))
    for key in ("sunab", "stacked", "twfe"):
        assert families[key].reason
        assert set(families[key].points.values()) == {None}


def test_families_agree_where_nothing_is_left_to_chance():
    found = {
        f.key: f.points for f in families_by_horizon(inference(TWO, lambda _, a: 2.0 * (a >= 0)))
    }
    for key, points in found.items():
        for horizon, point in points.items():
            # the widest window of the stack has eight years after adoption at most
            assert (key, horizon) == ("stacked", "long") or point == pytest.approx(2, abs=1e-6)


def test_the_stack_reaches_as_far_as_its_window():
    found = {f.key: f.points for f in families_by_horizon(inference(TWO, fading))}
    assert found["stacked"]["short"] == pytest.approx(3)
    assert found["stacked"]["long"] is None


def test_subgroups_by_hand():
    units = [
        unit("0180", 2010, stance="active_from_asylum"),
        unit("1480", 2012),
        unit("1280", 2012),
    ]
    divisions = {
        s.by: s
        for s in analyse_subgroups(
            inference(units, lambda t, a: (a >= 0) * (1.0 if t.code == "0180" else 3.0))
        )
    }
    size, county, stance = (divisions[k] for k in ("size", "county", "stance"))
    assert (size.groups, size.only) == ((), "200000-")
    assert [g.label for g in county.groups] == [
        "Skåne län",
        "Stockholms län",
        "Västra Götalands län",
    ]
    asylum, first_day = (
        next(g for g in stance.groups if g.label == k)
        for k in ("active_from_asylum", "active_day_one")
    )
    assert asylum.estimate.estimate == pytest.approx(1)
    assert first_day.estimate.estimate == pytest.approx(3)
    assert asylum.difference.estimate == pytest.approx(-2)
    assert first_day.difference.estimate == pytest.approx(2)
    assert asylum.difference.p_value == first_day.difference.p_value
    assert asylum.difference.conf_int == pytest.approx(
        [-x for x in first_day.difference.conf_int[::-1]]
    )
    assert any("one municipality" in n for n in asylum.estimate.notes)
    assert not first_day.estimate.notes


def test_classes_of_size():
    people = [14_999, 15_000, 49_999, 50_000, 199_999, 200_000]
    labels = [k for k, _ in itertools.groupby(map(size_class, people))]
    assert labels == ["0-15000", "15000-50000", "50000-200000", "200000-"]


def twin_difference(seed, **data):
    plan = plan_from_dict(
        {
            "name": "fade",
            "title": {"sv": "a", "en": "a"},
            "data": {"source": "simulated", "seed": seed, "persons": False} | data,
            "outcomes": ["N00973"],
            "treatment": {
                "coding": "simulated",
                "exposure": "first_whole_year",
                "unfit": "leave_out",
            },
            "comparison": {"donors_per_treated": 4},
            "estimation": {
                "estimand": "cohort",
                "alpha": 0.05,
                "draws": 99,
                "seed": 1,
                "inference": "permutation",
            },
        },
        file="fade.yaml",
    )
    sources = open_sources(plan)
    design, _ = resolve_design(plan, sources, None)
    read = sources.outcome(0)
    fits = carried(plan, 0, design, read.panel, read.indicator.lag_years)
    settings = Settings("cohort", 0.05, 99, 1, 4)
    return analyse_duration(
        DesignInference.of(read.panel, fits.design, settings)
    ).difference.estimate


def test_the_twins_fade_is_found_in_sign_on_average():
    big = {"women": 20.0, "men": 20.0}
    fade = [twin_difference(s, effect=big, fade=1) for s in (1, 2)]
    lasting = [twin_difference(s, effect=big) for s in (1, 2)]
    assert np.mean(fade) < -5
    assert np.mean(fade) < np.mean(lasting) - 5


def test_the_headline_never_stands_on_one_horizon(study):
    for o in study.outcomes.values():
        assert o.finding.sentence_sv.endswith(o.horizons.sentence_sv)
        assert o.finding.sentence_en.endswith(o.horizons.sentence_en)
        for lang, words in (
            ("sv", ("de första två åren", "från femte året")),
            ("en", ("the first two years", "from the fifth year on")),
        ):
            assert all(w in getattr(o.finding, f"sentence_{lang}") for w in words)


def test_the_settlement_horizons_are_the_group_time_effects(study):
    for o in study.outcomes.values():
        cells = dict(
            zip(
                zip(o.group_time.cohort, o.group_time.period, strict=True),
                o.group_time.estimate,
                strict=True,
            )
        )
        last = o.inference.panel.years[-1]
        for h in o.horizons.duration.horizons:
            per = [
                np.mean(
                    [
                        cells[t.first_year, t.first_year + e]
                        for e in range(
                            h.first, (last - t.first_year if h.last is None else h.last) + 1
                        )
                    ]
                )
                for t in o.inference.design.treated
            ]
            assert value(h) == pytest.approx(np.mean(per))
            assert o.horizons.families[0].points[h.key] == pytest.approx(np.mean(per))


def test_tables_of_the_report(study):
    results = study.to_dict()
    for lang in ("sv", "en"):
        tables = make_tables(results, lang)
        for name in results["outcomes"]:
            assert len(tables[f"horizons_{name}"].rows) == 4
            assert len(tables[f"families_{name}"].rows) == 5
            groups = tables[f"subgroups_{name}"]
            assert list(groups.raw["n_treated"]) == [int(r[2]) for r in groups.rows]
            assert f"exposure_{name}" not in tables
    sv = make_tables(results, "sv")["subgroups_foreign_background"]
    assert [r[1] for r in sv.rows][:2] == [
        "Under 15\u202f000 invånare",
        "15\u202f000–49\u202f999 invånare",
    ]


def test_all_parts_in_one(study):
    o = study.outcomes["foreign_background"]
    again = analyse_horizons(o.inference, o.indicator)
    assert again == o.horizons
    assert dataclasses.is_dataclass(again)
    assert set(again.to_dict()) == {
        "duration",
        "exposure",
        "subgroups",
        "families",
        "sentence_sv",
        "sentence_en",
    }
