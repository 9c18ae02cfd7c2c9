"""``evaluation gender`` and the section of the report."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from evaluation.cli.gender import attach
from evaluation.cli.report import run as report_run
from evaluation.data.twin import simulate
from evaluation.errors import InputError
from evaluation.estimation.gap_change import gap_change
from evaluation.plan import SimulatedData, plan_from_dict
from evaluation.questions.study import run_study
from evaluation.report.figures import make_figures
from evaluation.report.gender import equivalence_text, ratio_text, representation_text
from evaluation.report.limits import one_sex_limits
from evaluation.report.tables import make_tables
from evaluation.report.text import make_markdown

app = typer.Typer()
attach(app)


@app.command()
def other():
    """Make a group of the commands, as in the real one."""


def run(*arguments):
    """Run the command; an input error is raised, as the real one catches it."""
    found = CliRunner().invoke(app, ["gender", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


def written(path, sexes=("K", "M")):
    rng = np.random.default_rng(3)
    rows = []
    for i in range(40):
        first = 2014 if i < 10 else ""
        for year in range(2010, 2018):
            both = rng.normal(0, 2)
            for sex in sexes:
                up = (5 if sex[0] == "K" else 2) * (i < 10 and year >= 2014)
                gone = i == 39 and year == 2012 and sex[0] == "K"
                value = "" if gone else round(30 + both + rng.normal(0, 2) + up, 3)
                rows.append((f"u{i}", year, sex, value, first, 100 + i))
    columns = ["unit", "year", "sex", "value", "cohort", "people"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def test_a_file_is_answered(tmp_path):
    path = written(tmp_path / "d.csv", ("Kvinnor", "Män", "Totalt"))
    found = json.loads(run("--data", path, "--draws", 499, "--margin", 20, "--json"))
    e = found["gap"]["estimates"]
    assert e["gap"]["estimate"] == pytest.approx(
        e["women"]["estimate"] - e["men"]["estimate"], abs=1e-9
    )
    assert e["gap"]["seed"] == 1
    assert found["gap"]["equivalence"]["equivalent"] is True
    assert found["sample"]["kept"]["common"] == 39
    f = found["finding"]
    assert f["estimates"] == found["gap"]["estimates"]
    checks = {c["name"]: c for c in f["checks"]}
    # 2010–2013 before the start
    assert (checks["pre_period"]["statistic"], checks["few_treated"]["statistic"]) == (4, 10)
    assert checks["equivalence"]["passed"] is True
    assert f["grade"] == "moderate"
    shown = f"{e['gap']['estimate']:+.2f}".replace("-", "−")
    assert f"the gap, women less men, changed by {shown} (95" in f["sentence_en"]
    assert f"gapet, kvinnor minus män, ändrades med {shown.replace('.', ',')}" in f["sentence_sv"]
    again = json.loads(run("--data", path, "--draws", 499, "--margin", 20, "--json"))
    assert again == found
    sized = run(
        "--data", path, "--draws", 99, "--size", "people", "--donors", 2, "--inference", "auto",
        "--lang", "en",
    )  # fmt: skip
    assert "each side's own variance" in sized
    assert "39 of 40 units have both sexes in every year; 1 lack a year for women" in sized


ENGLISH = re.compile(r"\b(the|of|and|women|units|with|interval is|estimate|Evidence)\b")


@pytest.mark.parametrize(
    ("more", "rests"),
    [
        (("--margin", 20), "inferens    permutation: vilka enheter som helst"),
        (
            ("--size", "people", "--donors", 2),
            "permutation: vilken som helst av 3 enheter av liknande storlek i varje grupp",
        ),
        (("--inference", "auto"), "regeln: varje sidas egen varians (CR2, Welch–Satterthwaite)"),
    ],
)
def test_a_file_is_answered_in_swedish_unless_asked(tmp_path, more, rests):
    path = written(tmp_path / "d.csv")
    said = run("--data", path, "--draws", 99, *more)
    assert rests in said
    assert "39 av 40 enheter har båda könen alla år; 1 saknar något år för kvinnor, 0" in said
    assert "Evidensgrad: måttlig." in said
    assert ("Att gapets förändring är mindre än 20,00 åt båda hållen är visat" in said) == (
        "--margin" in more
    )
    assert not ENGLISH.findall(said)
    english = run("--data", path, "--draws", 99, *more, "--lang", "en")
    assert ENGLISH.findall(english)
    # the same numbers in the same order
    numbers = [re.findall(r"[−+]?\d+\.\d+", t.replace(",", ".")) for t in (said, english)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("sexes", "says"),
    [
        (("T",), "only totals: the question of women and men needs rows for both"),
        (("K",), "only K"),
        (("K", "X"), "'X' is none of K"),
    ],
)
def test_totals_alone_stop_it(tmp_path, sexes, says):
    with pytest.raises(InputError, match=says) as raised:
        run("--data", written(tmp_path / "d.csv", sexes))
    assert raised.value.file is not None
    assert raised.value.field == "sex"


def test_one_thing_is_asked_for_at_a_time(tmp_path):
    with pytest.raises(InputError, match="give a plan, or --data, or --cells"):
        run()
    with pytest.raises(InputError, match="give a plan"):
        run("settlement", "--data", tmp_path / "d.csv")
    with pytest.raises(InputError, match="only totals"):
        run("settlement")


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """Counts by education from the twin's persons, and its truth."""
    twin = simulate(SimulatedData(seed=3))
    p = twin.persons[twin.persons["status_90_days"].notna()]
    table = pd.DataFrame(
        {
            "unit": p["residence_code"].astype(str),
            "year": p["programme_end"].dt.year,
            "sex": p["sex"].astype(str),
            "category": p["education"].astype(str),
            "persons": 1,
            "successes": (p["status_90_days"] != "neither").astype(int),
        }
    )
    table = table.groupby(["unit", "year", "sex", "category"], as_index=False).sum()
    first = {c: y + 2 for c, y in twin.truth.first_year.items()}
    table["cohort"] = table["unit"].map(first).fillna(0).astype(int)
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    table.to_csv(path, index=False)
    return path, twin.truth


def test_counts_are_decomposed_and_the_truth_is_covered(counts):
    path, truth = counts
    e = json.loads(run("--cells", path, "--json"))["estimates"]
    # each of the three is rounded to one decimal
    sum_of_parts = e["composition"]["estimate"] + e["rates"]["estimate"]
    assert abs(sum_of_parts - e["difference"]["estimate"]) < 0.15 + 1e-9
    # activity changes rates, not who comes
    assert e["composition"]["conf_int"][0] < 0 < e["composition"]["conf_int"][1]
    assert abs(e["composition"]["estimate"]) < 0.6
    cells = pd.read_csv(path, dtype={"unit": str})
    for key, sex in (("women_rates", "K"), ("men_rates", "M")):
        rows = cells[(cells["sex"] == sex) & (cells["cohort"] > 0)]
        rows = rows[rows["year"] >= rows["cohort"]]
        places = rows["unit"].map(truth.codes.index)
        each = truth.effect("N00973", sex)[places, rows["year"] - truth.years[0]]
        known = np.isfinite(each)
        real = np.average(each[known], weights=rows["persons"][known])
        low, high = e[key]["conf_int"]
        assert low < real < high
    said = run("--cells", path, "--lang", "en")
    assert "because the mix of groups changed" in said
    assert "Evidence: weak." in said


def test_counts_are_told_in_swedish_unless_asked(counts):
    said = run("--cells", counts[0])
    assert "därför att gruppernas sammansättning ändrades" in said
    assert re.search(r"^procentenheter; \d+ personer, \d+ enheter, \d+ behandlade$", said, re.M)
    assert "Evidensgrad: svag." in said
    assert not ENGLISH.findall(said)
    numbers = [
        re.findall(r"[−+]?\d+\.\d", t.replace(",", "."))
        for t in (said, run("--cells", counts[0], "--lang", "en"))
    ]
    assert numbers[0] == numbers[1]


def test_counts_are_a_finding(counts):
    found = json.loads(run("--cells", counts[0], "--json"))
    f = found["finding"]
    assert f["estimates"] == found["estimates"]
    rates = f"{found['estimates']['rates']['estimate']:+.1f}".replace("-", "−")
    assert f"{rates} (95" in f["sentence_en"]
    assert f"{rates.replace('.', ',')} (95" in f["sentence_sv"]
    assert [c["passed"] for c in f["checks"]] == [True, None]


def test_what_leaves_of_counts_is_rounded_and_has_no_hash(counts):
    text = run("--cells", counts[0], "--json")
    found = json.loads(text)
    assert not re.findall(r"[0-9a-f]{64}", text)
    table = pd.read_csv(counts[0], dtype={"unit": str})
    cohort = table.groupby("unit")["cohort"].first()
    full = gap_change(table.drop(columns="cohort"), cohort)
    for k, e in found["estimates"].items():
        exact = full.estimates[k]
        assert e["data_hash"] == ""
        assert e["estimate"] == round(exact.estimate, 1)
        assert e["conf_int"] == [round(b, 1) for b in exact.conf_int]
        assert e["p_value"] == round(exact.p_value, 3)
        assert e["std_error"] == float(f"{exact.std_error:.2g}")
        assert e["statistic"] == round(exact.statistic, 1)


def test_counts_with_two_starts_are_refused(counts, tmp_path):
    table = pd.read_csv(counts[0], dtype=str).head(50)
    table.loc[0, "cohort"] = "2019"
    table.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match="two first treated years"):
        run("--cells", tmp_path / "c.csv")


@pytest.mark.parametrize("option", ["unit", "time", "sex", "category", "persons", "cohort"])
def test_columns_of_counts_that_are_not_there(counts, option):
    with pytest.raises(InputError, match="there is no such column; the file has unit, year") as e:
        run("--cells", counts[0], f"--{option}", "nowhere")
    assert (e.value.field, e.value.row) == ("nowhere", 1)


@pytest.mark.parametrize("column", ["unit", "category"])
def test_counts_that_belong_to_nothing_are_refused(counts, tmp_path, column):
    table = pd.read_csv(counts[0], dtype=str).head(50)
    table.loc[3, column] = ""
    table.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match="is empty; a name or code is needed") as e:
        run("--cells", tmp_path / "c.csv")
    assert (e.value.field, e.value.row) == (column, 5)


# the report


@pytest.fixture(scope="module")
def results():
    plan = plan_from_dict(
        {
            "name": "short",
            "title": {"sv": "Kort", "en": "Short"},
            "data": {"source": "simulated", "seed": 5},
            "outcomes": [{"indicator": "N00973", "sex": s} for s in ("K", "M")],
            "treatment": {
                "coding": "simulated",
                "exposure": "first_whole_year",
                "unfit": "leave_out",
            },
            "comparison": {"donors_per_treated": 6},
            "estimation": {"draws": 199, "seed": 1},
            "gender": {"margin": 5.0},
        }
    )
    return run_study(plan).to_dict()


def test_run_lists_women_and_men_among_its_findings(results, tmp_path, monkeypatch):
    stays = {"question": "retention"}

    def written(plan, folder, **options):
        folder.mkdir()
        whole = {**results, "retention": {"finding": stays}}
        (folder / "results.json").write_text(json.dumps(whole), "utf-8")
        return folder

    monkeypatch.setattr("evaluation.report.bundle.write_report", written)
    command = typer.Typer()
    command.command("run")(report_run)
    arguments = ["day_one_simulated", "--out", str(tmp_path / "out"), "--json"]
    found = CliRunner().invoke(command, arguments)
    assert found.exit_code == 0, found.output
    findings = json.loads(found.stdout)["findings"]
    assert results["gender"]["N00973"]["finding"] in findings
    assert [f["question"] for f in findings].count("gender") == 1
    assert stays in findings


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_the_report_has_the_section(results, lang):
    tables, figures = make_tables(results, lang), make_figures(results, lang)
    text = make_markdown(results, tables, figures, lang)
    g = results["gender"]["N00973"]
    assert text.count("{#gender}") == 1
    assert g["finding"][f"sentence_{lang}"] in text
    for sentence in (
        ratio_text(g, lang),
        equivalence_text(g, lang),
        representation_text(g, lang),
    ):
        assert sentence
        assert sentence in text
    raw = tables["gender_N00973"].raw.set_index("key")
    for key, e in g["finding"]["estimates"].items():
        assert raw.loc[key, "estimate"] == e["estimate"]
    assert set(tables["gender_lost_N00973"].raw["code"]) == {x["code"] for x in g["sample"]["lost"]}
    # a plan has no counts by group, and the section says once where the split is to be had
    assert text.count("`evaluation gender --cells`") == 1
    assert one_sex_limits(results, lang) == []
    margin = "5,00" if lang == "sv" else "5.00"
    assert margin in equivalence_text(g, lang)


@pytest.mark.parametrize(
    ("ends", "holds"),
    [([-1.0, 2.0], True), ([0.0, 2.0], True), ([None, 2.0], True), ([0.3, 2.0], False),
     ([-3.0, -0.3], False), ([0.3, None], False)],
)  # fmt: skip
def test_the_warning_of_an_interval_that_holds_zero_is_for_those_that_do(results, ends, holds):
    g = json.loads(json.dumps(results["gender"]["N00973"]))
    g["finding"]["estimates"]["gap"]["conf_int"] = ends
    assert equivalence_text(g, "en").startswith("An interval that holds zero") == holds
    assert equivalence_text(g, "sv").startswith("Ett intervall som rymmer noll") == holds
    assert "wo one-sided tests" in equivalence_text(g, "en")


@pytest.mark.parametrize(
    ("sex", "sv", "en"), [("K", "kvinnor", "women"), ("M", "män", "men")]
)  # fmt: skip
def test_one_sex_alone_has_no_section_and_the_limits_say_why(results, sex, sv, en):
    whole = json.loads(json.dumps(results)) | {"gender": {}, "multiple_testing": None}
    other = f"N00973_{'M' if sex == 'K' else 'K'}"
    alone = {
        k: {i: v for i, v in part.items() if i != other} if isinstance(part, dict) else part
        for k, part in whole.items()
    }
    alone["truth"] = [t for t in alone["truth"] if t["outcome"] != other]
    alone["plan"]["outcomes"] = [{"indicator": "N00973", "sex": sex}]
    for lang, who in (("sv", sv), ("en", en)):
        [said] = one_sex_limits(alone, lang)
        assert f" {who}" in said
        assert f"({who})" not in said
        tables, figures = make_tables(alone, lang), make_figures(alone, lang)
        text = make_markdown(alone, tables, figures, lang)
        assert text.count(said) == 1
        assert "{#gender}" not in text
        assert "--cells" not in text


def test_without_counts_and_ratio_the_words_say_so(results):
    g = json.loads(json.dumps(results["gender"]["N00973"]))
    g["representation"] = {}
    del g["finding"]["estimates"]["log_ratio"]
    assert representation_text(g, "en") == ""
    assert "not above zero" in ratio_text(g, "en")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--margin", "nan"], "field --margin: nan must be a number above zero"),
        (["--margin", "0"], "field --margin: 0 must be a number above zero"),
        (
            ["--size", "people", "--donors", 50],
            "field --donors: 50 for each of 10 treated units are 500; there are 29",
        ),
    ],
)
def test_options_at_fault_are_named_as_options(tmp_path, more, says):
    path = written(tmp_path / "d.csv")
    with pytest.raises(InputError) as raised:
        run("--data", path, "--draws", 99, *more)
    assert says in str(raised.value)


def test_sexes_as_numbers_are_refused_with_the_reason(tmp_path):
    path = written(tmp_path / "d.csv", ("1", "2"))
    with pytest.raises(InputError, match=r"'1' is none of K .* which sex a number is"):
        run("--data", path)


def test_a_table_in_the_place_of_a_plan_names_the_option(tmp_path):
    path = written(tmp_path / "d.csv")
    with pytest.raises(InputError, match=r"is a table and no plan; --data \(or --cells\) takes"):
        run(path)
    with pytest.raises(InputError, match="give a plan, or --data, or --cells; one of them only"):
        run(path, "--data", path)


def test_one_category_has_no_composition(counts, tmp_path):
    table = pd.read_csv(counts[0])
    table = table[table["category"] == table["category"].iloc[0]]
    table.to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(InputError, match=r"the only category is .*; composition needs two"):
        run("--cells", tmp_path / "one.csv")
