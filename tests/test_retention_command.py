"""``evaluation retention`` as text: Swedish unless asked otherwise, all of it in one language."""

import re

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from evaluation.cli.retention import attach
from evaluation.data.places import codes as municipality_codes
from evaluation.errors import InputError
from evaluation.questions.retention.notes import note_text

app = typer.Typer()
attach(app)


@app.command()
def other():
    """Make a group of the commands, as in the real one."""


def run(*arguments):
    found = CliRunner().invoke(app, ["retention", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write persons of 20 municipalities, four of them active from 2014, and who is active."""
    folder = tmp_path_factory.mktemp("retention")
    rng = np.random.default_rng(4)
    codes = sorted(municipality_codes())[:20]
    n = 20 * 6 * 60
    code, year = np.tile(codes, n // 20), np.repeat(range(2011, 2017), n // 6)
    left = rng.integers(1, 90, n)
    gone = left <= 36
    kinds = np.array(["within_county", "metropolitan", "elsewhere", "abroad", "death"])
    month = year * 12 + left
    persons = pd.DataFrame(
        {
            "received_code": code,
            "received": [f"{y}-01-15" for y in year],
            "moved": [
                f"{m // 12}-{m % 12 + 1:02d}-15" if g else None
                for m, g in zip(month, gone, strict=True)
            ],
            "move": np.where(gone, kinds[rng.integers(0, 5, n)], None),
            "sex": np.where(rng.random(n) < 0.5, "K", "M"),
        }
    )
    persons.to_csv(folder / "persons.csv", index=False)
    starts = pd.DataFrame({"code": codes[:4], "start": "2014-01"})
    starts.to_csv(folder / "stance.csv", index=False)
    return folder


def test_swedish_is_the_default_and_whole(files):
    out = run("--data", files / "persons.csv", "--stance", files / "stance.csv", "--by", "exposed")
    assert "Månader i kommunen av de första 36, medeltal (95\u00a0% intervall):" in out
    assert "mottagna av en aktiv kommun  till storstad" in out
    assert re.search(r"Gray \(utomlands\).*: chi-två \d+,\d{3}, 1 frihetsgrad, p", out)
    assert re.search(r"exposed: riskkvot \d,\d\d \(\d,\d\d till \d,\d\d; p", out)
    assert re.search(r"^Evidensgrad: (måttlig|svag|mycket svag)\. ", out, re.MULTILINE)
    assert "not: kurvor och grupptest räknar personer som oberoende" in out
    # no word of the English text, and no decimal point
    english = ("hazard ratio", "kommun of", "chi-squared", "interval)", "note", "Evidence", "the ")
    assert [w for w in english if w in out] == []
    assert re.findall(r"\d\.\d", out) == []


def test_english_has_the_same_numbers(files):
    call = ("--data", files / "persons.csv", "--stance", files / "stance.csv", "--by", "exposed")
    sv, en = run(*call), run(*call, "--lang", "en")
    assert "Months in the kommun of the first 36, mean" in en
    assert "note: curves and group tests take persons as independent" in en

    def figures(text, end):
        """Return those of the tables; the sentences' words stand in another order."""
        inside = text.partition("(95\u00a0%")[2].partition("\n\n")[2].partition(end)[0]
        return re.findall(r"\d+(?:\.\d+)?", inside)

    # thousands and decimals as the language writes them
    swedish = figures(sv.replace("\u202f", "").replace(",", "."), "Kontroller:")
    assert swedish == figures(re.sub(r"(?<=\d),(?=\d)", "", en), "Checks:")
    assert len(swedish) > 50


@pytest.mark.parametrize(
    ("note", "swedish"),
    [
        ("no models: 9 municipalities; they need 12", "inga modeller: 9 kommuner; de behöver 12"),
        ("no models: fewer than 50 left of some group", "färre än 50"),
        ("no tests and no models: numbers of the groups they compare are hidden", "inga test"),
        ("no test of abroad: numbers that it rests on are hidden", "inget test av utomlands"),
        ("1: hidden from month 13 on, being small or telling of what is small", "1: dolt från"),
        ("in neither group, active from the first cohort (2012) on: 0114", "(2012): 0114"),
        ("in neither group, active after the last cohort (2016): 0114, 0115", "(2016): 0114, 0115"),
        (
            "in neither group, active and without a cohort, or with one of fewer than 5 in some "
            "year: 2",
            "eller med färre än 5, något år: 2",
        ),
        (
            "no effect: the active municipalities received fewer than 10 persons before or since",
            "färre än 10 personer",
        ),
        ("nobody or everybody leaves in 3 of cohort: left out", "flyttar i 3 av cohort"),
        ("a note that nobody knows", "a note that nobody knows"),
    ],
)
def test_notes_in_swedish(note, swedish):
    assert swedish in note_text(note, "sv")
    assert note_text(note, "en") == note


@pytest.mark.parametrize("by", ["exposed", "stance"])
def test_comparing_by_activity_needs_to_know_who_is_active(files, by):
    with pytest.raises(InputError, match="who is active; give --stance FILE") as raised:
        run("--data", files / "persons.csv", "--by", by)
    assert (raised.value.file, raised.value.field) == ("persons.csv", by)


def test_a_life_table_without_exposure_names_the_way_to_it(files, tmp_path):
    table = pd.DataFrame(
        {
            "municipality": np.repeat(["0114", "0115"], 2),
            "month": [1, 2, 1, 2],
            "at_risk": [90, 80, 90, 80],
            "censored": [0, 80, 0, 80],
            "entered": 0,
        }
    )
    kinds = ("within_county", "metropolitan", "elsewhere", "abroad", "death")
    table = table.assign(**dict.fromkeys(kinds, 0))
    table["elsewhere"] = [10, 0, 10, 0]
    table.loc[table["month"] == 1, "entered"] = 90
    table.to_csv(tmp_path / "life.csv", index=False)
    pd.DataFrame({"code": ["0114"], "start": ["2010"]}).to_csv(tmp_path / "s.csv", index=False)
    call = ("--data", tmp_path / "life.csv", "--stance", tmp_path / "s.csv", "--horizon", 2)
    with pytest.raises(InputError, match="evaluation cohorts --adoption FILE», or compare by st"):
        run(*call, "--by", "exposed")


def test_a_key_that_is_nowhere_is_refused_with_those_that_are(files):
    with pytest.raises(InputError, match="its keys are municipality, cohort, sex"):
        run("--data", files / "persons.csv", "--by", "age")


def test_draws_without_an_effect_are_said_to_be_in_vain(files):
    asked = ["retention", "--data", str(files / "persons.csv"), "--draws", "99"]
    found = CliRunner().invoke(app, asked)
    assert found.stderr == (
        "evaluation: --draws is not used: nothing is drawn, since without --stance no effect is "
        "tested\n"
    )
    asked += ["--stance", str(files / "stance.csv")]
    assert CliRunner().invoke(app, asked).stderr == ""


def test_a_key_that_is_given_twice_counts_once(files):
    asked = ("--data", files / "persons.csv", "--until", "2019-12")
    assert run(*asked, "--by", "sex", "--by", "sex") == run(*asked, "--by", "sex")


def test_one_group_is_named_in_words(files, tmp_path):
    pd.DataFrame({"code": ["2584"], "start": ["2010"]}).to_csv(tmp_path / "s.csv", index=False)
    asked = ("--data", files / "persons.csv", "--stance", tmp_path / "s.csv", "--by", "exposed")
    with pytest.raises(InputError, match=r"the only group is 0 \(the others\); a test needs two"):
        run(*asked)


def test_a_horizon_beyond_the_data_says_where_they_are_taken_to_end(files):
    with pytest.raises(InputError, match=r"are taken to end with .*; --until says otherwise"):
        run("--data", files / "persons.csv", "--horizon", 500)


def test_ratios_that_describe_are_told_from_the_effect(files):
    call = ("--data", files / "persons.csv", "--by")
    known = (*call, "exposed", "--stance", files / "stance.csv")
    sv, en = run(*known), run(*known, "--lang", "en")
    clause = "Riskkvoterna här beskriver gruppernas skillnad; de är ingen effekt"
    assert sv.count(clause + " av att vara aktiv, som jämför") == 1
    assert sv.index("takten att flytta ändrades") < sv.index(clause) < sv.index("exposed: riskkvot")
    assert "they are no effect of being active, which compares with the same" in en
    # without an effect there is none to be told from
    assert clause + ".\n" in run(*call, "sex")
    assert clause not in run("--data", files / "persons.csv")


@pytest.fixture(scope="module")
def stayers(files, tmp_path_factory):
    """Write the same persons where nobody leaves, and where none of the exposed do."""
    folder = tmp_path_factory.mktemp("stayers")
    persons = pd.read_csv(files / "persons.csv", dtype=str)
    active = set(pd.read_csv(files / "stance.csv", dtype=str)["code"])
    since = persons["received_code"].isin(active) & (persons["received"] >= "2014")
    for name, stay in (("nobody", persons.index >= 0), ("exposed", since)):
        kept = persons.assign(moved=persons["moved"].mask(stay), move=persons["move"].mask(stay))
        kept.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.mark.parametrize("more", [(), ("--by", "exposed"), ("--by", "sex")])
def test_where_nobody_leaves_staying_is_described_and_nothing_fitted(files, stayers, more):
    call = ("--data", stayers / "nobody.csv", "--until", "2022-12", *more)
    known = (*call, "--stance", files / "stance.csv")
    out = run(*known)
    assert "100,0 % (100,0–100,0)" in out.replace("\u00a0", " ")
    assert "not: ingen effekt: av dem som togs emot av en aktiv kommun, eller av övriga" in out
    assert ("inga modeller: ingen flyttar, så det finns inget att jämföra" in out) == bool(more)
    assert "riskkvot" not in out
    english = run(*known, "--lang", "en")
    assert "note: no effect: of those received by an active municipality, or of the" in english
    assert "so no model can be fitted" in english


def test_where_none_of_the_exposed_leave_no_model_is_fitted(files, stayers):
    call = ("--data", stayers / "exposed.csv", "--until", "2022-12", "--by", "exposed")
    out = run(*call, "--stance", files / "stance.csv")
    assert "mottagna av en aktiv kommun 100,0 %" in out.replace("\u00a0", " ")
    assert "flyttar ingen eller alla, så ingen modell kan skattas" in out
    assert re.search(r"log-rank.*chi-två \d+", out)
    assert "riskkvot" not in out
