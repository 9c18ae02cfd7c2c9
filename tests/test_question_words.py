"""What the questions' sentences say follows from the numbers and their intervals."""

import copy
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.data.panel import Panel
from evaluation.data.registry import REGISTRY
from evaluation.design.treatment import design_from_plan
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import free_assignments
from evaluation.estimation.joint_test import OUTCOMES, GapMovement
from evaluation.plan import load_plan
from evaluation.questions.costs import cost_analysis, costs_from_dict, load_costs
from evaluation.questions.costs.effects import UncertainEffect
from evaluation.questions.costs.sensitivity import BreakEven
from evaluation.questions.costs.totals import Model
from evaluation.questions.costs.words import break_even_sentences, sentences
from evaluation.questions.effect_words import effect_sentences
from evaluation.questions.gender.gap import Test as Inference
from evaluation.questions.gender.gap import analyse_gap
from evaluation.questions.gender.words import movement_sentence
from evaluation.questions.retention.described import ratio_words
from evaluation.results import Estimate

YEARS = list(range(2010, 2020))


def gap(women, men, levels=(30.0, 41.0), noise=2.0):
    """Return the analysis of two panels with these effects, 12 treated of 60."""
    rng = np.random.default_rng(1)
    units = [f"u{i:03d}" for i in range(60)]
    first = np.where(np.arange(60) < 12, 2014 + np.arange(60) % 3, 0)
    on = (first[:, None] > 0) & (np.array(YEARS)[None, :] >= first[:, None])
    panels = [
        Panel(s, pd.DataFrame(
            level + rng.normal(0, noise, (60, len(YEARS))) + effect * on, index=units, columns=YEARS
        ))
        for s, level, effect in zip("KM", levels, (women, men), strict=True)
    ]  # fmt: skip
    cohort = pd.Series(first, index=units)
    picks = free_assignments(60, contrasts(panels[0], cohort).slots, 499, 5)
    return analyse_gap(*panels, cohort, Inference(picks, "any units", "auto", None, 5))


# the gap


def test_a_gap_that_is_shown_to_close_is_not_called_undecided():
    """Women rose some and men fell some, neither clearly: that it closed is clear."""
    found = gap(1.2, -1.2)
    p = found.movement.p_values
    assert found.movement.outcome == "cannot_tell"
    assert p["not_closed"] <= 0.05
    en, sv = (movement_sentence(found, x).replace("\u00a0", " ") for x in ("en", "sv"))
    assert en.startswith("The joint test shows that the gap closed")
    assert sv.startswith("Det gemensamma testet visar att gapet krympte")
    assert "did not close" not in en
    assert "krympte inte" not in sv


def test_a_gap_that_may_not_have_closed_is_undecided():
    found = gap(0.0, 0.0)
    assert found.movement.p_values["not_closed"] > 0.05
    assert movement_sentence(found, "en").startswith(
        "The joint test cannot tell whether the gap closed"
    )
    assert "changed places" not in movement_sentence(found, "en")


@pytest.mark.parametrize(
    ("rejected", "en", "sv"),
    [
        (
            ("not_closed", "leading_fell"),
            "closed and that women rose (one-sided at the level 5 %), but cannot tell whether men "
            "fell too.",
            "krympte och att kvinnorna steg (ensidigt på nivån 5 %), men kan inte avgöra om männen "
            "också föll.",
        ),
        (
            ("not_closed", "lagging_rose"),
            "closed and that men fell (one-sided at the level 5 %), but cannot tell whether women "
            "rose too.",
            "krympte och att männen föll (ensidigt på nivån 5 %), men kan inte avgöra om "
            "kvinnorna också steg.",
        ),
        (
            ("not_closed",),
            "closed (one-sided at the level 5 %), but cannot tell whether because women moved or "
            "men.",
            "krympte (ensidigt på nivån 5 %), men kan inte avgöra om det var därför att kvinnorna "
            "rörde sig eller männen.",
        ),
        (
            ("both",),
            "if so, because women moved or men; rejected is only «the gap closed from both ends: "
            "women rose and men fell».",
            "männen; förkastat är bara «gapet krympte från båda håll: kvinnorna steg och männen "
            "föll».",
        ),
    ],
)
def test_what_is_left_of_the_four_outcomes_is_said(rejected, en, sv):
    found = gap(1.2, -1.2)
    p = {k: 0.01 if k in rejected else 0.4 for k in OUTCOMES}
    found = replace(found, movement=GapMovement("cannot_tell", p, 0.05, "made up"))
    assert movement_sentence(found, "en").replace("\u00a0", " ").endswith(en)
    assert movement_sentence(found, "sv").replace("\u00a0", " ").endswith(sv)
    # the other way round where men lag
    turned = movement_sentence(replace(found, lower="M"), "en").replace("\u00a0", " ")
    swap = {"women": "men", "men": "women"}
    assert turned.endswith(re.sub(r"\b(wo)?men\b(?= (rose|fell))", lambda m: swap[m.group()], en))


@pytest.mark.parametrize(
    ("p", "sv", "en"),
    [
        (0.51, "51 %", "51 %"),
        (0.034, "3,4 %", "3.4 %"),
        (0.0004, "mindre än 0,1 %", "less than 0.1 %"),
        (0.9975, "mer än 99 %", "more than 99 %"),
        (1.0, "100 %", "100 %"),
    ],
)
def test_no_chance_is_called_none(p, sv, en):
    i = REGISTRY["N00973"]
    e = Estimate(term="att", estimate=4.0, conf_int=(1.0, 7.0), p_value=p, method="cs",
                 inference="permutation", estimand="cohort", n_obs=9, n_units=9,
                 n_treated_units=2, n_clusters=9)  # fmt: skip
    design = design_from_plan(load_plan("settlement"))
    for by_rule in (False, True):
        said = [t.replace("\u00a0", " ") for t in effect_sentences(i, e, design, by_rule, "")]
        assert f" i {sv} av " in said[0]
        assert f" in {en} of " in said[1]


@pytest.mark.parametrize(
    ("effects", "places"), [((30.0, 8.0), True), ((-8.0, -30.0), True), ((14.0, 8.0), False)]
)
def test_a_gap_that_went_past_zero_is_told_with_its_levels(effects, places):
    found = gap(*effects)
    en, sv = movement_sentence(found, "en"), movement_sentence(found, "sv")
    assert en.startswith("The joint test decides it: the gap closed because")
    assert ("changed places" in en) == ("bytt plats" in sv) == places
    if places:
        women, men = (f"{found.levels()[f'{who}_after']:.2f}" for who in ("women", "men"))
        assert f"{women} for women and {men} for men after the start" in en


# retention


@pytest.mark.parametrize(
    ("ends", "p", "en", "sv"),
    [
        ((0.76, 1.04), 0.303, "", ""),
        ((0.0, 1.04), 0.07, "no lower bound", "ingen nedre gräns"),
        ((0.76, math.inf), 0.07, "no upper bound", "ingen övre gräns"),
        ((0.0, math.inf), 0.2, "no lower or upper bound", "ingen nedre eller övre gräns"),
    ],
)
def test_a_ratio_has_the_interval_of_its_test_and_the_clustered_one_by_name(ends, p, en, sv):
    e = Estimate(term="att", estimate=-0.2, conf_int=(-0.3, 0.1), p_value=p, method="cloglog",
                 inference="permutation", estimand="log hazard ratio", n_obs=9,
                 n_units=9, n_treated_units=2, n_clusters=9)  # fmt: skip
    said = {
        x: ratio_words((0.82, *ends), (0.78, 0.89), e, x).replace("\u00a0", " ")
        for x in ("en", "sv")
    }
    low, high = ("∞" if math.isinf(v) else f"{v:.2f}" for v in ends)
    assert said["en"].startswith(f"0.82 (95 % interval {low} to {high} and p = {p:.3f}, by perm")
    assert said["en"].endswith("clustered interval 0.78 to 0.89, too short where few are active)")
    assert "(95 % intervall 0," in said["sv"]
    assert said["sv"].endswith("klustrat intervall 0,78 till 0,89, för kort när få är aktiva)")
    for lang, more in (("en", en), ("sv", sv)):
        assert ("bound" in said[lang] or "gräns" in said[lang]) == bool(more)
        assert more in said[lang]


# costs


def content(**parameters):
    found = yaml.safe_load(open(load_costs("example").file, encoding="utf-8"))  # noqa: PTH123, SIM115
    found = copy.deepcopy(found)
    for key, value in parameters.items():
        found["parameters"][key]["value"] = value
    return costs_from_dict(found)


def answer(low, value, high, plan=None):
    effect = UncertainEffect(value, low, high, 0.05, "stated", "a", "a", True)
    return cost_analysis(plan or load_costs("example"), effect, draws=400)


@pytest.mark.parametrize(
    ("effect", "sv", "en", "certain"),
    [
        ((0.05, 0.07, 0.09), "sparar kommunen", "saves", True),
        ((-0.02, 0.03, 0.08), "sparar kommunen", "saves", False),
        ((-0.12, -0.07, -0.02), "betalar kommunen", "pays", True),
        ((-0.06, -0.01, 0.04), "betalar kommunen", "pays", False),
    ],
)
def test_a_loss_is_no_saving_and_an_unsure_saving_is_called_unsure(effect, sv, en, certain):
    found = answer(*effect)
    saved = found.estimates["assistance_saved"]
    assert f"{en} {abs(saved.estimate):,.0f} kronor" in found.finding.sentence_en.replace(
        "\u00a0", " "
    )
    assert sv in found.finding.sentence_sv
    assert "saves −" not in found.finding.sentence_en.replace("\u00a0", " ")
    low, high = sorted(saved.conf_int if saved.estimate > 0 else [-b for b in saved.conf_int])
    shown = f"interval {low:,.0f} to {high:,.0f})".replace("-", "−")
    assert shown in found.finding.sentence_en
    assert ("cannot be told" in found.finding.sentence_en) != certain
    assert ("går inte att avgöra" in found.finding.sentence_sv) != certain


def test_an_effect_on_staying_is_named_where_it_enters():
    stay = UncertainEffect(-0.08, -0.12, -0.04, 0.05, "stated", "a", "a", True)
    work = UncertainEffect(0.05, 0.02, 0.08, 0.05, "stated", "a", "a", True)
    both = cost_analysis(load_costs("example"), work, on_staying=stay, draws=400).finding
    start = "With an effect on work or studies of 5.0 percentage points, one on staying of −8.0 and"
    assert both.sentence_en.startswith(start)
    assert both.sentence_sv.startswith(
        "Med en effekt på arbete eller studier på 5,0 procentenheter, en på kvarboende på −8,0 och"
    )
    alone = cost_analysis(load_costs("example"), work, draws=400).finding
    assert alone.sentence_en.startswith("With an effect of 5.0 percentage points and")


@pytest.mark.parametrize(
    ("share", "en", "sv"),
    [
        (0.0, "in 0 % of", "i 0 % av"),
        (0.004, "in less than 1 % of", "i mindre än 1 % av"),
        (0.31, "in 31 % of", "i 31 % av"),
        (0.997, "in more than 99 % of", "i mer än 99 % av"),
        (1.0, "in 100 % of", "i 100 % av"),
    ],
)
def test_a_rare_gain_is_not_called_none(share, en, sv):
    found = answer(-0.02, 0.03, 0.08)
    model = Model(found.plan, found.effect)
    args = (model, found.estimates, {"municipality": share}, found.break_even)
    said = [t.replace("\u00a0", " ") for t in sentences(*args)]
    assert f"Kommunen vinner {sv} dragningarna" in said[0]
    assert f"The municipality gains {en} the draws" in said[1]


def test_what_is_not_uncertain_has_no_interval():
    found = cost_analysis(load_costs("by_hand"), draws=100).finding
    for said, none in ((found.sentence_en, "no intervals"), (found.sentence_sv, "inga intervall")):
        assert none in said
        assert "95" not in said.replace("\u00a0", " ")


def test_the_net_that_falls_with_the_effect_is_no_effect_to_reach():
    """A credit for long assistance above what work saves: more in work cost the municipality."""
    plan = content(equalisation_credit=400_000, programme_cost=1)
    found = answer(-0.02, 0.03, 0.08, plan)
    even = found.break_even
    assert even.effect is not None
    assert even.net_at_range[0] > even.net_at_range[1]
    assert "the municipality loses at every larger one" in found.finding.sentence_en
    assert "kommunen förlorar på varje större effekt" in found.finding.sentence_sv


def test_bounds_beyond_what_is_possible_are_not_left_out():
    even = BreakEven(0.03, (-0.4, 0.6), (-9.0, 1.0), 5.0, 5.0)
    assert "interval with bounds beyond what is possible" in break_even_sentences(even, "en")[0]
    assert "med gränserna bortom det möjliga" in break_even_sentences(even, "sv")[0]


def test_no_cost_that_breaks_even_says_of_what_the_interval_is():
    found = answer(-0.06, -0.01, 0.04)
    assert found.break_even.cost_per_person is None
    low, high = found.break_even.cost_bounds
    assert low < 0 < high
    said = break_even_sentences(found.break_even, "en")[1]
    assert f"of the cost that breaks even is −{-low:,.0f} to {high:,.0f} kronor" in said
    assert "below zero there is none" in said
