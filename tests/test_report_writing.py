"""Writing a report: whole or not at all, from plans of any shape, by the command line."""

import dataclasses
import html
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from matplotlib.figure import Figure as MplFigure

from evaluation import (
    InputError,
    embedded_panel,
    folders,
    load_plan,
    run_study,
    verify,
    write_report,
)
from evaluation.data.panel import Panel
from evaluation.plan import Text
from evaluation.report import bundle
from evaluation.report import folder as report_folder
from evaluation.report.words import left_out_text


def files_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def bytes_of(folder):
    return {f: (folder / f).read_bytes() for f in files_of(folder)}


@pytest.fixture(scope="module")
def figures(study):
    """The report's figures, with empty drawings that are quick to save."""
    full = bundle.make_figures(study.to_dict(), "sv")
    return {k: dataclasses.replace(f, drawing=MplFigure((1, 1))) for k, f in full.items()}


@pytest.fixture
def no_study(monkeypatch, study, figures):
    """Take study and figures as done: these tests are about what happens to their report."""
    monkeypatch.setattr(bundle, "run_study", lambda plan, *_: dataclasses.replace(study, plan=plan))
    monkeypatch.setattr(bundle, "make_figures", lambda *_: figures)


# whole or not at all


@pytest.fixture
def former(report, tmp_path):
    """A report that stands where the next one shall go, and what it holds."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    return out, bytes_of(out)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("make_tables", RuntimeError),
        ("make_figures", KeyboardInterrupt),
        ("render", RuntimeError),
        ("put_in_place", KeyboardInterrupt),
    ],
)
@pytest.mark.usefixtures("no_study")
def test_a_failure_midway_leaves_the_former_report(monkeypatch, quick_plan, former, step, error):
    out, content = former

    def fail(*_, **__):
        raise error("midway")

    place = {"put_in_place": folders, "render": report_folder}.get(step, bundle)
    monkeypatch.setattr(place, step, fail)
    with pytest.raises(error, match="midway"):
        write_report(quick_plan, out, formats=["html"])
    assert bytes_of(out) == content
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_study")
def test_a_failure_of_the_last_rename_leaves_the_former_report(monkeypatch, quick_plan, former):
    out, content = former
    rename = Path.rename

    def fail_into_place(self, target):
        if Path(target) == out and "new" in self.name:
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_into_place)
    monkeypatch.setattr(bundle, "make_figures", lambda *_: {})
    with pytest.raises((OSError, InputError)):
        write_report(quick_plan, out, formats=[])
    assert out.is_dir()
    assert bytes_of(out) == content
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_study")
def test_a_failure_leaves_no_folder_where_there_was_none(monkeypatch, quick_plan, tmp_path):
    monkeypatch.setattr(report_folder, "render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(quick_plan, tmp_path / "out", formats=["html"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_study")
def test_a_former_report_is_replaced_whole(quick_plan, former):
    out, content = former
    write_report(quick_plan, out, formats=["html"])
    new = bytes_of(out)
    assert content.keys() - new.keys() == {"report.pdf", "report.docx"}
    assert new.keys() <= content.keys()
    assert new["results.json"] == content["results.json"]
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_study")
def test_a_file_that_no_report_wrote_is_not_lost(quick_plan, former):
    out, content = former
    (out / "tables" / "of_mine.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"holds tables/of_mine\.csv, which no report wrote"):
        write_report(quick_plan, out, formats=["html"])
    assert bytes_of(out) == content | {"tables/of_mine.csv": b"a\n1\n"}


@pytest.mark.parametrize("content", ["{}", '{"accuracy": 0.93}', "not JSON"])
@pytest.mark.usefixtures("no_study")
def test_a_folder_with_someone_elses_results_is_refused(quick_plan, tmp_path, content):
    """Many programs write a file of that name; what lies beside it must not be lost."""
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "results.json").write_text(content)
    (out / "chapter.txt").write_text("years of work")
    with pytest.raises(InputError):
        write_report(quick_plan, out, formats=["html"])
    assert (out / "chapter.txt").read_text() == "years of work"
    assert (out / "results.json").read_text() == content


@pytest.mark.usefixtures("no_study")
def test_an_empty_folder_is_filled(quick_plan, tmp_path, monkeypatch):
    """By its own name and as the folder one stands in."""
    for name in ("by_name", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(bundle, "make_figures", lambda *_: {})
    write_report(quick_plan, tmp_path / "by_name", formats=[])
    assert (tmp_path / "by_name" / "provenance.json").is_file()
    monkeypatch.chdir(tmp_path / "here")
    write_report(quick_plan, ".", formats=[])
    assert (tmp_path / "here" / "provenance.json").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["by_name", "here"]


# plans of other shapes


def own_plan(folder, text, panel=None):
    """Write a plan with one outcome of one's own, without case and context, and its file."""
    values = embedded_panel("foreign_background") if panel is None else panel
    long = values.long().rename(columns={"unit": "code", "time": "year"})
    long.to_csv(folder / "own.csv", index=False)
    plan = yaml.safe_load(text)
    plan["outcomes"] = [
        {
            "id": "own_share",
            "file": "own.csv",
            "label": {"sv": "egen andel", "en": "own share"},
            "unit": {"sv": "procent", "en": "per cent"},
            "source": "Egen fil",
        }
    ]
    del plan["case"], plan["context"]
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
    return load_plan(folder / "plan.yaml")


def test_an_own_outcome_is_verified_from_the_reports_copy(tmp_path, plan_text):
    plan = own_plan(tmp_path, plan_text)
    original = (tmp_path / "own.csv").read_bytes()
    out = write_report(plan, tmp_path / "out", formats=["html"])
    (tmp_path / "own.csv").unlink()
    (tmp_path / "plan.yaml").unlink()
    assert (out / "data" / "own_share.csv").read_bytes() == original
    assert verify(out).passed
    copy = out / "data" / "own_share.csv"
    # 0114 in 2010: a changed value changes the numbers, and the bytes
    copy.write_bytes(original.replace(b"31.43", b"31.53", 1))
    found = {d.file for d in verify(out).differences}
    assert {"results.json", "data/own_share.csv"} <= found


def test_an_own_outcome_gives_the_numbers_of_the_same_data(tmp_path, plan_text):
    own = run_study(own_plan(tmp_path, plan_text)).outcomes["own_share"]
    plain = load_plan(tmp_path / "plan.yaml").model_copy(
        update={"outcomes": ("foreign_background",)}
    )
    embedded = run_study(plain).outcomes["foreign_background"]
    assert own.headline.estimate == embedded.headline.estimate
    assert own.headline.conf_int == embedded.headline.conf_int


def test_an_own_outcome_may_lack_municipalities_that_are_not_treated(tmp_path, plan_text):
    """Malmö, of uncertain stance, and two of the comparison group have no data."""
    panel = embedded_panel("foreign_background")
    some = panel.select([u for u in panel.units if u not in ("1280", "0114", "0115")])
    study = run_study(own_plan(tmp_path, plan_text, panel=some))
    assert study.outcomes["own_share"].headline.n_units == 4 + 277


def test_who_is_left_out_is_said_under_the_groups_and_in_the_terminal(cli, tmp_path, plan_text):
    """Österåker (0117) lacks one year and Danderyd (0162) all of them."""
    panel = embedded_panel("foreign_background")
    some = panel.select([u for u in panel.units if u != "0162"])
    own_plan(tmp_path, plan_text, panel=some)
    file = tmp_path / "own.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(x for x in lines if not x.startswith("0117,2014")))
    answers = {
        lang: cli(
            "run", tmp_path / "plan.yaml", "--out", tmp_path / lang, "--format", "html",
            "--lang", lang,
        )
        for lang in ("sv", "en")
    }  # fmt: skip
    said = {
        "sv": "Egen andel: 2 av 279 jämförelsekommuner saknar värden för något år och utelämnas "
        "(Österåker och Danderyd); jämförelsegruppen är 277 kommuner.",
        "en": "Own share: left out for want of values in some year: 2 of 279 comparison "
        "municipalities (Österåker and Danderyd); the comparison group is 277 municipalities.",
    }
    for lang, text in said.items():
        assert answers[lang].code == 0
        assert f"• {text}" in answers[lang].out
        page = (tmp_path / lang / "report.html").read_text(encoding="utf-8")
        words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
        groups = words.index("anonyma svar (" if lang == "sv" else "anonymous answers (")
        documents = words.index("Dokumenten:" if lang == "sv" else "The documents:")
        assert groups < words.index(text) < documents


def test_a_long_list_of_those_left_out_is_cut(study):
    results = study.to_dict()
    codes = list(study.design.controls[:25])
    results["outcomes"]["foreign_background"] |= {"left_out": codes, "n_controls": 254}
    text = left_out_text(results, "foreign_background", "sv")
    assert "25 av 279 jämförelsekommuner" in text
    assert "och 15 till)" in text
    assert left_out_text(results, "low_economic_standard", "sv") == ""


def test_too_few_controls_in_an_own_file_are_told_with_the_plan(tmp_path, plan_text):
    panel = embedded_panel("foreign_background")
    treated = ["2321", "1233", "1264", "1287"]
    others = [u for u in panel.units if u not in treated]
    plan = own_plan(tmp_path, plan_text, panel=panel.select(treated + others[:60]))
    with pytest.raises(InputError) as error:
        run_study(plan)
    assert error.value.file
    assert "donors" in str(error.value)


@pytest.mark.parametrize("fault", ["constant", "a year left out"])
def test_what_is_wrong_with_an_own_file_is_told_with_its_name(tmp_path, plan_text, fault):
    panel = embedded_panel("foreign_background")
    values = panel.values * 0 + 5 if fault == "constant" else panel.values.drop(columns=2020)
    plan = own_plan(tmp_path, plan_text, panel=Panel("x", values))
    with pytest.raises(InputError) as error:
        run_study(plan)
    assert error.value.file


@pytest.mark.parametrize("title", ['De "aktiva" & <mer>, 100 %', "Å: ä, 'ö' och a\\b"])
@pytest.mark.usefixtures("no_study")
def test_a_title_may_hold_any_characters(quick_plan, tmp_path, title):
    plan = quick_plan.model_copy(update={"title": Text(sv=title, en=title)})
    out = write_report(plan, tmp_path / "out", formats=["html", "pdf"])
    page = (out / "report.html").read_text(encoding="utf-8")
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[1]
    straight = str.maketrans("“”‘’", "\"\"''")
    assert html.unescape(heading).translate(straight).strip() == title


# the command line


def test_run_prints_the_findings_and_writes_only_what_was_asked(cli, tmp_path, plan_text):
    file = tmp_path / "plan.yaml"
    file.write_text(plan_text, encoding="utf-8")
    out = tmp_path / "out"
    answer = cli("run", file, "--out", out, "--format", "html", "--lang", "en", "--json")
    assert (answer.code, answer.err) == (0, "")
    said = json.loads(answer.out)
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    findings = [o["finding"] for o in results["outcomes"].values()]
    assert said["findings"] == [*findings, results["case"]["finding"]]
    assert said["plan_hash"] == results["plan_hash"]
    assert said["left_out"] == {"foreign_background": [], "low_economic_standard": []}
    assert Path(said["folder"]) == out
    assert not {"report.pdf", "report.docx"} & files_of(out)
    assert not [f for f in files_of(out) if f.endswith(".png")]


@pytest.mark.usefixtures("no_study")
def test_run_speaks_to_people(cli, tmp_path, plan_text):
    file = tmp_path / "plan.yaml"
    file.write_text(plan_text, encoding="utf-8")
    answer = cli("run", file, "--out", tmp_path / "out", "--format", "html")
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    for outcome in results["outcomes"].values():
        assert outcome["finding"]["sentence_sv"] in answer.out
    assert answer.out.rstrip().endswith(str(tmp_path / "out"))
