"""``evaluation regress``: its contract, and one clear line for every fault."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.estimation.regression.models import regress

MPDTA = Path(__file__).parent / "reference" / "mpdta.csv"
R = json.loads((MPDTA.parent / "r_mpdta.json").read_text(encoding="utf-8"))
FORMULA = "y ~ x + z + EntityEffects + TimeEffects"


@pytest.fixture
def panel():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(
        {
            "code": np.repeat([f"{i:04d}" for i in range(30)], 6),
            "year": np.tile(np.arange(2015, 2021), 30),
        }
    )
    for name in ("x", "z", "y"):
        frame[name] = rng.standard_normal(180).round(6)
    frame["n"] = rng.integers(3, 90, 180)
    frame["county"] = "c" + frame.code.str[2]
    return frame


@pytest.fixture
def file(panel, tmp_path):
    """Write a table and return how to call the command on it."""

    def make(table=None, formula=FORMULA, **kw):
        path = tmp_path / "panel.csv"
        (panel if table is None else table).to_csv(path, index=False, **kw)
        return (
            "regress", "--data", path, "--formula", formula, "--unit", "code", "--time", "year",
        )  # fmt: skip

    return make


def answer(cli, *call):
    said = cli(*call, "--json")
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def test_contract_of_the_json(cli, file, panel):
    ours = answer(cli, *file())
    assert {
        "method", "model", "cov", "small_sample", "coefficients", "n_obs", "n_units",
        "n_clusters", "checks", "data_hash", "seed",
    } <= set(ours)  # fmt: skip
    first = ours["coefficients"][0]
    assert set(first) >= {"term", "estimate", "std_error", "statistic", "p_value", "conf_int"}
    assert set(ours["checks"][0]) == {"name", "passed", "text"}
    assert (ours["n_obs"], ours["n_units"], ours["n_clusters"], ours["seed"]) == (180, 30, 30, None)
    same = regress(panel, FORMULA, "code", "year")
    assert first["estimate"] == pytest.approx(same["x"].estimate, rel=1e-12)
    assert first["conf_int"] == pytest.approx(list(same["x"].conf_int), rel=1e-12)


def test_the_numbers_of_r(cli, tmp_path):
    data = pd.read_csv(MPDTA)
    data["treated"] = ((data.first_treat > 0) & (data.year >= data.first_treat)).astype(int)
    data.to_csv(tmp_path / "m.csv", index=False)
    ours = answer(
        cli, "regress", "--data", tmp_path / "m.csv", "--unit", "county", "--time", "year",
        "--formula", "lemp ~ treated + EntityEffects + TimeEffects",
    )  # fmt: skip
    assert ours["coefficients"][0]["estimate"] == pytest.approx(R["mpdta|twfe"]["b"], abs=1e-9)
    assert ours["coefficients"][0]["std_error"] == pytest.approx(R["mpdta|twfe"]["se"], abs=1e-9)


@pytest.mark.parametrize(
    "cov",
    ["clustered", "two-way", "driscoll-kraay", "cr2", "cr3", "wild", "robust", "unadjusted"],
)
def test_every_kind_of_error(cli, file, panel, cov):
    drawn = ("--draws", 199, "--seed", 5) if cov == "wild" else ()
    ours = answer(cli, *file(), "--cov", cov, "--weights", "n", *drawn)
    same = regress(panel, FORMULA, "code", "year", cov=cov, draws=199, weights="n", seed=5)
    assert ours["cov"] == cov
    assert ours["seed"] == (5 if cov == "wild" else None)
    for mine, theirs in zip(ours["coefficients"], same.coefficients, strict=True):
        assert mine["std_error"] == pytest.approx(theirs.std_error, rel=1e-9)
        assert mine["p_value"] == pytest.approx(theirs.p_value, rel=1e-9)


@pytest.mark.parametrize("model", ["random", "between", "first-difference", "mundlak", "pooled"])
def test_every_model(cli, file, panel, model):
    ours = answer(cli, *file(formula="y ~ x + z"), "--model", model)
    same = regress(panel, "y ~ x + z", "code", "year", model=model.replace("-", "_"))
    assert [c["estimate"] for c in ours["coefficients"]] == pytest.approx(
        [c.estimate for c in same.coefficients], rel=1e-9
    )
    names = {c["name"] for c in ours["checks"]}
    assert ("hausman" in names) == (model == "random")
    assert ("hausman_robust" in names) == (model in ("random", "mundlak"))


def test_webb_and_unrestricted_and_clusters(cli, file):
    call = (*file(), "--cov", "wild", "--cluster", "county", "--draws", "499")
    plain = answer(cli, *call)
    assert plain["n_clusters"] == 3
    assert "restricted, rademacher, 8 sign patterns, all" in plain["inference"]
    # with three clusters p is never below a quarter, so nothing is ever rejected
    assert plain["coefficients"][0]["conf_int"] == [None, None]
    webb = answer(cli, *call, "--multiplier", "webb", "--unrestricted")
    assert "unrestricted, webb, 499 draws" in webb["inference"]


def test_text_for_people(cli, file, panel):
    panel.loc[4, "x"] = np.nan
    said = cli(*file(panel), "--cov", "cr2")
    assert said.code == 0
    assert "Bell–McCaffrey" in said.out
    assert "rows_used: NOT PASSED. 1 of 180 rows left out because a value is missing (x 1)." in (
        said.out
    )
    assert "179 rows, 30 units, 6 periods, 30 clusters; intervals at 95\u00a0%" in said.out


def test_decimal_comma_and_missing_marks(cli, file, panel):
    plain = answer(cli, *file())
    comma = answer(cli, *file(sep=";", decimal=","))
    assert comma["data_hash"] == plain["data_hash"]
    text = panel.astype({"x": object})
    text.loc[3, "x"] = ".."
    assert answer(cli, *file(text))["n_obs"] == 179


def test_help_teaches(cli):
    said = cli("regress", "--help")
    assert said.code == 0
    for word in ("EntityEffects", "Bell–McCaffrey", "fixest", "Example:", "left out and"):
        assert word in said.out


def test_faults_of_the_file(cli, refused, file, panel, tmp_path):
    name = tmp_path / "panel.csv"

    def bad(change, *more, formula=FORMULA, where, says):
        call = file(panel.assign(**change), formula)
        refused(cli, *call, *more, where=where, says=says)

    bad({"year": "y" + panel.year.astype(str)}, where=f"{name}, row 2, field year",
        says="'y2015' is not a number")  # fmt: skip
    bad({"x": panel.x.astype(object).where(panel.index != 3, "inf")},
        where=f"{name}, row 5, field x", says="is not finite")  # fmt: skip
    bad({"n": panel.n.where(panel.index != 3, 0)}, "--weights", "n",
        where=f"{name}, row 5, field n", says="the weight 0 must be above zero")  # fmt: skip
    bad({"x": 1}, where=f"{name}, field x", says="never varies")
    bad({"z": -panel.x}, where=f"{name}, field z", says="a perfect linear combination of x")
    bad({"z": panel.code.astype(int)}, where=f"{name}, field z", says="unit effects absorb it")
    bad({"code": "1440"}, where=f"{name}, row 8, field code", says="1440, 2015 stands twice")
    bad({"code": panel.code.where(panel.index != 1, "")}, where=f"{name}, row 3, field code",
        says="is empty")  # fmt: skip
    bad({"one": 1}, "--cluster", "one", where=f"{name}, field one", says="only one cluster")
    bad({"x": panel.county}, where=f"{name}, row 2, field x", says="'c0' is not a number")
    bad({}, formula="y ~ q + EntityEffects", where=f"{name}, field q",
        says="no column 'q', which the formula names; the data have code, year")  # fmt: skip
    one_year = panel[panel.year == 2015]
    refused(cli, *file(one_year), where=f"{name}, field year", says="1 period")
    one_unit = panel[panel.code == "0000"]
    refused(cli, *file(one_unit), where=f"{name}, field code", says="1 unit")


def test_faults_of_the_call(cli, refused, file):
    call = file()
    refused(cli, *file(formula="y ~ x +* z"), where="field --formula", says="is not a formula")
    for parts in ("y ~ x | z", "y ~ x | code + year"):
        says = "write + EntityEffects + TimeEffects for effects"
        refused(cli, *file(formula=parts), where="field --formula", says=says)
    refused(cli, *file(formula="y ~ x"), where="field --formula", says="needs EntityEffects")
    refused(cli, *call, "--model", "random", where="field --formula", says="fixed model")
    refused(cli, *call, "--bandwidth", "2", where="field --bandwidth", says="driscoll-kraay only")
    refused(cli, *call, "--multiplier", "webb", where="field --multiplier", says="wild only")
    refused(cli, *call, "--unrestricted", where="field --unrestricted", says="wild only")
    refused(cli, *call, "--cov", "cr3", "--cluster", "year", where="field --cluster",
            says="whole units")  # fmt: skip
    refused(cli, *call, "--cluster", "nope", where=f"{call[2]}, field nope", says="no column")
    for cov in ("robust", "unadjusted", "driscoll-kraay"):
        refused(cli, *call, "--cov", cov, "--cluster", "county", where="field --cluster",
                says=f"not used by --cov {cov}")  # fmt: skip
    assert "1000000" in cli(*call, "--cov", "wild", "--draws", 10**9).err
    assert cli(*call, "--cov", "hc9").code == 2
    assert cli(*call, "--alpha", "0.7").code == 2
    assert cli("regress", "--data", "nowhere.csv", *call[3:]).code == 2
