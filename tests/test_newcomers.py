"""What people who are new here ran into: said in words that help."""

from pathlib import Path

import pandas as pd
import pytest

from evaluation.data.observations import OBSERVED
from evaluation.data.reading import read_observations
from evaluation.data.store import SnapshotStore
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.errors import InputError
from evaluation.folders import put_in_place, target_folder
from evaluation.plan import SimulatedData, load_plan, plan_from_dict


def rows(**changed):
    cells = {
        "indicator": "N00964",
        "code": ["0114", "0114", "0115", "0115"],
        "year": [2015, 2016] * 2,
        "sex": "T",
        "value": [1.0, 2.0, 3.0, 4.0],
        "state": OBSERVED,
    }
    return pd.DataFrame(cells | changed)


def put(store, **changed):
    about = dict.fromkeys(("licence_sv", "licence_en", "citation_sv", "citation_en"), "x")
    return store.put(rows(**changed), name="mine", source="x", request={}, **about)


def test_the_folder_one_stands_in_is_filled_and_never_pulled_away(tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    for folder in (tmp_path / "a", ".."):
        with pytest.raises(InputError, match="holds the folder you stand in"):
            target_folder(folder)
    assert target_folder("c") == inner / "c"
    twin = simulate(SimulatedData(seed=1, years=(2008, 2016), adoption=(2011, 2012), persons=False))
    before = inner.stat().st_ino
    for _ in range(2):
        twin.write(".")
        assert inner.stat().st_ino == before
        assert Path("truth.json").is_file()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]


def test_a_folder_that_cannot_be_filled_stays_as_it_was(tmp_path, monkeypatch):
    out, new = tmp_path / "out", tmp_path / "new"
    for folder, names in ((out, "ab"), (new, "abc")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(folder.name)
    monkeypatch.chdir(out)
    rename = Path.rename

    def fails(self, target):
        if self.parent == new and self.name == "c":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="No space"):
        put_in_place(new, out)
    assert {p.name: p.read_text() for p in out.iterdir()} == {"a": "out", "b": "out"}
    assert sorted(p.name for p in new.iterdir()) == ["a", "b", "c"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "out"]


def test_marks_are_counted_and_said(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("Kommun;2015;2016\nAle;1,5;-\nHabo;-;..\nRiket;-;2,0\n", encoding="utf-8")
    found = read_observations(file, indicator="andel")
    assert "2 × '-' read as 0; marks in the layout says otherwise" in found.notes
    assert "1 × '..' read as suppressed; marks in the layout says otherwise" in found.notes


def test_a_misspelt_municipality_gets_a_guess(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("Kommun;2015\nHässleholmm;1\nAle;2\nXyzzy;3\nHabo;4\n", encoding="utf-8")
    reasons = read_observations(file, indicator="andel").rejected["reason"].tolist()
    assert reasons == ["not a municipality; is it Hässleholm?", "not a municipality"]


def test_a_file_of_one_other_indicator_is_an_outcome_of_ones_own(tmp_path):
    file = tmp_path / "a.csv"
    rows().to_csv(file, index=False)
    found = read_observations(file, indicator="leavers")
    assert "the file calls it N00964" in found.notes
    with pytest.raises(InputError, match="there is no 'N00973'; there are N00964"):
        read_observations(file, indicator="N00973")


@pytest.mark.parametrize(
    ("changed", "sex", "says"),
    [
        ({"code": ["114", "114", "115", "115"]}, "T", "'114' .*0114"),
        ({}, "K", "there is no N00964 for sex K; it has T"),
        ({"indicator": "N00960"}, "T", "there is no N00964; there is N00960"),
    ],
)
def test_a_panel_says_what_is_wrong_with_its_rows(changed, sex, says):
    with pytest.raises(InputError, match=says):
        build_panel(rows(**changed), "N00964", sex)


def test_the_fetch_before_the_newest(tmp_path):
    store = SnapshotStore(tmp_path)
    first, second, third = (put(store, value=[float(i)] * 4) for i in (1, 2, 3))
    assert [store.get(w).id for w in ("mine", "mine~1", "mine~2")] == [
        third.id,
        second.id,
        first.id,
    ]
    with pytest.raises(InputError, match="there is no snapshot 'mine~3'"):
        store.get("mine~3")
    with pytest.raises(InputError, match="'x' is no number of fetches"):
        store.get("mine~x")
    with pytest.raises(InputError, match="too short for a hash; twelve digits"):
        store.get(third.id[:6])


def test_a_plan_that_does_not_ship_is_met_with_those_that_do():
    with pytest.raises(InputError, match="those that ship are day_one, day_one_simulated, settle"):
        load_plan("dayone")


def test_a_name_that_does_not_fit_is_told_in_words():
    with pytest.raises(InputError, match="must be small letters a–z, digits, _ and -"):
        plan_from_dict({"name": "Åre"})


@pytest.mark.parametrize("given", ["2017,2012"])
def test_years_the_wrong_way_round(given):
    from evaluation.cli.simulate import simulate as command

    with pytest.raises(InputError, match="has the later year first"):
        command(out="x", adoption=given)
