"""What several test files share: the command line and the plan that ships, made quick."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import matplotlib as mpl
import pytest

from evaluation import load_plan, run_study, write_report
from evaluation.cli import main

ROOT = Path(__file__).resolve().parents[1]
SETTLEMENT = ROOT / "plans" / "settlement.yaml"

mpl.use("Agg")
# the same examples on every machine and in every run, and no folder left behind
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("repeatable")


@dataclass(frozen=True)
class Answer:
    """How a call of the command line ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys):
    """Call the command line inside this process: quick, and blind to nothing but start-up."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["evaluation", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Answer(end.value.code or 0, said.out, said.err)

    return call


@pytest.fixture
def shell(tmp_path):
    """Call the command line as a user does: a process of its own."""

    def call(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "evaluation", *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env=os.environ | environment,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def refused(tmp_path):
    """Check that a call was refused as promised, and that nothing was left behind.

    ``where`` is the place that the message must name, ``says`` words that must stand in it.
    """

    def check(call, *arguments, where, says=""):
        before = sorted(p.name for p in tmp_path.iterdir())
        answer = call(*arguments)
        assert answer.code == 2, answer
        assert answer.out == ""
        assert answer.err.count("\n") == 1, answer.err
        assert answer.err.startswith(f"evaluation: {where}: "), answer.err
        assert says in answer.err
        assert sorted(p.name for p in tmp_path.iterdir()) == before
        return answer

    return check


@pytest.fixture(scope="session")
def plan_text():
    """The settlement plan as text, with few enough draws to be quick."""
    text = SETTLEMENT.read_text(encoding="utf-8")
    assert "draws: 9999" in text
    return text.replace("draws: 9999", "draws: 99")


@pytest.fixture(scope="session")
def quick_plan():
    """The settlement plan with few enough draws to be quick."""
    plan = load_plan("settlement")
    return plan.model_copy(update={"estimation": plan.estimation.model_copy(update={"draws": 499})})


@pytest.fixture(scope="session")
def study(quick_plan):
    """Its results."""
    return run_study(quick_plan)


@pytest.fixture(scope="session")
def report(quick_plan, tmp_path_factory):
    """The whole Swedish report. Nobody writes into it: copy it first."""
    return write_report(quick_plan, tmp_path_factory.mktemp("report") / "settlement-sv")
