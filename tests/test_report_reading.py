"""What a reader of the report meets: limits said once, reasons in words, labels that are whole."""

import copy

import pytest

from evaluation.report.against_text import like_text
from evaluation.report.figures import make_figures
from evaluation.report.limits import outcome_limits
from evaluation.report.tables import make_tables
from evaluation.report.text import make_markdown

OUTCOMES = ("foreign_background", "low_economic_standard")


@pytest.fixture(scope="module")
def results(study):
    return study.to_dict()


# limits


def indicator(label, limit):
    return {"definite_sv": label, "label_en": label, "limit_sv": limit, "limit_en": limit}


def test_a_shared_limit_is_said_once_and_names_its_outcomes():
    r = {
        "indicators": {
            "a": indicator("andelen", "Kort."),
            "k": indicator("andelen (kvinnor)", "Kort."),
            "b": indicator("beloppet", "Löpande priser."),
            "m": indicator("andelen (män)", "Kort."),
            "c": indicator("antalet (män)", "Kort."),
        }
    }
    assert outcome_limits(r, "sv") == [
        "Kort. Det gäller andelen (alla, kvinnor, män) och antalet (män).",
        "Löpande priser.",
    ]


@pytest.mark.parametrize(
    ("lang", "mark", "once", "tail"),
    [
        ("sv", "{#gränser}", "En mindre kan finnas utan att synas.", "Det gäller andelen med"),
        ("en", "{#limits}", "A smaller one may exist without showing.", "This is about the share"),
    ],
)
def test_the_section_on_limits_repeats_nothing(results, lang, mark, once, tail):
    changed = copy.deepcopy(results)
    for i in changed["indicators"].values():
        i[f"limit_{lang}"] = "What both share."
    text = make_markdown(changed, make_tables(changed, lang), make_figures(changed, lang), lang)
    section = text.split(mark)[1].split("\n# ")[0]
    assert section.count("What both share.") == 1
    assert section.count(tail) == 1
    assert section.count(once) == 1
    for outcome in OUTCOMES:
        assert (
            results["outcomes"][outcome]["robustness"]["power"][f"sentence_{lang}"][1:] in section
        )
    # the smallest effects stand below what is said of them
    assert section.count("\n    - ") == len(OUTCOMES)


# checks and reasons


def test_the_placebo_check_says_which_pretended_start_is_farthest_from_zero(results):
    for o in results["outcomes"].values():
        check = next(c for c in o["finding"]["checks"] if c["name"] == "placebo_dates")
        found = o["robustness"]["dates"]["rows"]
        assert len(found) > 1
        years = max(found, key=lambda e: abs(e["estimate"]))["label"].removeprefix("−")
        assert f"(längst från noll är den med starten {years} år tidigare)" in check["text_sv"]
        assert f"(farthest from zero is the one with the start {years} year" in check["text_en"]


@pytest.mark.parametrize(
    ("problem", "sv", "en"),
    [
        (
            "field level: does not vary among the units of the scale (pooled); leave it out",
            "varierar inte inom grupperna",
            "does not vary within the groups",
        ),
        (
            "field treated: two controls or more are needed to judge overlap",
            "minst två jämförelsekommuner behövs",
            "two controls or more are needed",
        ),
        (
            "field scale: a group of one unit has no standard deviation; use the other group's",
            "en grupp av en enda kommun har ingen standardavvikelse",
            "no standard deviation",
        ),
    ],
)
def test_why_there_is_no_balance_is_said_in_the_language(results, problem, sv, en):
    changed = copy.deepcopy(results)
    changed["outcomes"][OUTCOMES[0]]["against"]["problem"] = problem
    told = like_text(changed, OUTCOMES[0], "sv")
    assert sv in told
    assert "field" not in told
    assert en in like_text(changed, OUTCOMES[0], "en")
