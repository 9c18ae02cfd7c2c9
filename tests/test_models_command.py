"""``evaluation models``: list, show, assess, figures."""

import json
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from evaluation.cli import models
from evaluation.design.catalogue import catalogue
from evaluation.errors import InputError


@pytest.fixture(scope="module")
def call():
    root = typer.Typer()
    models.attach(root)

    def answer(*options):
        said = CliRunner().invoke(root, ["models", *map(str, options)])
        if said.exception and not isinstance(said.exception, SystemExit):
            raise said.exception
        return said.stdout

    return answer


@pytest.mark.parametrize("lang", ["sv", "en"])
@pytest.mark.parametrize("command", ["list", "assess", "figures", "show", "one"])
def test_tables_fit_100_columns(call, command, lang):
    options = {"show": ["show", "are_modellen"], "one": ["assess", "are_modellen"]}
    text = call(*options.get(command, [command]), "--lang", lang)
    assert text
    assert max(map(len, text.splitlines())) <= 100


def test_every_model_is_listed(call):
    lines = call("list").splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(catalogue())
    assert "början: 2017-spring" in next(x for x in lines if "Vellinge ·" in x)


def test_one_model_with_its_theory_of_change(call, tmp_path):
    file = tmp_path / "vellinge.svg"
    text = call("show", "vellinge_upprop", "--lang", "en", "--svg", file)
    assert "1233" in text
    assert "kfsk_2018, line 1432" in text
    assert "3. Outputs: 10 meetings" in text
    assert ET.parse(file).getroot().tag.endswith("svg")


def test_the_verdicts(call):
    text = call("assess", "--lang", "en")
    assert text.startswith("Of 68 rows: now: ")
    now = text.split("\nnow\n")[1].split("\n\n")[0]
    assert now.split()[0] == "are_modellen"
    assert "percentage points]" in now


def test_one_verdict(call):
    text = call("assess", "are_modellen", "--lang", "sv")
    assert "683 persons" in text
    assert "2011-07 (angiven)" in text
    assert "mycket svag" in text
    assert "2012, år före 2, efter 14" in text
    assert "antagen" in call("assess", "trelleborgsmodellen")


def test_slips_are_shown_and_all_on_request(call):
    text = call("figures", "--lang", "en")
    assert "F030 is printed 5574; 2 rules" in text
    assert "F128" not in text
    assert "F128 (Skåne län 2017" in call("figures", "--all")


def test_for_machines(call):
    listed = json.loads(call("list", "--json"))
    assert [m["id"] for m in listed] == list(catalogue())
    assert listed[0]["domains"] == ["self_support", "settlement", "reception"]
    one = json.loads(call("show", "are_modellen", "--json"))
    assert set(one["theory_of_change"]) == {"inputs", "activities", "outputs", "outcomes"}
    every = json.loads(call("assess", "--json"))
    assert sum(every["counts"].values()) == len(every["rows"]) == 68
    row = json.loads(call("assess", "are_modellen", "--json"))
    assert row == every["rows"][0]
    assert row["smallest"]["effect"] == row["smallest_effect"] > 0
    figures = json.loads(call("figures", "--json"))
    assert sum(figures["counts"].values()) == 200


@pytest.mark.parametrize("command", ["show", "assess"])
def test_an_unknown_model_is_refused(call, command):
    with pytest.raises(InputError, match="there is no model 'x'; `evaluation models list`"):
        call(command, "x")


@pytest.mark.parametrize(
    ("name", "says"), [("a.png", "must end with .svg"), ("no/a.svg", "cannot be written")]
)
def test_a_figure_that_cannot_be_written_is_refused(call, tmp_path, name, says):
    with pytest.raises(InputError, match=says):
        call("show", "nyar", "--svg", tmp_path / name)
    assert list(tmp_path.iterdir()) == []
