"""Two releases of the same persons: the second beside the folder that the first left."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from persons_cases import write
from test_persons_bad_input import refused, run

import evaluation.data.persons as api
from evaluation.data.disclosure import FromPersons, Rules, attack
from evaluation.data.disclosure.constraints import stacked
from evaluation.data.disclosure.layout import lay_out
from evaluation.data.persons import read_published, releases
from evaluation.data.persons.table_specs import status_words
from evaluation.errors import InputError

CODES = ("2321", "2380")
WORDS = status_words("90_days")


def persons(extra=0):
    """Return a few municipalities' persons; ``extra`` women of 2321 left in 2014 as well."""
    rng = np.random.default_rng(20180101)
    rows = []
    for code in CODES:
        for year in range(2012, 2015):
            for sex in "KM":
                few = (code, year, sex) == ("2321", 2014, "K")
                for i in range(2 if few else int(rng.integers(20, 30))):
                    # in two months only, so that the life table has few small cells
                    came = pd.Timestamp(year, 3 + 6 * (i % 2), 3)
                    rows.append((code, came, sex, "work" if i % 5 < 2 else "neither", i))
    frame = pd.DataFrame(rows, columns=["received_code", "received", "sex", "status_90_days", "i"])
    frame["person"] = np.arange(len(frame)) + 1
    frame["residence_code"] = frame["received_code"]
    frame["programme_end"] = frame["received"] + pd.DateOffset(years=2)
    late = frame.index[
        (frame["received_code"] == "2321")
        & (frame["received"].dt.year == 2012)
        & (frame["sex"] == "K")
    ][:2]
    frame.loc[late, "status_90_days"] = "work"
    # those who had not been entered in the first file
    for at in late[extra:]:
        frame.loc[at, ["programme_end", "status_90_days"]] = [pd.NaT, None]
    gone = frame.pop("i") % 4 == 0
    frame["moved"] = (frame["received"] + pd.DateOffset(months=14)).where(gone)
    frame["move"] = np.where(gone, "elsewhere", None)
    frame["assisted_from"] = frame["received"]
    frame["assisted_months"] = 6
    frame["assisted_kronor"] = 3000 + 10 * (frame["person"] % 40)
    return frame


@pytest.fixture(scope="module", autouse=True)
def counted_once():
    """Count each file once: what is tried here is what leaves of the counts."""
    known, count = {}, api.cohorts

    def remembered(file, **settings):
        key = (file.read_bytes(), *(repr(v) for v in settings.values()))
        if key not in known:
            known[key] = count(file, **settings)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "cohorts", remembered)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("previous")
    write(persons(), place / "first.parquet")
    write(persons(extra=1), place / "more.parquet")
    cohorts(place, "first", "one")
    return place


def cohorts(place, file, out, *more, until="2016-12"):
    found = run("cohorts", place / f"{file}.parquet", "--until", until, "--out", place / out, *more)
    assert found.exit_code == 0, found.output
    return found.output


def table(place, folder, name="status_90_days"):
    return pd.read_csv(
        place / folder / f"table_{name}.csv", dtype={"code": str}, na_values="..",
        keep_default_na=False,
    )  # fmt: skip


def cell(frame, code, year, sex, status):
    at = (frame["code"] == code) & (frame["year"] == year) & (frame["sex"] == sex)
    return frame[at & (frame["status"] == status)].iloc[0]


def together(place, one, two, same):
    """Return ranges of both releases' statuses for one who knows which cells did not change."""
    seen, systems = [], []
    for folder in (one, two):
        own = table(place, folder)
        spec = read_published(place / folder).former["status_90_days"].spec
        systems.append(lay_out(own.assign(n=0), "n", spec.by, spec.sums).constraints)
        seen.append(own["n"].to_numpy(float))
    n = len(seen[0])
    links = [([i, n + i], [1.0, -1.0], "same") for i in np.flatnonzero(same)]
    found = attack(np.concatenate(seen), stacked(systems, links))
    return (found.high - found.low).reshape(2, n), np.isnan(np.array(seen))


def test_a_woman_entered_late_shows_without_the_first_folder_and_not_beside_it(place):
    cohorts(place, "more", "alone")
    out = cohorts(place, "more", "two", "--previous", place / "one")
    assert "what was published until 2016-12" in out
    key = ("2321", 2014, "K")
    first, alone, beside = (table(place, f) for f in ("one", "alone", "two"))
    for word in (WORDS["leavers"], WORDS["either"]):
        # one woman more, who works: told by the two tables alone
        assert cell(alone, *key, word)["n"] - cell(first, *key, word)["n"] == 1
        assert cell(beside, *key, word)["suppressed"]
    changed = (first["code"] == "2321") & (first["year"] == 2014)
    changed &= first["sex"].isin(["K", "T"]) & (first["status"] != WORDS["other"])
    width, hidden = together(place, "one", "two", ~changed)
    assert (width[hidden] >= 4).all()
    record = json.loads((place / "two" / "quality.json").read_text(encoding="utf-8"))
    assert record["provenance"]["previous"] == ["2016-12"]


def test_the_same_file_again_gives_the_same_folder(place):
    cohorts(place, "first", "again", "--previous", place / "one")
    for file in sorted((place / "one").glob("*.csv")):
        assert file.read_bytes() == (place / "again" / file.name).read_bytes()


def test_a_year_later_the_few_received_of_late_stay_hidden(place):
    """Two women came to 2321 in 2014: a reception of late then, one of three years before now."""
    came = table(place, "one", "received")
    few = came[(came["code"] == "2321") & (came["year"] == 2014) & (came["sex"] == "K")]
    assert few["suppressed"].all()
    partners = came[(came["year"] == 2014) & came["suppressed"]]
    cohorts(place, "first", "later", "--previous", place / "one", until="2017-12")
    stayed = table(place, "later", "retention")
    whole = stayed[(stayed["year"] == 2017) & (stayed["group"] == "received three years before")]
    gone = set(
        zip(
            whole.loc[whole["suppressed"], "code"],
            whole.loc[whole["suppressed"], "sex"],
            strict=True,
        )
    )
    # everything that hid them then is unchanged, and hides them now
    assert set(zip(partners["code"], partners["sex"], strict=True)) <= gone


def test_three_runs(place):
    cohorts(place, "more", "three", "--previous", place / "one", "--previous", place / "again")
    first, third = table(place, "one"), table(place, "three")
    hidden = first["suppressed"].to_numpy(bool)
    assert third["suppressed"].to_numpy(bool)[hidden].all()


def test_a_release_that_one_new_person_would_give_away_is_refused(place):
    frame = persons(extra=1)
    new = frame[frame["received_code"] == "2380"].iloc[[0]].assign(person=9999)
    write(pd.concat([frame, new], ignore_index=True), place / "newcomer.parquet")
    found = run(
        "cohorts", place / "newcomer.parquet", "--until", "2016-12", "--previous", place / "one",
        "--out", place / "never",
    )  # fmt: skip
    refused(found, "keep the former one until more has changed")
    assert not (place / "never").exists()


def test_later_statuses_share_the_totals_of_the_former_run_too(place):
    def one_place(extra):
        frame = persons(extra)
        frame = frame[frame["received_code"] == "2321"]
        year = np.where(frame["person"] % 3 == 0, "work", "neither")
        return frame.assign(status_1_year=np.where(frame["status_90_days"].isna(), None, year))

    write(one_place(0), place / "later-one.parquet")
    write(one_place(1), place / "later-two.parquet")
    cohorts(place, "later-one", "l1", "--follow-ups", until="2018-06")
    cohorts(place, "later-two", "l2", "--follow-ups", "--previous", place / "l1", until="2018-06")
    key = ("2321", 2014, "K", "leavers")
    for name in ("status_90_days", "status_1_year"):
        assert not cell(table(place, "l1", name), *key)["suppressed"]
        assert cell(table(place, "l2", name), *key)["suppressed"]


def spoil(place, file, change):
    folder = place / "spoilt"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place / "one", folder)
    change(folder / file)
    return folder


def edit(old, new):
    def change(path):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def first_shown(path):
    """Put another number in place of the first that is shown of women and men together."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    at = frame.index[(frame["suppressed"] == "False") & (frame["sex"] == "T")][0]
    frame.loc[at, "n"] = "900"
    frame.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("quality.json", lambda p: p.unlink(), ("quality.json", "is no folder")),
        ("quality.json", edit("{", "["), ("quality.json", "is no folder")),
        ("quality.json", edit('"disclosure"', '"other"'), ("is no folder",)),
        ("table_retention.csv", lambda p: p.unlink(), ("table_retention.csv", "is missing")),
        ("table_retention.csv", edit("suppressed", "gone"), ("has no columns n, suppressed",)),
        ("table_retention.csv", edit("False", "True"), ("its record in quality.json says",)),
        ("table_received.csv", edit(",..,", ",7,"), ("'7' is neither a number nor hidden",)),
        ("table_status_90_days.csv", first_shown, ("status_90_days", "contradict each other")),
        ("table_received.csv", edit(",K,", ",X,"), ("table_received.csv", "is missing at")),
        ("quality.json", edit('"k": 5', '"k": "five"'), ("must be a whole number",)),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_is_refused(place, file, change, words):
    folder = spoil(place, file, change)
    found = run(
        "cohorts", place / "first.parquet", "--until", "2016-12", "--previous", folder,
        "--out", place / "never",
    )  # fmt: skip
    refused(found, *words)
    assert not (place / "never").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: {"provenance": {"until": "2016-11"}}, ("until 2016-12", "later than 2016-11")),
        (
            lambda c: {
                "panel": FromPersons(
                    c.panel.table, dataclasses.replace(c.panel.spec, rules=Rules(k=6))
                )
            },
            ("shows counts from 5 on", "give --k 5"),
        ),
        (
            lambda c: {
                "life_tables": FromPersons(
                    c.life_tables.table.assign(exposed=0), c.life_tables.spec
                )
            },
            ("without exposure", "--adoption in neither or both runs"),
        ),
        (lambda c: {"simulated": True}, ("holds persons and these are simulated persons",)),
    ],
)
def test_runs_that_cannot_be_set_beside_each_other(place, change, words):
    counted = api.cohorts(place / "first.parquet", until="2016-12")
    other = dataclasses.replace(counted, **change(counted))
    with pytest.raises(InputError) as told:
        releases(other, previous=[read_published(place / "one")])
    for word in words:
        assert word in str(told.value)


def test_what_was_published_is_not_replaced(place):
    args = ("cohorts", place / "first.parquet", "--previous", place / "one")
    refused(run(*args), "--previous", "give --out as well")
    refused(run(*args, "--out", place / "one"), "must stay")


def test_a_last_month_in_the_future_is_refused(place):
    found = run("cohorts", place / "first.parquet", "--until", "2199-12")
    refused(found, "--until", "2199-12 has not been yet")
