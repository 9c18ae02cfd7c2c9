"""The whole way through the command line: records, what leaves, and the questions put to it."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evaluation import InputError, load_plan, run_study
from evaluation.cli import app
from evaluation.data.persons.education import areas, gender_cells, with_areas
from evaluation.data.places import codes
from evaluation.estimation.survival.life_table import KINDS
from evaluation.questions.retention.from_released import from_released

ACTIVE = ("0604", "0617", "0642", "0643", "0662", "0665", "0680", "2321", "2380")


def run(*args):
    found = CliRunner().invoke(app, [str(a) for a in args])
    assert found.exit_code == 0, found.output
    return found.output


def records():
    """Return a country in which education, sex and stance are crossed with counts by hand."""
    rng = np.random.default_rng(4)
    grid = pd.MultiIndex.from_product(
        [
            sorted(codes()),
            range(2010, 2015),
            ("K", "M"),
            ("förgymnasial", "3", "higher"),
            ("work", "neither"),
            range(6),
        ],
        names=["received_code", "year", "sex", "education", "status_90_days", "copy"],
    )
    frame = grid.to_frame(index=False)
    frame["person"] = np.arange(len(frame))
    month = rng.integers(1, 13, len(frame))
    year = frame.pop("year")
    frame["received"] = pd.to_datetime({"year": year, "month": month, "day": 1})
    frame["programme_end"] = pd.to_datetime({"year": year + 2, "month": month, "day": 1})
    frame["residence_code"] = frame["received_code"]
    moved = (frame.pop("copy") == 0) & (year < 2014)
    frame["moved"] = (frame["programme_end"] + pd.DateOffset(months=3)).where(moved)
    frame["move"] = np.where(moved, "abroad", None)
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("chain")
    frame = records()
    frame.to_parquet(place / "persons.parquet", index=False)
    stance = pd.DataFrame({"code": ACTIVE, "start": ["2012"] * 7 + ["2013-01"] * 2})
    stance.to_csv(place / "stance.csv", index=False)
    out = run(
        "cohorts", place / "persons.parquet", "--adoption", place / "stance.csv", "--until",
        "2018-12", "--education", "--out", place / "out",
    )  # fmt: skip
    assert "leavers_by_education" in out
    assert "areas by education" in out
    return place / "out"


def test_what_left_answers_the_question_of_women_and_men(folder):
    found = json.loads(run("gender", "--cells", folder / "cells_education.csv", "--json"))
    # the same mix and the same rate everywhere: nothing has changed, and by hand 50 per cent
    for name in ("difference", "composition", "rates"):
        assert found["estimates"][name]["estimate"] == pytest.approx(0, abs=1e-9)
    cells = pd.read_csv(folder / "cells_education.csv")
    assert set(cells["category"]) == {"short", "secondary", "higher"}
    assert (cells["successes"] * 2 == cells["persons"]).all()
    assert cells["persons"].sum() == 290 * 5 * 2 * 3 * 12
    # active from 2012: leavers of 2014 are the first who came then
    assert set(cells["cohort"]) == {0, 2014, 2015}


def test_what_left_answers_the_question_of_staying(folder):
    table = folder / "table_life_table.csv"
    found = json.loads(run("retention", "--data", table, "--by", "exposed", "--json"))
    assert "exposed" in json.dumps(found)
    frame = pd.read_csv(table, dtype={"n": str})
    # in every place and of both sexes one of six of those received until 2013 leaves after 27
    # months; those of 2014 stay
    told = from_released(frame).collapse((), until=36).counts(())
    assert told.events[0, :, KINDS.index("abroad")].sum() == 290 * 4 * 2 * 3 * 2
    assert told.events[0, 26].sum() == told.events[0].sum()


def test_an_outcome_that_left_is_estimated_from(folder):
    own = pd.read_csv(folder / "outcome_work_or_studies_90_days.csv", dtype={"code": str})
    own = own[own["sex"] == "T"].dropna(subset=["value"])
    assert (own["value"] == 50).all()
    own["cohort"] = own["code"].map(dict.fromkeys(ACTIVE, 2014)).fillna(0).astype(int)
    own["value"] += np.where((own["cohort"] > 0) & (own["year"] >= 2014), 3, 0)
    own.to_csv(folder.parent / "panel.csv", index=False)
    found = run(
        "estimate", "--data", folder.parent / "panel.csv", "--unit", "code", "--time", "year",
        "--outcome", "value", "--cohort", "cohort",
    )  # fmt: skip
    assert "3.0" in found


def test_areas_are_of_one_start_and_large():
    of = areas(dict.fromkeys(ACTIVE, 2012))
    assert len(of) == 290 == of["code"].nunique()
    assert (of.groupby("area")["start"].nunique() == 1).all()
    assert set(of.loc[of["start"] == 2012, "code"]) == set(ACTIVE)


def test_sums_of_areas_are_sums():
    of = areas()
    cells = pd.DataFrame(
        [(c, 2015, s, "leavers", 2) for c in sorted(codes())[:100] for s in ("K", "M", "T")],
        columns=["code", "year", "sex", "status", "n"],
    )
    both = with_areas(cells, of)
    summed = both[both["code"].str.startswith("area ")]
    assert summed.groupby("sex")["n"].sum().to_dict() == {"K": 200, "M": 200, "T": 200}
    assert len(both) - len(summed) == 290 * 3


class Shown:
    """What stands for a released table where only its rows are asked for."""

    def __init__(self, rows):
        self.rows = rows

    def tidy(self):
        return self.rows.copy()


def test_areas_with_a_hidden_cell_do_not_enter():
    of = areas({"0180": 2012, "1480": 2012})
    names = [n for n in of["area"].unique() if n.endswith("2012") or n in ("0114", "0381")]
    rows = pd.DataFrame(
        [
            (a, y, s, "short", status, n, False)
            for a in names
            for y in range(2011, 2017)
            for s in ("K", "M")
            for status, n in (("leavers", 30), ("either", 10), ("other", 20))
        ],
        columns=["area", "year", "sex", "education", "status", "n", "suppressed"],
    )
    whole = gender_cells(Shown(rows), of)
    assert whole["unit"].nunique() == len(names)
    assert whole["year"].nunique() == 6
    # hidden in 2011: the window begins after it, since more cells enter so
    hidden = rows.assign(suppressed=rows["year"] == 2011)
    assert gender_cells(Shown(hidden), of)["year"].min() == 2012
    # hidden in the last year: that area does not enter
    last = rows.assign(suppressed=(rows["year"] == 2016) & (rows["area"] == names[0]))
    assert names[0] not in set(gender_cells(Shown(last), of)["unit"])


def test_a_released_life_table_ends_where_it_cannot_be_told():
    rows = []
    people = 100
    for month in (1, 2, 3, 4):
        rows.append((month, "at_risk", people))
        for kind in KINDS:
            rows.append((month, kind, 5 if kind == "elsewhere" else 2 if kind == "death" else 0))
        rows.append((month, "censored", 0))
        people -= 7
    frame = pd.DataFrame(rows, columns=["month", "measure", "n"])
    whole = from_released(frame).counts(())
    assert whole.at_risk[0].tolist() == [100, 93, 86, 79]
    # those still there after the last month are censored in it
    assert whole.censored[0].tolist() == [0, 0, 0, 72]
    # deaths and those abroad are hidden: together they are what is left of those who left
    away = frame["measure"].isin(["abroad", "death"])
    table = from_released(frame.assign(n=frame["n"].where(~away)))
    assert table.kinds[-1] == "abroad_or_death"
    told = table.counts(())
    # of the last month it cannot be said who left
    assert told.at_risk[0].tolist() == [100, 93, 86]
    assert told.events[0, :, -1].tolist() == [2, 2, 2]
    assert told.censored[0].tolist() == [0, 0, 79]
    # without those at risk in the third month, neither the second nor the third can be told
    gap = frame["n"].where(~away & ~((frame["month"] == 3) & (frame["measure"] == "at_risk")))
    told = from_released(frame.assign(n=gap)).counts(())
    assert told.at_risk[0].tolist() == [100]
    assert told.censored[0].tolist() == [93]


BEGUN = {"2321": 2012, "1233": 2018, "1264": 2017, "1287": 2013}
SMALL = "0114"


def leaving(code, i, year, sex):
    """Return how many leave the programme and how many of them work: 20 points more once active."""
    if code == SMALL:
        return (2, 1) if sex == "K" else (1, 1)
    return 30, 10 + (i * year) % 4 + i % 3 + 6 * (year >= BEGUN.get(code, 9999))


def test_a_plan_is_answered_from_an_outcome_that_left(tmp_path, plan_text):
    some = sorted({*sorted(codes())[::2], *BEGUN, SMALL})
    rows, plain = [], []
    for i, code in enumerate(some):
        for year in range(2010, 2021):
            both = {sex: leaving(code, i, year, sex) for sex in ("K", "M")}
            for sex, (n, hits) in both.items():
                rows += [(code, year, sex, k < hits) for k in range(n)]
            if code != SMALL:
                share = 100 * sum(h for _, h in both.values()) / sum(n for n, _ in both.values())
                plain.append((code, year, share))
    frame = pd.DataFrame(rows, columns=["received_code", "year", "sex", "hit"])
    year = frame.pop("year")
    frame["person"] = np.arange(len(frame))
    frame["received"] = pd.to_datetime({"year": year - 2, "month": 3, "day": 1})
    frame["programme_end"] = pd.to_datetime({"year": year, "month": 3, "day": 1})
    frame["residence_code"] = frame["received_code"]
    frame["status_90_days"] = np.where(frame.pop("hit"), "work", "neither")
    frame.to_parquet(tmp_path / "persons.parquet", index=False)
    out = tmp_path / "out"
    run("cohorts", tmp_path / "persons.parquet", "--until", "2020-12", "--out", out)
    left = pd.read_csv(out / "outcome_work_or_studies_90_days.csv", dtype={"code": str})
    assert set(left.loc[left["state"] == "suppressed", "code"]) == {SMALL}
    pd.DataFrame(plain, columns=["code", "year", "value"]).to_csv(tmp_path / "b.csv", index=False)

    def plan(**more):
        words = {"label": {"sv": "a", "en": "a"}, "unit": {"sv": "procent", "en": "per cent"}}
        file = "out/outcome_work_or_studies_90_days.csv"
        own = [
            {"id": "released", "file": file, "source": "c", **words, **more},
            {"id": "plain", "file": "b.csv", "source": "c", **words},
        ]
        text = plan_text[: plan_text.index("case:")]
        text = text.replace("[foreign_background, low_economic_standard]", json.dumps(own))
        (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "plan.yaml"

    found = run_study(load_plan(plan(sex="T"))).outcomes
    released, same = (found[k].headline for k in ("released", "plain"))
    assert released.estimate == pytest.approx(same.estimate, abs=1e-9)
    assert released.conf_int == pytest.approx(same.conf_int, abs=1e-9)
    assert released.n_treated_units == 4
    assert released.estimate == pytest.approx(20, abs=3)
    # event times with one municipality or few placebo studies have no interval, and a report
    run("run", tmp_path / "plan.yaml", "--out", tmp_path / "report", "--format", "html")
    table = pd.read_csv(tmp_path / "report" / "tables" / "event_study_released.csv")
    assert table["estimate"].notna().all()
    assert table[["conf_low", "placebo_low"]].isna().any(axis=None)
    # without saying whose values they are the file leaves a choice, and says so
    with pytest.raises(InputError, match="holds K, M, T; say sex"):
        run_study(load_plan(plan()))
