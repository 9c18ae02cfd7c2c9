"""The plan file: what a good one becomes, and how a bad one is refused."""

import pytest
import yaml

from evaluation import InputError, load_plan
from evaluation.plan import OutcomeFile, plan_from_dict

OWN = "{id: own_share, file: own.csv, label: {sv: a, en: a}, unit: {sv: b, en: b}, source: c}"
BECAUSE = """\
      because:
        sv: rapporten från 2018 beskriver arbetet som pågående men daterar det inte
        en: the report of 2018 describes the work as under way but does not date it
"""


def edit(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def line_of(text, snippet):
    """Return the number of the first line that holds the snippet."""
    return text[: text.index(snippet)].count("\n") + 1


def run(file):
    """Return the call that runs a plan and writes beside it."""
    return ("run", file, "--format", "html", "--out", file.parent / "out")


@pytest.fixture
def write(tmp_path):
    def write(content):
        file = tmp_path / "plan.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


# good plans


def test_the_plan_that_ships():
    plan = load_plan("settlement")
    assert plan.name == "settlement"
    assert plan.outcomes == ("foreign_background", "low_economic_standard")
    assert [a.code for a in plan.treatment.adoption] == ["2321", "1233", "1264", "1287"]
    assert plan.comparison.donors_per_treated == 30
    assert (plan.estimation.draws, plan.estimation.seed) == (9999, 20171205)
    assert (plan.case.code, plan.case.outcome) == ("2321", "foreign_background")


def test_by_name_and_by_path_are_the_same(plan_text, write):
    file = write(edit(plan_text, "draws: 99", "draws: 9999"))
    assert load_plan(file).hash() == load_plan("settlement").hash()
    assert load_plan(file).file == str(file)
    assert load_plan(file).folder == file.parent


def test_what_is_left_out_has_a_default():
    content = load_plan("settlement").model_dump(mode="json")
    for key in ("comparison", "case", "context"):
        del content[key]
    content["estimation"] = {"seed": 1}
    del content["treatment"]["evidence"]
    plan = plan_from_dict(content)
    assert plan.case is None
    assert plan.context == ()
    assert plan.treatment.evidence == ("explicit", "strong")
    assert (plan.estimation.estimand, plan.estimation.alpha) == ("cohort", 0.05)
    assert (plan.estimation.draws, plan.comparison.donors_per_treated) == (9999, 30)


def test_comments_and_order_do_not_change_the_hash(plan_text, write):
    turned = dict(reversed(list(yaml.safe_load(plan_text).items())))
    other = write(yaml.safe_dump(turned, sort_keys=False, allow_unicode=True))
    assert "#" not in other.read_text(encoding="utf-8")
    first = load_plan(other).hash()
    assert load_plan(write(plan_text)).hash() == first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 20171205", "seed: 20171206"),
        ("[2011, 2013]", "[2011, 2014]"),
        ("  sv: Kommuner som", "  sv: De som"),
        ("alpha: 0.05", "alpha: 0.1"),
    ],
)
def test_content_changes_the_hash(plan_text, write, old, new):
    before = load_plan(write(plan_text)).hash()
    assert load_plan(write(edit(plan_text, old, new))).hash() != before


def test_a_plan_read_back_from_its_own_dump_is_the_same():
    plan = load_plan("settlement")
    assert plan_from_dict(plan.model_dump(mode="json")).hash() == plan.hash()


def test_an_outcome_of_ones_own(plan_text, write):
    plan = load_plan(write(edit(plan_text, "[foreign_background, low", f"[{OWN}, low")))
    own = plan.outcomes[0]
    assert isinstance(own, OutcomeFile)
    assert (own.id, own.file, own.label.en) == ("own_share", "own.csv", "a")


def test_a_plan_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="frozen"):
        load_plan("settlement").name = "other"


def test_a_byte_order_mark_is_no_fault(plan_text, write):
    assert load_plan(write(b"\xef\xbb\xbf" + plan_text.encode())).name == "settlement"


# bad plans: each refused by «evaluation run» with the line and the key
# (what is replaced, by what, what stands on the line that must be named, key, words)

PICKED_BECAUSE = """    because:
      sv: GötaPriset 2017, vars jury anger en siffra för 2015–2017
      en: the award GötaPriset 2017, whose jury gives a figure for 2015–2017
"""

BAD_KEYS = {
    "unknown key": ("context: [", "kontext: [", "kontext:", "kontext", "unknown key; known here"),
    "unknown inner key": (
        "  uncertain: exclude", "  sure: 1\n  uncertain: exclude", "sure:", "treatment.sure",
        "known here are evidence, uncertain, exposure, adoption",
    ),
    "unknown key in a list": (
        "      neighbours: [2017, 2019]", "      neighbours: [2017, 2019]\n      since: 2017",
        "since:", "treatment.adoption[2].since", "unknown key",
    ),
    "missing name": ("name: settlement\n", "", "title:", "name", "is missing"),
    "missing seed": ("  seed: 20171205\n", "", "estimation:", "estimation.seed", "is missing"),
    "missing model": (
        "      model: skurup_motis\n", "", 'code: "1264"', "treatment.adoption[3].model",
        "is missing",
    ),
    "text for a number": (
        "draws: 99", "draws: many", "draws:", "estimation.draws", "valid integer",
    ),
    "fraction for a whole number": (
        "seed: 20171205", "seed: 1.5", "seed:", "estimation.seed", "(found 1.5)",
    ),
    "number for a code": (
        'code: "1233" ', "code: 1233 ", "code: 1233", "treatment.adoption[2].code", "valid string",
    ),
    "bool for a number": ("seed: 20171205", "seed: true", "seed:", "estimation.seed", "True"),
    "text for a list": (
        "[2017, 2019]", "2018", "neighbours: 2018", "treatment.adoption[2].neighbours", "tuple",
    ),
    "too few draws": ("draws: 99", "draws: 9", "draws:", "estimation.draws", "99"),
    "negative seed": ("seed: 20171205", "seed: -1", "seed:", "estimation.seed", "(found -1)"),
    "level of zero": ("alpha: 0.05", "alpha: 0", "alpha:", "estimation.alpha", "(found 0)"),
    "level that is none": ("alpha: 0.05", "alpha: .nan", "alpha:", "estimation.alpha", "nan"),
    "unknown choice": (
        "uncertain: exclude", "uncertain: drop", "uncertain:", "treatment.uncertain", "'exclude'",
    ),
    "unknown inference": (
        "inference: permutation", "inference: bayes", "inference:", "estimation.inference",
        "'permutation' or 'auto' (found 'bayes')",
    ),
    "picked without a reason": (
        PICKED_BECAUSE, "", "picked:", "case.picked.because", "is missing",
    ),
    "picked in no year": (
        "    year: 2017", "    year: 17", "year: 17", "case.picked.year", "(found 17)",
    ),
    "text for a break year": (
        "[foreign_background, low", f"[{OWN[:-1]}, break_year: law}}, low", "outcomes:",
        "outcomes[1].break_year", "valid integer",
    ),
    "no outcome": (
        "[foreign_background, low_economic_standard]", "[]", "outcomes:", "outcomes", "at least 1",
    ),
    "too many donors for anyone": (
        "donors_per_treated: 30", "donors_per_treated: 300", "donors_per",
        "comparison.donors_per_treated", "(found 300)",
    ),
    "neighbours turned": (
        "[2017, 2019]", "[2019, 2017]", 'code: "1233"', "treatment.adoption[2]",
        "[earliest year, latest year]",
    ),
    "assumption without a reason": (
        BECAUSE, "", 'code: "1264"', "treatment.adoption[3]", "must be given together",
    ),
    "own outcome without a label": (
        "[foreign_background, low", "[{id: x, file: x.csv}, low", "outcomes:",
        "outcomes[1].label", "is missing",
    ),
    "own outcome with an unknown key": (
        "[foreign_background, low", f"[{OWN[:-1]}, colour: red}}, low", "outcomes:",
        "outcomes[1].colour",
        "unknown key; known here are id, file, label, definite_sv, unit, source",
    ),
    "own outcome with a bad id": (
        "[foreign_background, low", f"[{OWN.replace('own_share', 'Own share')}, low", "outcomes:",
        "outcomes[1].id", "Own share",
    ),
}  # fmt: skip

BAD_CONTENT = {
    "unknown outcome": (
        "[foreign_background, low", "[gdp, low", "outcomes:", "outcomes[1]",
        "there is no outcome 'gdp'; known are foreign_background",
    ),
    "outcome twice": (
        "[foreign_background, low_economic_standard]", "[foreign_background, foreign_background]",
        "outcomes:", "outcomes[2]", "stands twice",
    ),
    "not a municipality": (
        'code: "1233" ', 'code: "9999" ', '"9999"', "treatment.adoption[2].code",
        "'9999' is not the code of one of the 290 municipalities",
    ),
    "municipality without evidence": (
        'code: "1233" ', 'code: "0180" ', '"0180"', "treatment.adoption[2].code",
        "no document names Stockholm as active",
    ),
    "municipality with weak evidence": (
        'code: "1233" ', 'code: "1283" ', '"1283"', "treatment.adoption[2].code",
        "no document names Helsingborg as active with explicit or strong evidence",
    ),
    "unknown model": (
        "model: vellinge_upprop", "model: upprop", "model: upprop", "treatment.adoption[2].model",
        "there is no model 'upprop'",
    ),
    "another's model": (
        "model: vellinge_upprop", "model: are_modellen", "model: are_modellen\n      neighbours: "
        "[2017", "treatment.adoption[2].model", "is Åre's, not Vellinge's",
    ),
    "a date and an assumption": (
        "      neighbours: [2017, 2019]", "      assumed_first_year: 2018\n"
        "      because: {sv: a, en: b}\n      neighbours: [2017, 2019]",
        "assumed_first_year: 2018", "treatment.adoption[2].assumed_first_year",
        "remove the assumption",
    ),
    "neither date nor assumption": (
        "      assumed_first_year: 2017\n" + BECAUSE, "", "model: skurup_motis",
        "treatment.adoption[3].model", "the document gives no date",
    ),
    "neighbours without the year": (
        "[2017, 2019]", "[2014, 2016]", "[2014, 2016]", "treatment.adoption[2].neighbours",
        "must include the first treated year 2018",
    ),
    "an active municipality without an entry": (
        "[explicit, strong]", "[explicit, strong, indirect]", "adoption:",
        "treatment.adoption", "is active by the accepted evidence and needs an entry",
    ),
    "assumed year after the data": (
        "assumed_first_year: 2017", "assumed_first_year: 2040", "assumed_first_year: 2040",
        "treatment.adoption[3].assumed_first_year", "lies outside foreign_background, 2010–2025",
    ),
    "assumed year before the data": (
        "assumed_first_year: 2017", "assumed_first_year: 1999", "assumed_first_year: 1999",
        "treatment.adoption[3].assumed_first_year", "lies outside foreign_background, 2010–2025",
    ),
    "no pre-period": (
        "assumed_first_year: 2017", "assumed_first_year: 2010", "assumed_first_year: 2010",
        "treatment.adoption[3].assumed_first_year", "leaves no pre-period",
    ),
    "no pre-period in one outcome": (
        "assumed_first_year: 2017", "assumed_first_year: 2011", "assumed_first_year: 2011",
        "treatment.adoption[3].assumed_first_year", "low_economic_standard begins in 2011",
    ),
    "too many donors": (
        "donors_per_treated: 30", "donors_per_treated: 70", "donors_per",
        "comparison.donors_per_treated", "are 280; foreign_background has 279",
    ),
    "case that is not treated": (
        'case:\n  code: "2321"', 'case:\n  code: "0180"', '"0180"', "case.code",
        "'0180' is not among the treated municipalities",
    ),
    "case without its outcome": (
        "  outcome: foreign_background", "  outcome: gdp", "outcome: gdp", "case.outcome",
        "'gdp' is not among the plan's outcomes",
    ),
    "case with one year before": (
        "  outcome: foreign_background", "  outcome: low_economic_standard",
        "outcome: low_economic_standard", "case.outcome", "needs two years before 2012",
    ),
    "picked before its start": (
        "    year: 2017", "    year: 2011", "year: 2011", "case.picked.year",
        "must lie between Åre's first treated year 2012 and the last year with data 2025",
    ),
    "picked after the data": (
        "    year: 2017", "    year: 2026", "year: 2026", "case.picked.year", "found 2026",
    ),
    "unknown context": (
        "refugee_employment]", "gdp]", "context:", "context[2]", "there is no series 'gdp'",
    ),
}  # fmt: skip

WIDE_NEIGHBOURS = ("neighbours: [2015, 2018]", "neighbours: [1990, 2050]")


@pytest.mark.parametrize("case", BAD_KEYS | BAD_CONTENT)
def test_a_bad_key_is_named_with_its_line(cli, refused, write, plan_text, case):
    old, new, on_line, key, says = (BAD_KEYS | BAD_CONTENT)[case]
    text = edit(plan_text, *WIDE_NEIGHBOURS) if "assumed_first_year" in key else plan_text
    text = edit(text, old, new)
    file = write(text)
    row = line_of(text, on_line)
    where = f"{file}, row {row}, field {key}"
    refused(cli, *run(file), where=where, says=says)


def test_every_active_municipality_needs_an_entry(cli, refused, write, plan_text):
    start, end = plan_text.index('    - code: "1233"'), plan_text.index('    - code: "1264"')
    file = write(plan_text[:start] + plan_text[end:])
    where = f"{file}, row {line_of(plan_text, 'adoption:')}, field treatment.adoption"
    refused(cli, *run(file), where=where, says="Vellinge (1233)")


def test_a_municipality_twice(cli, refused, write, plan_text):
    start, end = plan_text.index('    - code: "2321"'), plan_text.index('    - code: "1233"')
    text = plan_text[:end] + plan_text[start:end] + plan_text[end:]
    file = write(text)
    where = f"{file}, row {line_of(text[end:], '2321') + text[:end].count(chr(10))}"
    where += ", field treatment.adoption[2].code"
    refused(cli, *run(file), where=where, says="2321 stands twice")


def test_nobody_treated(cli, write, plan_text):
    content = yaml.safe_load(plan_text)
    content["treatment"] |= {"evidence": [], "adoption": []}
    del content["case"]
    file = write(yaml.safe_dump(content))
    answer = cli(*run(file))
    assert answer.code == 2
    assert answer.err.startswith(f"evaluation: {file}")
    assert "treatment." in answer.err


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        ("", None, "is empty"),
        ("  \n\n", None, "is empty"),
        ("# a plan\n", None, "holds only comments"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("settlement\n", 1, "must be a mapping"),
        ("name: [a\n", 2, "is not valid YAML"),
        ("name: a\n\ttitle: b\n", 2, "is not valid YAML"),
        ("name: a\n  title: b\n", 2, "is not valid YAML"),
        ("name: \x07\n", None, "is not valid YAML"),
        ("name: settlement\ntitle: b\nname: c\n", 3, "the key 'name' stands twice"),
        ("name: a\ntitle:\n  sv: b\n  sv: c\n", 4, "the key 'sv' stands twice"),
        ("name: a\n---\nname: b\n", 2, "is not valid YAML"),
        ("name: !!python/object/apply:os.getcwd []\n", 1, "is not valid YAML"),
        (b"name: \xe5re\n", None, "is not UTF-8 text (byte 6)"),
        ("name: a\n".encode("utf-16"), None, "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_plan(cli, refused, write, content, row, says):
    file = write(content)
    where = f"{file}, row {row}" if row else str(file)
    refused(cli, *run(file), where=where, says=says)


@pytest.mark.parametrize(
    "content",
    [
        "? [a, b]\n: c\n",  # a list as a key
        "name: &x [*x]\n",  # a list that holds itself
        "name: 2020-13-45\n",  # an impossible date
        "seed: " + "9" * 5000 + "\n",  # a number too long to read
        "1: a\n",  # a number as a key
    ],
    ids=["list as key", "endless", "impossible date", "endless number", "number as key"],
)
def test_yaml_that_is_valid_and_still_no_plan(cli, write, content):
    file = write(content)
    answer = cli(*run(file))
    assert answer.code == 2
    assert answer.err.startswith(f"evaluation: {file}")
    assert answer.err.count("\n") == 1


def test_a_plan_that_is_not_there(cli, refused, tmp_path):
    gone = tmp_path / "plan.yaml"
    refused(cli, "run", gone, where=str(gone), says="there is no such file")
    says = "there is no such plan; those that ship are day_one, day_one_simulated, settlement"
    refused(cli, "run", "no_such_plan", where="no_such_plan", says=says)
    refused(cli, "run", tmp_path, where=str(tmp_path), says="cannot be read: Is a directory")


def test_errors_from_python_carry_file_row_and_key(plan_text, write):
    file = write(edit(plan_text, "draws: 99", "draws: many"))
    with pytest.raises(InputError) as error:
        load_plan(file)
    assert error.value.file == str(file)
    assert error.value.row == line_of(plan_text, "draws:")
    assert error.value.field == "estimation.draws"
    assert str(error.value) == (
        f"{file}, row {error.value.row}, field estimation.draws: {error.value.problem}"
    )
