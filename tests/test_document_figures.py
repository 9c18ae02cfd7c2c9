"""The documents' figures against each other: what agrees, what is a slip, what cannot be told."""

import re
from dataclasses import replace

import pytest

from evaluation.data import embedded
from evaluation.data.documents import RULES, Figure, Rule, Term, check_figures, document_figures
from evaluation.data.places import codes
from evaluation.errors import InputError

FIGURES = document_figures()
FOUND = check_figures()


def changed(**values):
    """Check the figures with some printed otherwise."""
    return check_figures(
        {**FIGURES, **{k: replace(FIGURES[k], value=v) for k, v in values.items()}}
    )


def figure(value, unit="persons", qualifier=""):
    return replace(FIGURES["F001"], id="X", value=value, unit=unit, qualifier=qualifier)


def slips(found):
    return {r.figure.id for r in found.slips}


# the file


def test_every_figure_once_with_document_and_line():
    assert list(FIGURES) == [f"F{i:03d}" for i in range(1, 201)]
    assert {f.document for f in FIGURES.values()} == set(embedded.DOCUMENTS)
    assert all(f.line.isdigit() for f in FIGURES.values())


def test_the_file_holds_no_address_and_no_quotation():
    text = embedded.DATA_SETS["document_figures"].path.read_text(encoding="utf-8")
    assert not re.search(r"@|https?:|www\.|\b0\d{1,3}[- ]\d{2,3} ?\d\d|[«»”“]", text)
    longest = max(len(f.note.split()) for f in FIGURES.values())
    assert longest <= 20


def test_no_anonymous_answer_is_a_municipalitys():
    names = set(embedded.municipalities()["name"])
    anonymous = [f for f in FIGURES.values() if "anonymous" in f.source_named]
    assert len(anonymous) == 3
    assert not any(f.geography in names or f.geography in codes() for f in anonymous)


def test_models_and_shares_are_known():
    models = set(embedded.load("models")["model_id"])
    for f in FIGURES.values():
        assert bool(f.model) == bool(f.role)
        assert not f.model or f.model in models
        if f.role in ("result", "principle") or (f.role == "target" and f.unit == "per cent"):
            assert f.denominator, f.id


# rounding


@pytest.mark.parametrize(
    ("value", "unit", "qualifier", "bounds"),
    [
        ("683", "persons", "", (683, 683)),
        ("3.77", "ratio", "", (3.765, 3.775)),
        ("71", "per cent", "", (70.5, 71.5)),
        ("54000", "persons", "approx", (53500, 54500)),
        ("10", "per cent", "approx", (5, 15)),
        ("85", "per cent", "approx", (84.5, 85.5)),
        ("1.5", "per cent", "approx", (1.45, 1.55)),
        ("1000", "persons", "min", (1000, float("inf"))),
        ("40", "persons", "max", (-float("inf"), 40)),
        ("-21", "persons", "", (-21, -21)),
    ],
)
def test_what_a_printed_figure_stands_for(value, unit, qualifier, bounds):
    assert figure(value, unit, qualifier).bounds == pytest.approx(bounds)


@pytest.mark.parametrize("value", ["20-30", "almost all", "2018;2019;2020", "2016-2020"])
def test_a_range_and_words_are_no_number(value):
    with pytest.raises(InputError, match=f"field X: '{value}' is no number"):
        figure(value).bounds  # noqa: B018


# the check


def test_all_figures_are_accounted_for():
    assert FOUND.counts == {"implied": 46, "enters": 40, "untold": 19, "alone": 95}
    assert sum(FOUND.counts.values()) == FOUND.n_figures == len(FIGURES)
    assert set(FOUND.place) == set(FIGURES)
    used = {f for r in RULES for f in (r.target, *r.uses)}
    assert {k for k, v in FOUND.place.items() if v == "alone"} == set(FIGURES) - used


def test_the_documents_slips():
    assert slips(FOUND) == {"F012", "F019", "F030", "F140"}
    (suspect,) = FOUND.suspects
    assert (suspect.figure.id, suspect.figure.value, suspect.implied) == ("F030", "5574", 5774)
    assert suspect.n_rules == 2
    assert FIGURES["F030"].value == "5574"  # reported, not repaired


@pytest.mark.parametrize(
    ("name", "computed", "verdict"),
    [
        ("F128", 10531 / 2793, "agrees"),
        ("F105", 31304 + 36476, "agrees"),
        ("F090", 100 * 99767 / 140903, "agrees"),
        ("F119", 100 * 27955 / 68760, "agrees"),
        ("F125", 100 * 18250 / 68760, "agrees"),
        ("F078", 100 - 100 * 20 / 59 - 15, "agrees"),
        ("F012", 3.35, "agrees"),
        ("F019", 15 + 2 * 0.20, "agrees"),
        ("F011", 24, "agrees"),
        ("F076", 8 * 3 + 10 * 2 + 15, "agrees"),
        ("F070", 29, "agrees"),
        ("F030", 11088 - 5314, "slip"),
        ("F009", float("inf"), "cannot_tell"),
    ],
)
def test_by_hand(name, computed, verdict):
    row = next(r for r in FOUND.rules if r.figure.id == name)
    assert (row.low + row.high) / 2 == pytest.approx(computed)
    assert row.verdict == verdict


def test_full_time_equivalents_printed_as_per_cent():
    found = [(r.printed, r.computed) for r in FOUND.slips if r.rule.as_printed]
    assert found == [("3,35 %", "335"), ("15,40 %", "1540")]


def test_the_law_was_in_force_eleven_months_later():
    (row,) = [r for r in FOUND.slips if r.figure.id == "F140"]
    assert (row.printed, row.computed) == ("2010-01-01", "2010-12-01")
    assert row.high - 334 == row.figure.number
    assert slips(changed(F140="2010-12-01")) == {"F012", "F019", "F030"}


@pytest.mark.parametrize("name", [f"F{i:03d}" for i in range(25, 61)])
def test_one_wrong_digit_in_ares_table_is_found_and_named(name):
    """In the table as it should be, any altered figure makes a slip; a stock is also named."""
    right = {**FIGURES, "F030": replace(FIGURES["F030"], value="5774")}
    assert slips(check_figures(right)) == {"F012", "F019", "F140"}
    wrong = replace(right[name], value=str(int(right[name].value) + 100))
    found = check_figures({**right, name: wrong})
    mine = [r for r in found.slips if name in (r.rule.target, *r.rule.uses)]
    assert mine
    assert len(mine) == len(found.slips) - 3
    for s in found.suspects:
        assert s.figure.id == name
        assert s.implied == int(right[name].value)


@pytest.mark.parametrize(
    ("name", "value", "slip"),
    [
        ("F128", "3.78", "F128"),
        ("F106", "31305", "F105"),
        ("F121", "27.82", "F121"),
        ("F122", "3420", "F117"),
        ("F146", "1011", "F145"),
        ("F157", "86", "F158"),
        ("F091", "101000", "F090"),
        ("F075", "32", "F075"),
        ("F072", "8", "F072"),
        ("F067", "3", "F011"),
    ],
)
def test_a_figure_that_does_not_fit_is_found(name, value, slip):
    assert slip in slips(changed(**{name: value}))


def test_a_bound_tells_only_when_it_is_broken():
    """At least 1 000 of 10 677 are 9.4 per cent or more: 8 cannot be right, 60 may be."""
    exact = replace(FIGURES["F009"], qualifier="")
    for value, verdict in (("8", "slip"), ("60", "cannot_tell")):
        found = check_figures({**FIGURES, "F009": replace(exact, value=value)}, RULES[:1])
        assert found.rules[0].verdict == verdict
        assert found.rules[0].computed == "≥ 9.37"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Rule("F999", (Term(1, "F001"),)), "the rule for F999 names 'F999', which is no figure"),
        (Rule("F001", (Term(1, "F999"),)), "the rule for F001 names 'F999'"),
        (Rule("F001", (Term(1, "F002", "F133"),)), "field F133: cannot be divided by"),
        (Rule("F001", (Term(1, "F064"),)), "field F064: 'almost all' is no number"),
    ],
)
def test_rules_that_cannot_be_computed_are_refused(rule, says):
    with pytest.raises(InputError, match=says):
        check_figures(rules=[rule])


def test_the_checks_texts():
    checks = {c.text_en: c for c in FOUND.checks()}
    assert len(checks) == len(FOUND.rules)
    passed = [c.passed for c in checks.values()]
    assert (passed.count(True), passed.count(False), passed.count(None)) == (48, 5, 19)
    text = next(c for c in checks.values() if c.name == "figure_F128")
    assert text.text_sv == (
        "F128 (Skåne län 2017, kfsk_2018 rad 359): 3,77 stämmer med F127 / F126."
    )
    assert "är tryckt 5574, men F042 − F036 ger 5774" in FOUND.slips[2].sentence("sv")
    assert FOUND.sentence("en").startswith("Of 200 figures 46 follow from others")


def test_tidy_and_json():
    table = FOUND.tidy()
    assert len(table) == len(RULES) == 72
    assert table["verdict"].value_counts().to_dict() == {
        "agrees": 48,
        "cannot_tell": 19,
        "slip": 5,
    }
    content = FOUND.to_dict()
    assert content["data_hash"] == embedded.DATA_SETS["document_figures"].sha256
    assert content["suspects"][0]["implied"] == 5774
    assert changed().data_hash == ""


def test_a_figure_is_frozen():
    with pytest.raises(AttributeError):
        FIGURES["F030"].value = "5774"
    assert isinstance(FIGURES["F030"], Figure)
