"""What a reader of the report meets: limits said once, reasons in words, labels that are whole."""

import copy

import pytest

from evaluation.questions.horizons.horizon_plot import draw_horizons
from evaluation.report.against_text import like_text
from evaluation.report.figure import WIDTH, blank, style
from evaluation.report.figures import make_figures
from evaluation.report.limits import outcome_limits
from evaluation.report.simulated import mark_figure
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


# tables and figures


def test_a_table_named_by_two_columns_is_shown_as_cards_on_a_phone(results):
    tables = make_tables(results, "sv")
    assert tables[f"neighbour_years_{OUTCOMES[0]}"].cards
    assert not tables[f"per_municipality_{OUTCOMES[0]}"].cards


@pytest.fixture
def hidden(results):
    """The figure on hidden activity for five outcomes, three of them with long names."""
    changed = copy.deepcopy(results)
    long = "andel i arbete eller studier 90 dagar efter etableringsprogrammet"
    one = OUTCOMES[0]
    for tail in ("", " (kvinnor)", " (män)"):
        name = f"long{tail}"
        changed["outcomes"][name] = changed["outcomes"][one]
        changed["indicators"][name] = changed["indicators"][one] | {"label_sv": long + tail}
    return make_figures(changed, "sv")["hidden_active"]


def test_titles_of_the_panels_on_hidden_activity_do_not_meet(hidden):
    drawing = hidden.drawing
    with style():
        drawing.canvas.draw()
        whole = drawing.bbox
        boxes = [
            ax._left_title.get_window_extent() for ax in drawing.axes if ax.get_title(loc="left")
        ]
    assert len(boxes) == len(OUTCOMES) + 3
    for i, box in enumerate(boxes):
        assert box.x1 <= whole.x1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_no_mark_of_simulation_stands_where_there_is_no_panel(hidden):
    axes = mark_figure(hidden, "sv").drawing.axes
    marked = [any(t.get_text() == "SIM" for t in ax.texts) for ax in axes]
    assert marked == [True] * 5 + [False]


@pytest.mark.parametrize("shift", [-6.0, 0.0, 6.0])
def test_the_legend_of_the_horizons_lies_on_no_interval(results, shift):
    o = copy.deepcopy(results["outcomes"][OUTCOMES[0]])
    h, headline = o["horizons"], next(iter(o["finding"]["estimates"].values()))
    h["truth"] = {"horizons": {x["key"]: shift for x in h["duration"]["horizons"]}}
    with style():
        drawing, ax = blank(WIDTH, 2.9)
        draw_horizons(h, headline, ax, "sv", "procentenheter")
        drawing.canvas.draw()
        box = ax.get_legend().get_window_extent()
        rows = [ax.transData.transform((0, y))[1] for y in ax.get_yticks()]
    assert ax.get_legend().get_texts()[0].get_text() == "sanningen i simuleringen"
    assert box.y1 < min(rows)
