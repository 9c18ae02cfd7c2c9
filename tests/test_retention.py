"""The question of retention: published shares, the twin's truth, the command."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import typer
from scipy.stats import beta

from evaluation import SimulatedData, simulate
from evaluation.cli import retention as command
from evaluation.cli.shared import Lang
from evaluation.design.adoption import read_adoption
from evaluation.errors import InputError
from evaluation.estimation.survival.persons import life_table_from_persons
from evaluation.questions.retention.answer import retention
from evaluation.questions.retention.effect import retention_effect, retention_panel
from evaluation.questions.retention.published import published_retention
from evaluation.questions.retention.reading import read_retention
from evaluation.questions.retention.shares import retention_shares
from evaluation.report.retention_files import FILES

COLUMNS = ["received_code", "received", "moved", "move", "sex", "data"]


@pytest.fixture(scope="module")
def twin():
    return simulate(SimulatedData(seed=3, years=(2008, 2018), adoption=(2011, 2013)))


@pytest.fixture(scope="module")
def files(twin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    twin.persons[COLUMNS].to_parquet(folder / "persons.parquet")
    twin.stance.to_csv(folder / "stance.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def found(files):
    data = read_retention(files / "persons.parquet", stance=files / "stance.csv")
    return retention(data, by=["exposed"], draws=99)


def tidy(stayed, received, state="observed"):
    return pd.DataFrame(
        {
            "indicator": ["N00732", "N01986"],
            "code": "0114",
            "year": [2020, 2017],
            "sex": "T",
            "value": [stayed, received],
            "state": [state, "observed"],
        }
    )


def test_exact_intervals_by_hand():
    row = retention_shares(tidy(7.0, 10.0)).table.iloc[0]
    assert (row["cohort"], row["share"], row["state"]) == (2017, 70.0, "observed")
    np.testing.assert_allclose(
        row[["conf_low", "conf_high"]].astype(float),
        [100 * beta.ppf(0.025, 7, 4), 100 * beta.ppf(0.975, 8, 3)],
    )


@pytest.mark.parametrize(
    ("stayed", "received", "state", "expected"),
    [
        (12.0, 10.0, "observed", "over_100"),
        (0.0, 0.0, "observed", "nobody"),
        (np.nan, 10.0, "suppressed", "suppressed"),
        (np.nan, 10.0, "missing", "missing"),
    ],
)
def test_shares_without_an_interval_say_why(stayed, received, state, expected):
    found = retention_shares(tidy(stayed, received, state))
    row = found.table.iloc[0]
    assert row["state"] == expected
    assert np.isnan(row["conf_low"])
    assert found.check.passed == (expected != "over_100")


def observed(counts):
    """Return both indicators from (code, cohort) to (received, stayed)."""
    rows = []
    for (code, cohort), (received, stayed) in counts.items():
        rows.append(("N01986", code, cohort, float(received)))
        rows.append(("N00732", code, cohort + 3, float(stayed)))
    table = pd.DataFrame(rows, columns=["indicator", "code", "year", "value"])
    return table.assign(sex="T", state="observed")


def test_published_counts_are_summed_by_group_with_exact_intervals():
    rows = observed({
        ("0114", 2015): (10, 7), ("0114", 2016): (20, 12),
        ("0180", 2015): (100, 60), ("0180", 2016): (80, 56),
        ("0184", 2015): (50, 30), ("0184", 2016): (40, 20),
        ("0186", 2015): (30, 30),  # not received in the other year: in neither sum
    })  # fmt: skip
    found = published_retention(
        rows, {"0114": "Upplands Väsby"}, ["0180", "0184", "0186"], [2018, 2019]
    )
    by_year = found.by_year.set_index(["group", "cohort"])[["received", "stayed", "share"]]
    assert by_year.loc[("treated", 2016)].tolist() == [20, 12, 60.0]
    assert by_year.loc[("comparison", 2015)].tolist() == [150, 90, 60.0]
    assert found.n_units == {"treated": 1, "comparison": 2}
    low, high = found.whole.set_index("group").loc["treated", ["conf_low", "conf_high"]]
    np.testing.assert_allclose(
        [low, high], [100 * beta.ppf(0.025, 19, 12), 100 * beta.ppf(0.975, 20, 11)]
    )
    assert found.by_municipality["name"].tolist() == ["Upplands Väsby"]
    said = "2015–2016 i den aktiva kommunen, före och efter starten, fanns 63,3 procent (95"
    assert said in found.sentence("sv")
    assert found.check.text_en == "None of 7 shares exceeds 100 per cent."
    json.dumps(found.to_dict(), allow_nan=False)
    shown = found.finding
    assert shown.sentence_sv == found.sentence("sv")
    assert shown.estimates["treated"].conf_int == pytest.approx((low, high))
    assert (shown.estimates["treated"].n_obs, shown.estimates["comparison"].n_units) == (30, 2)
    assert (shown.grade, shown.checks) == ("very weak", (found.check,))
    assert found.to_dict()["finding"]["estimates"]["comparison"]["n_treated_units"] == 0


def test_a_sum_over_100_per_cent_has_no_interval():
    rows = observed({("0114", 2015): (10, 12), ("0180", 2015): (10, 5)})
    found = published_retention(rows, {"0114": "A"}, ["0180"], [2018])
    assert found.by_year["share"].tolist() == [120.0, 50.0]
    assert found.to_dict()["by_year"][0]["conf_low"] is None
    assert "120.0 per cent were still there" in found.sentence("en")
    assert found.finding.estimates["treated"].conf_int == (-np.inf, np.inf)
    json.dumps(found.to_dict(), allow_nan=False)


def test_without_a_stance_the_finding_is_description(files):
    found = retention(read_retention(files / "persons.parquet"), by=["sex"])
    f, rows = found.finding, found.tidy().set_index("group")
    assert f.grade == "very weak"
    assert "Description only" in f.grade_reason_en
    assert list(f.estimates) == ["K", "M"]
    assert f.estimates["K"].estimate == pytest.approx(100 * rows.loc["K", "estimate"])
    assert f.sentence_sv == found.sentence("sv")
    assert f.checks[0].passed
    assert found.to_dict()["finding"]["question"] == "retention"
    assert found.summary("sv").count(f.sentence_sv) == 1


def test_the_panel_from_records_is_the_published_share(twin):
    table = life_table_from_persons(twin.persons, until="2018-12", by=("municipality", "cohort"))
    panel, received = retention_panel(table, 36)
    published = retention_shares(twin.observations).table
    known = published[published["state"] == "observed"]
    wide = known.pivot(index="code", columns="cohort", values="share")
    both = panel.values.loc[:, wide.columns]
    difference = (both - wide.reindex(both.index)).to_numpy()
    assert np.isfinite(difference).sum() > 1500
    assert np.nanmax(np.abs(difference)) < 1e-9
    assert max(panel.years) == 2015
    counts = known.set_index(["code", "cohort"])["received"]
    assert received.min() > 0
    assert (
        counts["0180", 2012] == table.select(municipality="0180", cohort=2012).numbers[:, -1].sum()
    )


def test_the_effect_covers_the_truth(twin, found):
    effect = found.effect
    table = life_table_from_persons(twin.persons, until="2018-12", by=("municipality", "cohort"))
    panel, _ = retention_panel(table, smallest=5)
    assert effect.n_out == len(panel.dropped) > len(retention_panel(table)[0].dropped)
    used = [c for c in panel.units if c in twin.truth.first_year]
    truth = twin.truth.att("retention_3_years", codes=used)
    low, high = effect.share.conf_int
    assert low <= truth <= high
    assert effect.permutation.estimate == pytest.approx(effect.share.estimate, rel=1e-10)
    # staying is 68 per cent and rises by 4 points: the log ratio of log(0.72)/log(0.68)
    expected = np.log(np.log(0.72) / np.log(0.68))
    low, high = effect.hazard.conf_int
    assert low <= expected <= high
    assert found.finding.grade in ("very weak", "weak", "moderate")


def test_the_hazard_has_the_interval_of_its_test_and_the_clustered_one_beside_it(found):
    effect, estimates = found.effect, found.finding.estimates
    assert estimates["log_hazard_ratio"] is effect.hazard
    assert estimates["log_hazard_ratio_clustered"] is effect.hazard_clustered
    assert effect.hazard.inference.startswith("permutation")
    assert effect.hazard_clustered.inference.startswith("clustered by municipality")
    assert effect.hazard.estimate == effect.hazard_clustered.estimate
    low, high = effect.hazard.conf_int
    assert (low <= 0 <= high) == (effect.hazard.p_value > 0.05)
    written = found.to_dict()["effect"]
    assert written["hazard"]["conf_int"] == [low, high]
    assert written["hazard"]["std_error"] is None
    assert written["hazard_clustered"]["std_error"] > 0
    assert f"{np.exp(low):.2f} to {np.exp(high):.2f} and p" in found.finding.sentence_en
    # no municipality is named by what the models left out
    codes = set(re.findall(r"\b\d{4}\b", " ".join((*effect.hazard.notes, *effect.notes))))
    assert not codes


def test_sentences_are_in_the_language_and_plain_types_in_the_json(found):
    assert "," in found.sentence("sv")
    assert "procentenheter" in found.finding.sentence_sv
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["simulated"] is True
    assert content["data_hash"] == found.life.hash
    assert {t["kind"] for t in content["tests"]} >= {"", "abroad", "metropolitan"}
    assert len(content["models"]) == 2
    assert found.plot().get_xlabel() == "months since reception"


def run(**options):
    app = typer.Typer()
    command.attach(app)
    given = {
        "by": None, "stance": None, "horizon": 36, "until": None, "over_time": False,
        "step": None, "threshold": 5, "draws": 99, "seed": 1, "alpha": 0.05, "lang": Lang.en,
        "outcome": None, "out": None, "as_json": False, "pseudonymised": False,
    }  # fmt: skip
    command.retention(**(given | options))


def test_the_command_writes_text_and_files(files, tmp_path, capsys):
    run(data=files / "persons.parquet", by=["sex"], out=tmp_path / "out", lang=Lang.sv)
    said = capsys.readouterr().out
    assert said.startswith("SIMULATED / SIMULERADE DATA")
    assert "Kvar i kommunen efter 36 månader" in said
    assert "log-rank" in said
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == list(FILES)
    assert "SIMULATED" in (tmp_path / "out" / "staying.csv").read_text("utf-8")
    assert "SIMULATED" in (tmp_path / "out" / "retention_staying.svg").read_text("utf-8")
    (tmp_path / "out" / "own.txt").write_text("mine", "utf-8")
    with pytest.raises(InputError, match=r"own\.txt"):
        run(data=files / "persons.parquet", out=tmp_path / "out")


def test_the_command_reads_life_tables(files, tmp_path, capsys):
    data = read_retention(files / "persons.parquet")
    table = data.table.collapse(("municipality", "cohort", "sex"), until=data.table.months)
    table.tidy().to_parquet(tmp_path / "table.parquet")
    again = read_retention(tmp_path / "table.parquet", stance=files / "stance.csv")
    pd.testing.assert_frame_equal(again.table.collapse().tidy(), data.table.collapse().tidy())
    capsys.readouterr()
    run(data=tmp_path / "table.parquet", stance=files / "stance.csv", by=["stance"], as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert [r["group"] for r in content["restricted_mean"]] == ["active", "not known to be active"]
    with pytest.raises(InputError, match="field --until"):
        read_retention(tmp_path / "table.parquet", until="2018-12")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,begin\n0114,2012\n", "field start: the column is missing"),
        ("code,start\n0114,soon\n", "row 2, field start: 'soon' is no start"),
        ("code,start\n0114,2012\n0114,2013\n", "row 3, field code: 0114 stands twice"),
        ("code,start\n0114,\n", "no municipality has a start"),
    ],
)
def test_stance_files_that_cannot_be_are_refused(tmp_path, text, says):
    path = tmp_path / "stance.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as error:
        read_adoption(path)
    assert says in str(error.value)


def test_other_files_and_horizons_are_refused(files, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(InputError, match="is neither a life table"):
        read_retention(path)
    data = read_retention(files / "persons.parquet")
    with pytest.raises(InputError, match="field horizon"):
        retention(data, horizon=600)
    with pytest.raises(InputError, match="field stance: is no key"):
        retention(data, by=["stance"])


def test_those_active_too_early_or_too_late_are_in_neither_group(twin):
    table = life_table_from_persons(twin.persons, until="2018-12", by=("municipality", "cohort"))
    first = dict(twin.truth.first_year)
    one, two = list(first)[:2]
    first[one], first[two] = 1999, 2017
    found = retention_effect(table, first, draws=19)
    assert {one, two}.isdisjoint(found.share.result.notes)
    assert one in found.notes[0]
    assert two in found.notes[1]
    assert found.share.result.n_treated_units == len(first) - 2
    assert found.hazard.result.n_treated_units == len(first) - 2
