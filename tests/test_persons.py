"""Person records: ten persons by hand, faults by reason, the twin, the gate."""

import ast
import dataclasses
import inspect
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from persons_cases import UNTIL, rows, ten_persons, write

from evaluation import SimulatedData, simulate
from evaluation.data.disclosure import FromPersons, Released
from evaluation.data.observations import SIMULATED
from evaluation.data.persons import (
    KINDS,
    cohorts,
    is_identity_number,
    outcomes,
    read_mapping,
    releases,
    write_cohorts,
)
from evaluation.data.reading import read_observations
from evaluation.errors import InputError


def day(text):
    return pd.Timestamp(text)


@pytest.fixture
def ten(tmp_path):
    return write(ten_persons(), tmp_path / "ten.parquet")


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    made = simulate(SimulatedData(seed=3, years=(2008, 2016), adoption=(2011, 2012)))
    folder = made.write(tmp_path_factory.mktemp("twin") / "twin")
    return made, folder / "persons.parquet"


@pytest.fixture(scope="module")
def counted_twin(twin):
    return cohorts(twin[1])


def one(table, **where):
    found = rows(table, **where)
    assert len(found) == 1
    return found[0]


# ---- by hand


def test_the_panel_of_ten_by_hand(ten):
    panel = cohorts(ten, until=UNTIL).panel.table
    are = one(panel, code="2321", year=2014, sex="T")
    assert are["received"] == 4
    # 1, 2 and 4 lived in Åre in December of the year of leaving, 3 in Ragunda
    left = one(panel, code="2321", year=2016, sex="T")
    assert (left["leavers"], left["work_90_days"], left["studies_90_days"]) == (3, 1, 0)
    assert (left["known_1_year"], left["work_1_year"], left["studies_1_year"]) == (3, 2, 0)
    men = one(panel, code="2321", year=2016, sex="M")
    assert (men["leavers"], men["work_90_days"], men["work_1_year"]) == (2, 0, 1)
    assert one(panel, code="2303", year=2016, sex="K")["studies_90_days"] == 1
    # received in 2014: 3 moved after 14 months, 4 after 48, so 1, 2 and 4 stayed three years
    kept = one(panel, code="2321", year=2017, sex="T")
    assert (kept["retention_base"], kept["retained"]) == (4, 3)
    # 7 moved in the 36th month and 10 died
    kept = one(panel, code="0114", year=2017, sex="T")
    assert (kept["retention_base"], kept["retained"]) == (2, 0)


def test_later_statuses_wait_for_the_whole_year(ten):
    panel = cohorts(ten, until=UNTIL).panel.table
    last = one(panel, code="0114", year=2018, sex="M")
    assert last["leavers"] == 1
    assert pd.isna(last["known_1_year"])
    assert one(panel, code="0114", year=2016, sex="K")["studies_1_year"] == 1
    assert panel["year"].max() == 2018


def test_the_life_table_of_ten_by_hand(ten):
    life = cohorts(ten, until=UNTIL).life_tables.table
    # 5 left in the month of reception, which counts as the first; 6 after twelve months
    first = one(life, municipality="2321", cohort=2015, sex="K", month=1)
    assert (first["at_risk"], first["metropolitan"], first["entered"]) == (1, 1, 1)
    men = [r for r in rows(life, municipality="2321", cohort=2015, sex="M") if r["abroad"]]
    assert [(r["month"], r["at_risk"], r["abroad"]) for r in men] == [(12, 1, 1)]
    # 2 is censored 57 months after March 2014, 4 left 48 months after June 2014
    men = {r["month"]: r for r in rows(life, municipality="2321", cohort=2014, sex="M")}
    assert (men[48]["at_risk"], men[48]["elsewhere"]) == (2, 1)
    assert (men[57]["at_risk"], men[57]["censored"]) == (1, 1)
    assert max(men) == 57
    # 9 came in the last month and was never at risk
    assert rows(life, municipality="0114", cohort=2018) == []
    assert life[list(KINDS)].to_numpy().sum() == 6


def test_the_costs_of_ten_by_hand(ten):
    costs = cohorts(ten, until=UNTIL).costs.table
    # 2: April 2016 to March 2017 at 1,000; 4: July 2016 to February 2018 at 2,000
    found = {r["year"]: r for r in rows(costs, code="2321", sex="M")}
    assert (found[2016]["persons"], found[2016]["months"], found[2016]["kronor"]) == (2, 15, 21_000)
    assert (found[2017]["persons"], found[2017]["months"], found[2017]["kronor"]) == (2, 15, 27_000)
    assert (found[2018]["persons"], found[2018]["months"], found[2018]["kronor"]) == (1, 2, 4_000)
    assert one(costs, code="2321", year=2017, sex="T")["kronor"] == 27_000
    # 24,000 is what one had in 2017, and no bound may be below
    assert found[2017]["largest_kronor"] == 24_000


def test_csv_and_parquet_and_a_folder_give_the_same(tmp_path, ten):
    frame = ten_persons()
    whole = cohorts(ten, until=UNTIL)
    text = cohorts(write(frame, tmp_path / "ten.csv"), until=UNTIL)
    folder = tmp_path / "parts"
    folder.mkdir()
    write(frame[:4], folder / "a.parquet")
    write(frame[4:], folder / "b.parquet")
    parts = cohorts(folder, until=UNTIL)
    for name in ("panel", "life_tables", "costs"):
        table = getattr(whole, name).table
        pd.testing.assert_frame_equal(table, getattr(text, name).table)
        pd.testing.assert_frame_equal(table, getattr(parts, name).table)
    assert len(parts.provenance["files"]) == 2
    assert all(len(f["sha256"]) == 64 for f in parts.provenance["files"])


def test_other_names_and_words(tmp_path, ten):
    frame = ten_persons().rename(columns={"received": "mottagen", "sex": "kön"})
    frame["kön"] = frame["kön"].map({"K": "kvinna", "M": "man"})
    frame["move"] = frame["move"].str.replace(" ", "_")
    path = write(frame, tmp_path / "other.parquet")
    (tmp_path / "names.yaml").write_text("received: mottagen\nsex: kön\n", encoding="utf-8")
    found = cohorts(path, until=UNTIL, mapping=read_mapping(tmp_path / "names.yaml"))
    expected = cohorts(ten, until=UNTIL)
    pd.testing.assert_frame_equal(found.life_tables.table, expected.life_tables.table)


def test_without_until_the_latest_date_that_is_past_counts(tmp_path):
    frame = ten_persons()
    frame.loc[0, "programme_end"] = day("2198-01-01")
    found = cohorts(write(frame, tmp_path / "late.parquet"), largest_share=0.2)
    assert found.provenance["until"] == "2018-12"
    assert found.quality.dropped["after_data_end"] == 1


def test_delayed_entry_and_earlier_censoring(tmp_path):
    frame = ten_persons()[:2]
    frame["observed_from"] = [day("2014-07-01"), pd.NaT]
    frame["observed_until"] = [pd.NaT, day("2014-05-01")]
    found = cohorts(write(frame, tmp_path / "delayed.parquet"), until=UNTIL)
    life = found.life_tables.table
    women = rows(life, sex="K")
    assert (women[0]["month"], women[0]["entered"], women[-1]["month"]) == (7, 1, 59)
    men = rows(life, sex="M")
    assert [(r["month"], r["at_risk"], r["censored"]) for r in men] == [(1, 1, 0), (2, 1, 1)]
    # neither was followed from reception through three years
    assert found.panel.table["retention_base"].fillna(0).sum() == 0


def test_exposure_is_a_key_where_adoption_is_given(ten):
    life = cohorts(ten, until=UNTIL, adoption={"2321": 2015, "0114": 0}).life_tables.table
    seen = life.groupby(["municipality", "cohort"])["exposed"].first().to_dict()
    assert seen["2321", 2014] == 0
    assert seen["2321", 2015] == 1
    assert seen["0114", 2016] == 0


# ---- rows that cannot be right

FAULTS = [
    ("missing", {"received": pd.NaT}),
    ("unknown_code", {"received_code": "9999"}),
    ("unknown_code", {"residence_code": "114"}),
    ("unknown_sex", {"sex": "X"}),
    ("unknown_value", {"status_90_days": "praktik"}),
    ("age", {"age": -1}),
    ("age", {"age": 111}),
    ("after_data_end", {"programme_end": day("2019-01-01"), "status_90_days": None}),
    ("after_data_end", {"assisted_from": day("2018-12-01"), "assisted_months": 2}),
    ("status_too_early", {"programme_end": None, "residence_code": None}),
    ("move_before_reception", {"moved": day("2013-12-31"), "move": "abroad"}),
    ("programme_dates", {"programme_end": day("2013-12-01")}),
    ("assistance", {"assisted_months": -1}),
    (
        "assistance",
        {"assisted_months": 3, "assisted_from": day("2016-05-01"), "assisted_kronor": -5.0},
    ),
    ("assistance", {"assisted_months": 3}),
    ("move_contradicts_itself", {"moved": day("2017-01-01")}),
    (
        "move_contradicts_itself",
        {"moved": day("2017-01-01"), "move": "death", "destination_code": "0180"},
    ),
    (
        "move_contradicts_itself",
        {"moved": day("2017-01-01"), "move": "elsewhere", "destination_code": "2321"},
    ),
    ("two_kommuner", {"residence_code": "0180"}),
]


@pytest.mark.parametrize(("reason", "change"), FAULTS)
def test_a_row_that_cannot_be_right_is_counted_under_its_reason(tmp_path, reason, change):
    frame = ten_persons()
    frame.loc[0, "assisted_kronor"] = 100.0
    for name, value in change.items():
        frame.loc[0, name] = value
    found = cohorts(write(frame, tmp_path / "f.parquet"), until=UNTIL, largest_share=0.5)
    assert {k: n for k, n in found.quality.dropped.items() if n} == {reason: 1}
    assert found.quality.kept == 9
    assert found.panel.table.query("sex == 'T'")["received"].sum() == 9


def test_a_row_with_several_faults_counts_once_under_the_first(tmp_path):
    frame = ten_persons()
    frame.loc[0, ["sex", "age"]] = ["X", -4]
    quality = cohorts(write(frame, tmp_path / "f.parquet"), until=UNTIL, largest_share=0.5).quality
    assert (quality.dropped["unknown_sex"], quality.dropped["age"]) == (1, 0)
    assert quality.kept + sum(quality.dropped.values()) == quality.rows


def test_text_that_is_no_date_or_number(tmp_path):
    frame = ten_persons().astype(object)
    for name in ("received", "moved", "programme_end", "assisted_from"):
        frame[name] = pd.to_datetime(frame[name]).dt.strftime("%Y-%m-%d")
    frame.loc[0, "moved"] = "2015-02-30"
    frame.loc[1, "age"] = "thirty"
    found = cohorts(write(frame, tmp_path / "f.csv"), until=UNTIL, largest_share=0.5)
    assert found.quality.dropped["unreadable"] == 2


@pytest.mark.parametrize("key", ["whole", "spread", "text"])
def test_persons_with_several_rows(tmp_path, key):
    frame = pd.concat([ten_persons(), ten_persons()[:2]], ignore_index=True)
    # 1 stands twice in one kommun; 2 is in two at once, for neither row ends before the other
    frame.loc[11, ["received_code", "residence_code"]] = ["0180", "0180"]
    if key == "spread":
        frame["person"] = frame["person"] * 10_000_019
    if key == "text":
        frame["person"] = "p" + frame["person"].astype(str)
    quality = cohorts(write(frame, tmp_path / "f.parquet"), until=UNTIL, largest_share=0.5).quality
    assert (quality.dropped["duplicate"], quality.dropped["two_kommuner"]) == (2, 2)
    assert quality.kept == 8


def test_negative_keys_and_full_buckets(tmp_path):
    frame = pd.concat([ten_persons()] * 10, ignore_index=True)
    frame["person"] = np.arange(100) - 50
    path = write(frame, tmp_path / "f.parquet")
    assert cohorts(path, until=UNTIL).quality.kept == 100
    frame.loc[99, "person"] = -50
    path = write(frame, tmp_path / "f.parquet")
    assert cohorts(path, until=UNTIL).quality.kept == 98


def test_too_many_wrong_rows_are_refused(tmp_path, ten):
    frame = ten_persons()
    frame.loc[:3, "sex"] = "X"
    path = write(frame, tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"4 of 10 rows cannot be counted.*neither woman nor man"):
        cohorts(path, until=UNTIL)
    frame["sex"] = "X"
    with pytest.raises(InputError, match="10 of 10"):
        cohorts(write(frame, tmp_path / "f.parquet"), until=UNTIL, largest_share=0.99)
    with pytest.raises(InputError, match="has no rows"):
        cohorts(write(ten_persons()[:0], tmp_path / "f.parquet"), until=UNTIL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.drop(columns="sex"), "field sex: the column is missing"),
        (lambda f: f.assign(received_code=114), "field received_code: must be text"),
        (lambda f: f.assign(received=1.5), "field received: must hold dates"),
        (lambda f: f.assign(person=1.5), "field person: must be text or whole numbers"),
    ],
)
def test_columns_that_cannot_be(tmp_path, change, says):
    with pytest.raises(InputError, match=says):
        cohorts(write(change(ten_persons()), tmp_path / "f.parquet"), until=UNTIL)


def test_calls_that_cannot_be(tmp_path, ten):
    for call, says in [
        ({"until": "2018-13"}, "is not a month"),
        ({"engine": "pandas"}, "is none of duckdb, spark"),
        ({"mapping": {"gender": "sex"}}, "field gender"),
        ({"mapping": {"sex": "gender"}}, "column is missing that should be sex"),
        ({"largest_share": 1.0}, "below 1"),
    ]:
        with pytest.raises(InputError, match=says):
            cohorts(ten, **call)
    with pytest.raises(InputError, match="no such file"):
        cohorts(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        cohorts(tmp_path / "broken.parquet")
    write(ten_persons(), tmp_path / "ten.csv")
    with pytest.raises(InputError, match="mixes"):
        cohorts(tmp_path)


# ---- personal identity numbers; the numbers are the authorities' own examples


def test_what_is_an_identity_number():
    real = ["19121212-1212", "121212+1212", "1212121212", "191212121212", "701063-2391"]
    assert all(map(is_identity_number, real))
    no = ["121212-1213", "20151332-1212", "12345", "2015-01-01", "person 1212121212", "9912321212"]
    assert not any(map(is_identity_number, no))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("person", "191212121212"),
        ("person", 191212121212),
        ("note", "121212-1212"),
        ("note", "701063-2391"),
        ("sex", "121212-1212"),
    ],
)
@pytest.mark.parametrize("place", [0, 2_999])
def test_identity_numbers_are_refused_and_never_shown(tmp_path, column, values, place):
    frame = pd.concat([ten_persons()] * 300, ignore_index=True)
    frame["person"] = np.arange(3_000)
    frame["note"] = "x"
    if column == "person" and isinstance(values, str):
        frame["person"] = frame["person"].astype(str)
    frame.loc[place, column] = values
    path = write(frame, tmp_path / "f.parquet")
    with pytest.raises(InputError, match=f"field {column}: holds what looks like") as error:
        cohorts(path, until=UNTIL)
    assert "1212" not in str(error.value)
    assert "2391" not in str(error.value)
    assert cohorts(path, until=UNTIL, pseudonymised=True).quality.rows == 3_000


def test_a_column_named_like_an_identity_number_is_refused(tmp_path):
    frame = ten_persons().assign(Personnummer="x")
    with pytest.raises(InputError, match="field Personnummer: is named like"):
        cohorts(write(frame, tmp_path / "f.parquet"), until=UNTIL)


# ---- the twin


def test_the_panel_is_the_twins_own(twin, counted_twin):
    made, _ = twin
    panel = counted_twin.panel.table
    assert counted_twin.simulated
    success = panel["work_90_days"] + panel["studies_90_days"]
    whole = panel["leavers"].astype(float).replace(0, np.nan)
    shares = 100 * success.astype(float) / whole
    base = panel["retention_base"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    kept = panel["retained"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    own = {
        "N00964": (panel["leavers"].astype(float), 0),
        "N01986": (panel["received"].astype(float), 0),
        "N00973": (shares, 0.051),
        "N00732": (pd.Series(kept, index=panel.index), 0),
    }
    assert np.nanmin(base - kept) >= 0
    seen = made.observations[made.observations["state"] == "observed"]
    for indicator, (values, near) in own.items():
        theirs = seen[seen["indicator"] == indicator]
        both = theirs.merge(panel.assign(own=values), on=["code", "year", "sex"])
        assert len(both) >= 0.95 * len(theirs[theirs["value"] > 0])
        assert (both["value"] - both["own"]).abs().max() <= near


def by_person(frame, until):
    """Count the life table person by person, month by month: slow and plain."""
    months = lambda d: 12 * d.dt.year + d.dt.month  # noqa: E731
    came, out = months(frame["received"]), months(frame["moved"])
    found = {}
    for code, c, m, sex, kind in zip(
        frame["received_code"], came, out, frame["sex"], frame["move"], strict=True
    ):
        cohort = (c - 1) // 12
        end = until - c if np.isnan(m) else max(m - c, 1)
        for month in range(1, int(end) + 1):
            key = (str(code), cohort, sex, month)
            cell = found.setdefault(key, dict.fromkeys(("at_risk", "censored", *KINDS), 0))
            cell["at_risk"] += 1
            if month == end:
                cell["censored" if np.isnan(m) else kind.replace(" ", "_")] += 1
    return found


def test_life_tables_are_those_counted_person_by_person(twin, counted_twin):
    frame = twin[0].persons
    frame = frame[frame["received_code"].isin(["2321", "0114"])]
    expected = by_person(frame, 12 * 2016 + 12)
    life = counted_twin.life_tables.table
    life = life[life["municipality"].isin(["2321", "0114"])]
    assert len(life) == len(expected)
    for row in life.to_dict("records"):
        own = expected[row["municipality"], row["cohort"], row["sex"], row["month"]]
        assert all(row[name] == n for name, n in own.items())


def test_costs_are_those_summed_person_by_person(twin, counted_twin):
    frame = twin[0].persons.query("assisted_months > 0")
    start = 12 * frame["assisted_from"].dt.year + frame["assisted_from"].dt.month - 1
    stop = start + frame["assisted_months"].astype(int)
    costs = counted_twin.costs.table
    for year in (2012, 2016):
        months = (np.minimum(stop, 12 * year + 12) - np.maximum(start, 12 * year)).clip(lower=0)
        rows_ = frame.assign(m=months, kr=months * frame["assisted_kronor"])[months > 0]
        rows_ = rows_.astype({"residence_code": str, "sex": str})
        own = rows_.groupby(["residence_code", "sex"]).agg(
            persons=("m", "size"), months=("m", "sum"), kronor=("kr", "sum"), top=("kr", "max")
        )
        table = costs[(costs["year"] == year) & (costs["sex"] != "T")]
        table = table.set_index(["code", "sex"]).loc[own.index]
        for name in ("persons", "months", "kronor"):
            assert np.array_equal(table[name].to_numpy(float), own[name].to_numpy(float))
        assert (table["largest_kronor"].to_numpy() >= own["top"].to_numpy()).all()


# ---- properties

CODES = ["0114", "2321"]


@st.composite
def some_persons(draw):
    n = draw(st.integers(1, 25))
    frame = ten_persons().sample(n, replace=True, random_state=draw(st.integers(0, 99)))
    frame = frame.reset_index(drop=True).assign(person=np.arange(n))
    for _ in range(draw(st.integers(0, 4))):
        _, change = draw(st.sampled_from(FAULTS))
        row = draw(st.integers(0, n - 1))
        for name, value in change.items():
            frame.loc[row, name] = value
    return frame


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(frame=some_persons())
def test_rows_are_kept_or_dropped_and_the_flow_holds(frame, tmp_path):
    # ten sound rows besides, so that not all can be wrong
    sound = ten_persons().assign(person=np.arange(1000, 1010))
    path = write(pd.concat([frame, sound], ignore_index=True), tmp_path / "p.parquet")
    found = cohorts(path, until=UNTIL, largest_share=0.99)
    quality = found.quality
    assert quality.rows == len(frame) + 10 == quality.kept + sum(quality.dropped.values())
    panel, life = found.panel.table, found.life_tables.table
    both = panel.query("sex != 'T'").groupby(["code", "year"])["received"].sum()
    total = panel.query("sex == 'T'").set_index(["code", "year"])["received"]
    assert (both == total.reindex(both.index)).all()
    assert total.sum() == quality.kept
    if len(life):
        gone = life[[*KINDS, "censored"]].sum(axis=1)
        assert life["entered"].sum() == gone.sum() <= quality.kept
        assert (gone <= life["at_risk"]).all()


# ---- the gate


def few(counted, codes):
    """Return the counts of some municipalities only: the gate takes a while for all."""
    panel, costs = (
        FromPersons(p.table[p.table["code"].isin(codes)].reset_index(drop=True), p.spec)
        for p in (counted.panel, counted.costs)
    )
    life = counted.life_tables.table
    life = FromPersons(life[life["month"] <= 6], counted.life_tables.spec)
    return dataclasses.replace(counted, panel=panel, costs=costs, life_tables=life)


@pytest.fixture(scope="module")
def released(counted_twin):
    return releases(few(counted_twin, ["2321", "0180"]))


def test_what_leaves_has_been_through_the_gate(released, counted_twin):
    assert set(released) == {
        "status_90_days", "retention", "received", "assisted_persons", "assisted_months",
        "assisted_kronor", "life_table",
    }  # fmt: skip
    assert all(isinstance(t, Released) and t.check.passed for t in released.values())
    assert released["status_90_days"].n_suppressed > 0
    shown = released["assisted_persons"].tidy()
    hidden = shown["suppressed"].astype(bool)
    assert hidden.any()
    amounts = released["assisted_kronor"].tidy()
    assert amounts.loc[hidden.to_numpy(), "suppressed"].astype(bool).all()


def test_outcomes_are_observations_with_hidden_ones_marked(released, counted_twin):
    found = outcomes(released)
    assert set(found["indicator"]) >= {"leavers", "work_or_studies_90_days", "retention_3_years"}
    assert (found["state"] == "suppressed").any()
    panel = counted_twin.panel.table.set_index(["code", "year", "sex"])
    shares = found.query("indicator == 'work_or_studies_90_days' and state == 'observed'")
    for row in shares.to_dict("records"):
        own = panel.loc[(row["code"], row["year"], row["sex"])]
        assert own["leavers"] >= 5
        expected = 100 * (own["work_90_days"] + own["studies_90_days"]) / own["leavers"]
        assert row["value"] == pytest.approx(expected, abs=1e-9)
    with pytest.raises(InputError, match="has not been released"):
        outcomes({"leavers": counted_twin.panel})


def test_follow_ups_share_their_totals_with_the_first(counted_twin):
    some = few(counted_twin, ["2321"])
    found = releases(
        dataclasses.replace(some, costs=FromPersons(some.costs.table[:0], some.costs.spec)),
        follow_ups=True,
    )
    assert {"status_1_year", "status_2_years", "status_3_years"} <= set(found)
    first, later = (found[f"status_{k}"].tidy() for k in ("90_days", "1_year"))
    first, later = (t[t["status"] == "leavers"].set_index(["year", "sex"]) for t in (first, later))
    same = first["suppressed"].reindex(later.index)
    assert (later["suppressed"].to_numpy() == same.to_numpy()).all()


def test_the_folder_is_written_whole_and_says_simulated(released, counted_twin, tmp_path):
    out = write_cohorts(
        tmp_path / "out", released, counted_twin.quality,
        provenance=counted_twin.provenance, simulated=True,
    )  # fmt: skip
    names = {p.name for p in out.iterdir()}
    assert {"README.txt", "quality.json", "quality.csv", "outcomes.csv"} <= names
    for path in out.iterdir():
        assert SIMULATED in path.read_text(encoding="utf-8")
    content = json.loads((out / "quality.json").read_text(encoding="utf-8"))
    assert content["rows"] == content["kept"] + sum(content["dropped"].values())
    assert all(c["check"]["passed"] for c in content["disclosure"].values())
    back = pd.read_csv(out / "outcomes.csv", dtype={"code": str})
    assert set(back["code"]) == {"2321", "0180"}
    reading = read_observations(
        out / "outcome_work_or_studies_90_days.csv", indicator="work_or_studies_90_days"
    )
    own = back[back["indicator"] == "work_or_studies_90_days"].sort_values(["code", "year", "sex"])
    read = reading.frame.sort_values(["code", "year", "sex"])
    assert read["state"].tolist() == own["state"].tolist()
    assert np.allclose(read["value"], own["value"], equal_nan=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("a", encoding="utf-8")
    with pytest.raises(InputError, match="holds other files"):
        write_cohorts(
            tmp_path / "mine", released, counted_twin.quality, provenance={}, simulated=True
        )


def test_nothing_else_is_written(counted_twin, tmp_path):
    with pytest.raises(InputError, match="may not be written; release it"):
        write_cohorts(
            tmp_path / "out", {"panel": counted_twin.panel}, counted_twin.quality, provenance={}
        )
    assert not (tmp_path / "out").exists()
    assert "released" in repr(counted_twin.panel)
    assert "received" not in repr(counted_twin.panel)


WRITES = {"to_csv", "to_parquet", "to_json", "write_text", "write_bytes", "write_table", "to_excel"}


def test_only_the_writer_that_takes_released_writes():
    """No file of the room writes but ``writing.py``, whose public functions take Released."""
    from evaluation.data.persons import writing

    folder = Path(writing.__file__).parent
    found = {}
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)} & WRITES
        if calls:
            found[path.name] = calls
    assert set(found) == {"writing.py"}
    for name in writing.__all__:
        kinds = str(inspect.signature(getattr(writing, name)).parameters["released"].annotation)
        assert "Released" in kinds


def test_temporary_files_are_gone(ten, tmp_path, monkeypatch):
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    cohorts(ten, until=UNTIL)
    assert list(place.iterdir()) == []
    shutil.rmtree(place)
