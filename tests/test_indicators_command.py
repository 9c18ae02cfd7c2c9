"""``evaluation data indicators``: what a plan can name, and all that is known of it."""

import json

import pytest
from typer.testing import CliRunner

from evaluation.cli.data import app
from evaluation.data.registry import REGISTRY
from evaluation.errors import InputError


def call(*options):
    answer = CliRunner().invoke(app, ["indicators", *options])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.stdout


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_indicator_is_listed_with_label_and_unit(lang):
    lines = call("--lang", lang).splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(REGISTRY)
    for i, first, second in zip(REGISTRY.values(), lines[::2], lines[1::2], strict=True):
        assert first.endswith(getattr(i, f"label_{lang}"))
        assert getattr(i, f"unit_{lang}") in second
        assert "/".join(i.sexes) in second


def test_one_indicator_with_what_is_assumed_of_it():
    text = call("N00973", "--lang", "en")
    assert "90 days" in text
    assert "work, studies" in text
    assert "N00964" in text
    assert "break 2018" in text
    assert "counts_as_success, small_cell" in text
    retention = call("retention_3_years", "--lang", "sv")
    assert "N00732, N01986 3 years earlier" in retention


def test_for_machines():
    every = json.loads(call("--json"))
    assert [i["id"] for i in every] == list(REGISTRY)
    one = json.loads(call("U40829", "--json"))
    assert (one["ended"], one["years"][1]) == (True, 2023)


def test_an_unknown_indicator_is_refused():
    with pytest.raises(InputError, match="there is no indicator 'N1'; known are N00973"):
        call("N1")
