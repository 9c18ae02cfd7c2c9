"""``evaluation effect``."""

import json

import pandas as pd
import pytest


def test_the_answer_for_people_and_for_machines(cli, plan_text, study, tmp_path):
    plan, out = tmp_path / "plan.yaml", tmp_path / "answer"
    plan.write_text(plan_text, encoding="utf-8")
    one = (plan, "--outcome", "foreign_background")
    answer = cli("effect", *one, "--lang", "en", "--out", out)
    assert answer.code == 0, answer.err
    assert "Evidence: very weak." in answer.out
    assert "from the fifth year on, 4 municipalities" in answer.out
    assert sorted(p.name for p in out.iterdir()) == [
        "effect.csv",
        "effect.json",
        "effect.txt",
        "horizons_foreign_background.svg",
    ]
    assert (out / "effect.txt").read_text(encoding="utf-8") == answer.out
    found = json.loads((out / "effect.json").read_text(encoding="utf-8"))
    o = study.outcomes["foreign_background"]
    finding = found["outcomes"]["foreign_background"]["finding"]
    assert finding["grade"] == o.finding.grade
    assert finding["estimates"].keys() == o.finding.estimates.keys()
    rows = pd.read_csv(out / "effect.csv")
    long = rows[(rows["part"] == "horizon") & (rows["key"] == "long")].iloc[0]
    assert long["estimate"] == pytest.approx(o.horizons.duration["long"].estimate.estimate)
    # a former answer gives way, anything else stays
    again = cli("effect", *one, "--out", out, "--json")
    assert json.loads(again.out) == found | {"folder": str(out)}
    (out / "mine.txt").write_text("x", encoding="utf-8")
    refused = cli("effect", *one, "--out", out)
    assert refused.code == 2
    assert "holds mine.txt, which no answer wrote" in refused.err
    assert (out / "mine.txt").exists()


def counts(path):
    rows = [
        (f"u{i}", y, e, 1000, 300 + up * (i < 9 and y > 2013), 2014 if i < 9 else 0)
        for i in range(50)
        for y in range(2010, 2018)
        for e, up in (("short", 50), ("higher", 30))
    ]
    columns = ["unit", "year", "education", "persons", "successes", "cohort"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def test_counts_by_education(cli, tmp_path):
    path = counts(tmp_path / "c.csv")
    call = ("effect", "--cells", path, "--category", "education", "--draws", 199)
    answer = cli(*call, "--out", tmp_path / "o")
    assert answer.code == 0, answer.err
    assert "Utbildning:" in answer.out
    assert "50 av 50 enheter" in answer.out
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == [
        "effect.csv",
        "effect.json",
        "effect.txt",
    ]
    found = json.loads(cli(*call, "--json").out)
    assert [c["label"] for c in found["categories"]] == ["short", "higher"]
    assert found["everyone"]["estimate"] == pytest.approx(4)


def test_a_column_of_sexes_that_was_named_must_be_there(cli, tmp_path):
    path = counts(tmp_path / "c.csv")
    answer = cli("effect", "--cells", path, "--category", "education", "--sex", "gender")
    assert answer.code == 2
    assert "field gender: there is no such column" in answer.err


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ((), "PLAN: give a plan, or --cells"),
        (("settlement", "--cells", "x.csv"), "give a plan, or --cells"),
        (("--cells", "x.csv", "--by", "a"), "--by: goes with a plan"),
        (("--cells", "x.csv", "--outcome", "a"), "--outcome: goes with a plan"),
        (("settlement", "--by", "a"), "--by: names columns of --groups"),
        (("settlement", "--outcome", "a"), "outcomes: 'a' is none of the plan's outcomes"),
        (("--cells", "x.csv"), "there is no such file"),
        (("settlement", "--groups", "x.csv"), "there is no such file"),
        (("nowhere",), "nowhere"),
    ],
)
def test_calls_at_fault(cli, call, says):
    answer = cli("effect", *call)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert answer.err.count("\n") == 1


def test_help_teaches(cli):
    text = cli("effect", "--help").out
    for word in ("One horizon alone is never the answer", "--groups", "--cells", "Examples"):
        assert word in text
