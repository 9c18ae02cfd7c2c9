"""``evaluation stance template`` and ``agreement``."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from evaluation.cli.stance import attach
from evaluation.errors import InputError

HEADER = "code,coder,stance,evidence,source\n"


@pytest.fixture
def call():
    app = typer.Typer()
    app.command("other")(lambda: None)
    attach(app)

    def run(*arguments):
        answer = CliRunner().invoke(app, ["stance", *map(str, arguments)])
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer

    return run


@pytest.fixture
def sheets(tmp_path):
    stances = {"A": ("active_day_one", "waits_two_years", "active_from_asylum", "unclear"),
               "B": ("active_day_one", "active_from_asylum", "active_from_asylum",
                     "active_day_one")}  # fmt: skip
    paths = []
    for coder, words in stances.items():
        rows = [
            f"{c},{coder},{s},strong,s\n"
            for c, s in zip(("2321", "1287", "1264", "1233"), words, strict=True)
        ]
        paths.append(tmp_path / f"{coder}.csv")
        paths[-1].write_text(HEADER + "".join(rows), encoding="utf-8")
    return paths


def test_a_template_is_written_once(call, tmp_path):
    path = tmp_path / "coding.xlsx"
    assert "an empty coding sheet" in call("template", path).stdout
    assert path.stat().st_size > 0
    with pytest.raises(InputError, match="may be filled in"):
        call("template", path)
    answer = call("template", tmp_path / "c.csv", "--json")
    assert json.loads(answer.stdout) == {"file": str(tmp_path / "c.csv")}


def test_agreement_for_people(call, sheets):
    text = call("agreement", *sheets, "--draws", 199, "--lang", "en").stdout
    assert text.startswith("A, B: 4 municipalities, 4 units, 3 with two stances to compare")
    for name in ("krippendorff_alpha_ordinal", "raw_agreement", "fleiss_kappa", "cohen_kappa"):
        assert name in text
    assert "to settle: 2" in text
    assert "Trelleborg" in text
    assert "unclear is a missing value" in text


def test_agreement_is_told_in_swedish_like_the_other_commands(call, sheets):
    text = call("agreement", *sheets, "--draws", 199).stdout
    assert text == call("agreement", *sheets, "--draws", 199, "--lang", "sv").stdout
    assert text.startswith("A, B: 4 kommuner, 4 enheter, 3 med två hållningar att jämföra")
    assert re.search(r"^andel eniga par +A – B +0,667 ", text, re.MULTILINE)
    assert "95\u00a0% intervall: percentilbootstrap, kommuner dras om, 199 dragningar" in text
    assert "att avgöra: 2" in text
    assert re.search(r"slag +kod +kommun +från +till +steg +hållning A", text)
    assert re.search(r"hållning +1287 +Trelleborg", text)
    assert "<NA>" not in text
    assert "not: unclear är ett saknat värde" in text
    assert re.search(r"not: \d+ enheter bär olika hållningar: med färre än 20", text)
    words = ("units", "draws", "to settle", "note:", "municipalit", "interval:", "the ")
    assert [w for w in words if w in text] == []
    assert re.findall(r"\d\.\d", text) == []


def test_agreement_for_machines(call, sheets):
    found = json.loads(call("agreement", *sheets, "--draws", 199, "--seed", 7, "--json").stdout)
    assert (found["coders"], found["draws"], found["seed"]) == (["A", "B"], 199, 7)
    named = {s["name"]: s for s in found["statistics"]}
    assert named["raw_agreement"]["value"] == pytest.approx(2 / 3)
    assert [d["code"] for d in found["disagreements"]] == ["1287", "1233"]
    again = json.loads(call("agreement", *sheets, "--draws", 199, "--seed", 7, "--json").stdout)
    assert again == found


def test_what_is_refused(call, sheets, tmp_path):
    with pytest.raises(InputError, match="agreement needs two coders; there is only 'A'"):
        call("agreement", sheets[0])
    with pytest.raises(InputError, match="stands twice"):
        call("agreement", sheets[0], sheets[0])
    with pytest.raises(InputError, match="there is no such file"):
        call("agreement", tmp_path / "none.csv")
    assert call("agreement", sheets[0], "--draws", 5).exit_code == 2
