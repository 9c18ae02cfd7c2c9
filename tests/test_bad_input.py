"""Bad files and bad calls: one line that says where and why, exit code 2, nothing left behind."""

import json
import re

import pytest

from evaluation import municipalities

GOOD = "unit,year,value,first,size\n" + "".join(
    f"{unit},{year},{(3 * i + 7 * (year % 5) * (i + 1)) % 11},{first},{10 + i}\n"
    for i, (unit, first) in enumerate([("a", 2002), ("b", 2003), ("c", ""), ("d", 0), ("e", "")])
    for year in range(2000, 2005)
)
LINES = len(GOOD.splitlines())
ROLES = ("--unit", "unit", "--time", "year", "--outcome", "value", "--cohort", "first")


def edit(old, new):
    """Return the good file with one thing changed, the first time it stands."""
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


def column(k, value):
    """Return the good file with another value in a column, in every row."""
    head, *rows = GOOD.splitlines()
    cells = [r.split(",") for r in rows]
    return "\n".join([head, *(",".join([*c[:k], str(value), *c[k + 1 :]]) for c in cells)]) + "\n"


def only(keep):
    head, *rows = GOOD.splitlines()
    return "\n".join([head, *(r for r in rows if keep(r.split(",")))]) + "\n"


# what the file holds, the row and the field that must be named, words
BAD_FILES = {
    "empty": ("", None, None, "is empty"),
    "blank": ("\n  \n", None, None, "is empty"),
    "header only": (GOOD.splitlines()[0] + "\n", None, None, "has a header but no data rows"),
    "not UTF-8": (GOOD.encode() + b"\xe5", None, None, "is not UTF-8 text"),
    "UTF-16": (GOOD.encode("utf-16"), None, None, "is not UTF-8 text"),
    "short row": (GOOD + "f,2000\n", LINES + 1, None, "has 2 fields where the header has 5"),
    "long row": (GOOD + "f,2000,1,,9,9\n", LINES + 1, None, "has 6 fields"),
    "column twice": (edit("size", "unit"), 1, "unit", "stands twice"),
    "missing unit": (edit("unit", "kommun"), 1, "unit", "there is no such column"),
    "missing year": (edit("year", "ar"), 1, "year", "there is no such column"),
    "missing outcome": (edit("value", "y"), 1, "value", "there is no such column"),
    "missing cohort": (edit("first", "g"), 1, "first", "there is no such column"),
    "row twice": (GOOD + "a,2000,1,2002,10\n", LINES + 1, "unit", "a, 2000 stands twice"),
    "empty unit": (GOOD + ",2000,1,,9\n", LINES + 1, "unit", "is empty"),
    "empty year": (GOOD + "f,,1,,9\n", LINES + 1, "year", "is empty"),
    "text year": (
        edit("a,2001", "a,MMI"), 3, "year", "'MMI' is not a number; a whole year such as 2015",
    ),
    "date for a year": (edit("a,2001", "a,2001-12-31"), 3, "year", "is not a number"),
    "half a year": (edit("a,2001", "a,2001.5"), 3, "year", "'2001.5' is not a whole year"),
    "year beyond any calendar": (edit("a,2001", "a,1e300"), 3, "year", "'1e300'"),
    "text outcome": (GOOD + "f,2000,hej,,9\n", LINES + 1, "value", "'hej' is not a number"),
    "infinite outcome": (GOOD + "f,2000,inf,,9\n", LINES + 1, "value", "'inf' is not finite"),
    "too large an outcome": (GOOD + "f,2000,-1e999,,9\n", LINES + 1, "value", "is not finite"),
    "an outcome whose square is none": (
        GOOD + "f,2000,1e300,,9\n", LINES + 1, "value", "'1e300' is too large",
    ),
    "decimal comma": (GOOD + 'f,2000,"1,5",,9\n', LINES + 1, "value", "'1,5' is not a number"),
    "constant outcome": (column(2, 4), None, "value", "the outcome never varies"),
    "outcome all missing": (column(2, "NA"), None, None, "no unit is observed in every year"),
    "text cohort": (edit(",2002,", ",soon,"), 2, "first", "'soon' is not a number"),
    "half a cohort": (edit(",2002,", ",2002.5,"), 2, "first", "is not a whole year"),
    "cohort that changes": (
        edit(",2002,", ",2003,"), 3, "first", "unit a has 2002 here and 2003 in row 2",
    ),
    "cohort that begins": (edit(",2002,", ",,"), 3, "first", "one value per unit is needed"),
    "cohort after the data": (
        GOOD.replace(",2003,11", ",2031,11"), 7, "first", "2031 lies outside the data, 2000–2004",
    ),
    "negative cohort": (GOOD.replace(",2003,11", ",-1,11"), 7, "first", "-1 lies outside the data"),
    "cohort beyond any calendar": (GOOD.replace(",2003,11", ",1e300,11"), 7, "first", "1e300"),
    "all always-treated": (
        column(3, 2000), None, "first", "every unit is treated from the first year, 2000, on",
    ),
    "only always-treated": (
        only(lambda c: c[0] in "bcde").replace(",2003,11", ",2000,11"), None, "first",
        "no unit is treated after the first year, 2000",
    ),
    "nobody treated": (column(3, ""), None, "first", "no unit is treated"),
    "everybody treated": (column(3, 2002), None, "first", "every unit is treated"),
    "one year": (only(lambda c: c[1] == "2000"), None, None, "at least two are needed"),
    "a year left out": (
        only(lambda c: c[1] != "2001"), None, "value", "the year after 2000 is missing",
    ),
    "every unit with a gap": (
        only(lambda c: int(c[1]) != 2000 + "abcde".index(c[0])), None, None,
        "no unit is observed in every year",
    ),
    "the only treated units with gaps": (
        only(lambda c: c[0] in "cde" or c[1] != "2004"), None, "first", "no unit is treated",
    ),
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(content):
        file = tmp_path / "own.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def place(file, row, field):
    row = f", row {row}" if row else ""
    return f"{file}{row}{f', field {field}' if field else ''}"


def test_the_good_file_is_good(cli, write):
    """What the bad files differ from: or their tests would say nothing."""
    file = write(GOOD)
    for more in ([], ["--method", "twfe"], ["--inference", "permutation"]):
        answer = cli("estimate", "--data", file, *ROLES, "--json", *more)
        assert (answer.code, answer.err) == (0, "")
        found = json.loads(answer.out)
        assert (found["n_units"], found["n_treated_units"], found["n_obs"]) == (5, 2, 25)


@pytest.mark.parametrize("name", BAD_FILES)
def test_estimate_refuses(cli, refused, write, name):
    content, row, field, says = BAD_FILES[name]
    file = write(content)
    refused(cli, "estimate", "--data", file, *ROLES, where=place(file, row, field), says=says)


@pytest.mark.parametrize("name", [n for n in BAD_FILES if n != "a year left out"])
def test_data_check_refuses(cli, refused, write, name):
    content, row, field, says = BAD_FILES[name]
    file = write(content)
    where = place(file, row, field)
    refused(cli, "data", "check", file, *ROLES, where=where, says=says)


def test_rows_are_right_after_a_quoted_field_of_several_lines(cli, refused, write):
    file = write(GOOD + '"f\nand\ng",2000,1,,9\nh,2000,x,,9\n')
    where = place(file, LINES + 4, "value")
    refused(cli, "estimate", "--data", file, *ROLES, where=where, says="'x' is not a number")


@pytest.mark.parametrize("command", [("estimate", "--data"), ("data", "check")])
def test_files_that_are_none(cli, refused, tmp_path, command):
    gone = tmp_path / "gone.csv"
    refused(cli, *command, gone, *ROLES, where=gone, says="there is no such file")
    refused(cli, *command, tmp_path, *ROLES, where=tmp_path, says="cannot be read")


PERMUTATION = ("--inference", "permutation")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ((*PERMUTATION, "--method", "twfe"), "--inference"),
        ((*PERMUTATION, "--control", "notyet"), "--control"),
        ((*PERMUTATION, "--aggregate", "dynamic"), "--aggregate"),
        (("--inference", "analytic", "--size", "size"), "--size"),
        (("--inference", "cr2", "--size", "size"), "--size"),
        (("--inference", "wild"), "--inference"),
        (("--inference", "ferman-pinto"), "--size"),
        (("--inference", "integrated-t"), "--size"),
        (("--inference", "cr2", "--covariates", "size", "--est-method", "reg"), "--inference"),
        (("--inference", "conley-taber", "--method", "stacked"), "--inference"),
        (("--inference", "own-history", "--cluster", "unit"), "--inference"),
        (("--inference", "own-history"), "--inference"),
        (("--multiplier", "mammen"), "--multiplier"),
        (("--inference", "multiplier", "--multiplier", "webb"), "--multiplier"),
        ((*PERMUTATION, "--classes", "2"), "--classes"),
        (("--classes", "2", "--size", "size"), "--classes"),
        (("--donors", "2"), "--donors"),
        ((*PERMUTATION, "--donors", "2"), "--donors"),
        ((*PERMUTATION, "--size", "size", "--classes", "2", "--donors", "2"), "--donors"),
        (("--method", "twfe", "--covariates", "value"), "--covariates"),
        ((*PERMUTATION, "--size", "size", "--classes", "9"), "--classes"),
        (("--method", "twfe", "--control", "notyet"), "--method"),
        (("--method", "twfe", "--aggregate", "cohort"), "--method"),
        (("--method", "stacked", "--aggregate", "calendar"), "--method"),
        (("--method", "stacked", "--covariates", "size"), "--method"),
        (("--method", "stacked", "--window", "3"), "--window"),
        (("--method", "stacked", "--window", "0,1"), "--window"),
        (("--method", "stacked", "--window", "9,1"), "--window"),
        (("--method", "sunab", "--control", "notyet"), "--method"),
        (("--method", "sunab", "--est-method", "reg"), "--method"),
        (("--method", "sunab", "--window", "1,1"), "--method"),
        (("--method", "sdid", "--weights", "size"), "--method"),
        (("--method", "sdid", "--unbalanced", "keep"), "--method"),
        (("--method", "sdid", "--anticipation", "1"), "--method"),
        (("--method", "cs", "--variance", "jackknife"), "--method"),
        (("--method", "twfe", "--inference", "multiplier"), "--inference"),
        ((*PERMUTATION, "--covariates", "size"), "--covariates"),
        ((*PERMUTATION, "--weights", "size"), "--weights"),
        ((*PERMUTATION, "--unbalanced", "keep"), "--unbalanced"),
        (("--covariates", "size,"), "--covariates"),
        (("--covariates", "size,size"), "--covariates"),
        (("--anticipation", "3"), "--anticipation"),
        (("--triple", "unit", "--weights", "size"), "--weights"),
    ],
)
def test_options_that_do_not_go_together(cli, refused, write, options, field):
    file = write(GOOD)
    refused(cli, "estimate", "--data", file, *ROLES, *options, where=f"field {field}")


def test_more_draws_than_memory_holds(cli, write):
    for option in ("--inference", "multiplier"), ("--method", "sdid"):
        answer = cli("estimate", "--data", write(GOOD), *ROLES, *option, "--draws", 10**9)
        assert answer.code == 2
        assert "1000000" in answer.err


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        (edit(",10\n", ",x\n"), 2, "'x' is not a number"),
        (edit(",10\n", ",0\n"), 2, "'0' must be above zero"),
        (edit(",10\n", ",-3\n"), 2, "'-3' must be above zero"),
        (edit(",10\n", ",\n"), 2, "is empty"),
        (edit(",10\n", ",99\n"), 3, "unit a has 10 here and 99 in row 2"),
    ],
)
def test_sizes_that_are_none(cli, refused, write, content, row, says):
    file = write(content)
    options = (*PERMUTATION, "--size", "size", "--donors", 1)
    where = place(file, row, "size")
    refused(cli, "estimate", "--data", file, *ROLES, *options, where=where, says=says)


def test_more_donors_than_there_are(cli, write):
    """The message names a number that works, and it does."""
    call = ("estimate", "--data", write(GOOD), *ROLES, *PERMUTATION, "--size", "size")
    answer = cli(*call)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "there are 3; take --donors 1 or fewer, or leave out --size" in answer.err
    assert cli(*call, "--donors", 1).code == 0
    few = only(lambda c: c[0] in "abc")
    answer = cli("estimate", "--data", write(few), *ROLES, *PERMUTATION, "--size", "size")
    assert "there are 1; leave out --size" in answer.err


@pytest.mark.parametrize(
    ("option", "content", "row", "says"),
    [
        ("--weights", edit(",10\n", ",0\n"), 2, "'0' must be above zero"),
        ("--weights", edit(",10\n", ",-1\n"), 2, "'-1' must be above zero"),
        ("--weights", edit(",10\n", ",inf\n"), 2, "'inf' is not finite"),
        ("--weights", edit("size", "n"), 1, "there is no such column"),
        ("--cluster", edit("size", "n"), 1, "there is no such column"),
        ("--cluster", edit(",10\n", ",\n"), 2, "is empty; a cluster is needed"),
        ("--cluster", edit(",10\n", ",7\n"), 3, "unit a has 10 here and 7 in row 2"),
        ("--cluster", column(4, 1), None, "all units lie in one cluster"),
        ("--covariates", edit(",10\n", ",x\n"), 2, "'x' is not a number"),
        ("--covariates", edit(",10\n", ",inf\n"), 2, "'inf' is not finite"),
        ("--covariates", edit("size", "n"), 1, "there is no such column"),
    ],
)
def test_columns_beside_the_roles_that_are_at_fault(
    cli, refused, write, option, content, row, says
):
    file = write(content)
    where = place(file, row, "size")
    refused(cli, "estimate", "--data", file, *ROLES, option, "size", where=where, says=says)


@pytest.mark.parametrize("est", ["dr", "ipw", "reg"])
def test_a_covariate_that_is_the_treatment(cli, refused, write, est):
    """Nobody is treated in the first year, so there it has one value in all units."""
    head, *rows = GOOD.splitlines()
    treated = [int(c[3] not in ("", "0") and c[1] >= c[3]) for c in (r.split(",") for r in rows)]
    lines = [f"{r},{d}" for r, d in zip(rows, treated, strict=True)]
    file = write("\n".join([f"{head},active", *lines]) + "\n")
    call = ("estimate", "--data", file, *ROLES, "--covariates", "active", "--est-method", est)
    says = "cohort 2002, year 2001: the covariate active has the same value in all units in 2000"
    refused(cli, *call, where="field --covariates", says=says)


def test_clusters_of_one_unit_each_are_none(cli, write):
    """Naming the unit as the cluster is what every method does without it."""
    call = ("estimate", "--data", write(GOOD), *ROLES, "--json")
    assert cli(*call, "--cluster", "unit").out == cli(*call).out


def test_a_gap_in_the_outcome_may_be_a_gap_in_the_covariate(cli, write):
    file = write(GOOD + "f,2000,NA,,\n")
    call = ("estimate", "--data", file, *ROLES, "--weights", "size", "--json")
    assert cli(*call).code == 0


@pytest.mark.parametrize("year", [1999, 2000])
@pytest.mark.parametrize("method", ["cs", "sunab", "imputation", "twostage", "etwfe", "twfe"])
def test_always_treated_units_are_left_out_counted_and_told(cli, write, method, year):
    """The numbers are those of the file without them."""
    call = (*ROLES, "--json", "--method", method)
    file = write(GOOD.replace(",2003,11", f",{year},11"))
    found = json.loads(cli("estimate", "--data", file, *call).out)
    assert (found["n_units"], found["n_treated_units"]) == (4, 1)
    assert any(
        "1 always-treated unit was left out" in n and n.endswith(": b") for n in found["notes"]
    )
    check = next(c for c in found["checks"] if c["name"] == "always_treated")
    assert check["passed"] is False
    assert "1 always-treated unit, treated from the first year on" in check["text"]
    without = json.loads(cli("estimate", "--data", write(only(lambda c: c[0] != "b")), *call).out)
    assert found["estimate"] == without["estimate"]
    assert found["std_error"] == without["std_error"]
    listed = json.loads(cli("data", "check", write(GOOD.replace(",2003,11", f",{year},11")),
                            *ROLES, "--json").out)  # fmt: skip
    assert listed["always_treated"] == ["b"]


def test_the_terminal_names_left_out_units_for_every_inference(cli, write):
    file = write(GOOD + "f,2000,1,,9\n")
    for more in ([], ["--method", "twfe"], PERMUTATION, ["--inference", "multiplier"]):
        out = cli("estimate", "--data", file, *ROLES, *more).out
        assert "note: 1 unit without a value in every year was left out: f" in out


def test_permutation_shows_permutation_throughout(cli, write):
    """Nothing analytic stands beneath a permutation headline."""
    call = ("estimate", "--data", write(GOOD), *ROLES, *PERMUTATION)
    out = cli(*call).out
    assert "analytic" not in out
    found = json.loads(cli(*call, "--json").out)
    assert all(r["std_error"] is None for r in found["event_study"])
    analytic = json.loads(cli("estimate", "--data", write(GOOD), *ROLES, "--json").out)
    by_time = {r["time"]: r for r in analytic["event_study"]}
    for row in found["event_study"]:
        assert row["estimate"] == pytest.approx(by_time[row["time"]]["estimate"])
        assert row["n_treated"] == by_time[row["time"]]["n_treated"]
    assert len(found["event_study"]) == len(by_time)


def test_two_units_are_few_but_no_fault(cli, write):
    file = write(only(lambda c: c[0] in "ac"))
    answer = cli("estimate", "--data", file, *ROLES, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["n_units"] == 2


def test_left_out_units_are_named(cli, write):
    file = write(GOOD + "f,2000,1,,9\ng,2000,NA,,9\n")
    found = json.loads(cli("estimate", "--data", file, *ROLES, "--json").out)
    assert any("2 units" in n and "f, g" in n for n in found["notes"])
    balanced = next(c for c in found["checks"] if c["name"] == "balanced")
    assert balanced["passed"] is False
    checked = json.loads(cli("data", "check", file, *ROLES, "--json").out)
    assert checked["units_left_out"] == ["f", "g"]
    assert checked["missing_values"] == 1
    assert (checked["rows"], checked["units"], checked["treated"]) == (27, 7, 2)
    assert checked["cohorts"] == [2002, 2003]


def test_too_few_assignments_are_told_and_json_stays_json(cli, write):
    file = write(only(lambda c: c[0] in "acd"))
    found = json.loads(cli("estimate", "--data", file, *ROLES, *PERMUTATION, "--json").out)
    assert found["conf_int"] == [None, None]
    assert found["p_value"] in (1 / 3, 2 / 3, 1.0)
    assert any("only 3 assignments" in n for n in found["notes"])


# where the report goes


@pytest.mark.parametrize("formats", ["odt", "", ",", "html,odt"])
def test_formats_that_are_none(cli, refused, tmp_path, formats):
    call = ("run", "settlement", "--format", formats, "--out", tmp_path / "out")
    refused(cli, *call, where="field --format", says="is none of html, pdf, docx")


def test_a_folder_with_other_files_is_refused_and_untouched(cli, refused, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    out = tmp_path / "thesis"
    refused(cli, "run", "settlement", "--out", out, where=out, says="holds other files")
    assert [p.name for p in out.iterdir()] == ["chapter.txt"]
    assert (out / "chapter.txt").read_text() == "years of work"


def test_a_file_or_a_link_in_the_reports_place_is_refused(cli, refused, tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("x")
    link.symlink_to(tmp_path)
    for out in (file, link):
        refused(cli, "run", "settlement", "--out", out, where=out, says="is not a folder")
    assert file.read_text() == "x"


def test_verify_of_what_is_no_report(cli, refused, tmp_path):
    for folder in (tmp_path, tmp_path / "gone"):
        where = folder / "results.json"
        refused(cli, "verify", folder, where=where, says="there is no such file")


# an outcome of one's own


@pytest.mark.parametrize(
    ("change", "row", "field", "says"),
    [
        (lambda t: t.replace("\n0115,", "\n9999,", 1), 4, "code", "'9999' is not the code"),
        (lambda t: t.replace("\n0115,", "\n115,", 1), 4, "code", "'115' is not the code"),
        (lambda t: re.sub(r"(?m)^[^,]*,", "", t), None, "code", "no column"),
        (lambda t: re.sub(r"(?m),[^,]*$", "", t), 1, "value", "no column holds numbers"),
        (lambda t: t.replace("\n0115,2010,", "\n0115,2010,x", 1), 4, "value", "is not a number"),
        (lambda t: t + "0114,2010,5\n", 582, "code", "0114, 2010 stands twice"),
        (lambda t: "", None, None, "is empty"),
    ],
)
def test_own_outcomes_that_cannot_be_read(
    cli, refused, write, tmp_path, plan_text, change, row, field, says
):
    codes = enumerate(municipalities().index)
    rows = [f"{code},{year},{i % 7 + year % 3}\n" for i, code in codes for year in (2010, 2025)]
    file = write(change("code,year,value\n" + "".join(rows)))
    own = "{id: x, file: own.csv, label: {sv: a, en: a}, unit: {sv: b, en: b}, source: c}"
    plan = tmp_path / "plan.yaml"
    plan.write_text(plan_text.replace("[foreign_background, low", f"[{own}, low"), encoding="utf-8")
    where = place(file, row, field)
    refused(cli, "run", plan, "--out", tmp_path / "out", where=where, says=says)


# as a user calls it


def test_estimate_in_a_process_of_its_own(shell, refused, write):
    content, row, field, says = BAD_FILES["row twice"]
    file = write(content)
    where = place(file, row, field)
    refused(shell, "estimate", "--data", file, *ROLES, where=where, says=says)


def test_run_in_a_process_of_its_own(shell, refused, tmp_path, plan_text):
    file = tmp_path / "plan.yaml"
    file.write_text(plan_text.replace("seed: 20171205", "seed: Åre"), encoding="utf-8")
    row = plan_text[: plan_text.index("seed:")].count("\n") + 1
    where = f"{file}, row {row}, field estimation.seed"
    # a terminal that only knows ASCII gets the text all the same
    answer = refused(
        lambda *a: shell(*a, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
        "run", file, "--out", tmp_path / "out", where=where,
    )  # fmt: skip
    assert "'Åre'" in answer.err


def test_success_in_a_process_of_its_own(shell, write):
    answer = shell("estimate", "--data", write(GOOD), *ROLES, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["n_units"] == 5


def test_data_check_without_a_file_checks_what_ships(cli):
    answer = cli("data", "check", "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["municipalities"] == 290
    listed = json.loads(cli("data", "list", "--json").out)
    # the registry is checked too; `data indicators` lists it
    assert {d["name"] for d in listed} | {"indicators"} == set(json.loads(answer.out))
