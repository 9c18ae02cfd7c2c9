"""The schema of observations: every rule, what it lets through, what it says."""

import numpy as np
import pandas as pd
import pytest

from evaluation.data.observations import COLUMNS
from evaluation.data.schema import PERTURBATION, report, validate
from evaluation.errors import InputError


def table(*changes, **columns):
    """Return good rows for Åre, one per change, with the change made."""
    base = {
        "indicator": "N00973",
        "code": "2321",
        "year": 2015,
        "sex": "T",
        "value": 40.0,
        "state": "observed",
    }
    rows = [base | {"year": 2015 + k} | change for k, change in enumerate(changes or ({},))]
    return pd.DataFrame(rows).assign(**columns)[list(COLUMNS)]


def rules(frame, **options):
    return [tuple(r) for r in report(frame, **options)[["row", "field", "rule"]].values.tolist()]


def test_good_rows_come_back_in_the_tidy_form():
    frame = table(
        {"year": 2017},
        {"year": 2016, "value": np.nan, "state": "suppressed"},
        {"year": 2015, "value": np.nan, "state": "missing"},
        {"code": "0000", "value": 0.0},
    )
    out = validate(frame)
    assert list(out.columns) == list(COLUMNS)
    assert out["year"].tolist() == [2018, 2015, 2016, 2017]
    assert out["state"].tolist() == ["observed", "missing", "suppressed", "observed"]
    assert out["value"].tolist()[0] == 0.0
    assert report(frame).empty


def test_an_empty_table_is_no_fault():
    assert validate(table().head(0)).empty
    assert report(table().head(0)).empty


@pytest.mark.parametrize("column", COLUMNS)
def test_a_lacking_column(column):
    with pytest.raises(InputError, match=rf"a\.csv: the column {column} is lacking"):
        validate(table().drop(columns=column), file="a.csv")


@pytest.mark.parametrize(
    ("change", "field", "rule", "says"),
    [
        ({"code": "114"}, "code", "code", "lost its leading zero; write '0114'"),
        ({"code": "01"}, "code", "code", "the code of Stockholms län"),
        ({"code": "0001"}, "code", "code", "the code of a region"),
        ({"code": "G123"}, "code", "code", "a group of municipalities"),
        ({"code": "9999"}, "code", "code", "not the code of one of the 290"),
        ({"code": ""}, "code", "code", "not the code of one of the 290"),
        ({"code": "0330", "year": 2002}, "code", "code in its year", "Knivsta left Uppsala"),
        ({"code": "1917", "year": 2007}, "code", "code in its year", "got the code 0331"),
        ({"code": "G1", "value": np.nan, "state": "suppressed"}, "code", "code", "a group"),
        ({"year": 1967}, "year", "year", "1967 is no year .* right is 1968–2100"),
        ({"year": 20155}, "year", "year", "20155 is no year"),
        ({"sex": "F"}, "sex", "sex", "'F' is no letter for sex; right are T .* K .women"),
        ({"sex": "k"}, "sex", "sex", "'k' is no letter"),
        ({"state": "secret"}, "state", "state", "'secret' is no state; right are observed"),
        ({"state": "suppressed"}, "value", "value of its state", "is 40 and the state suppressed"),
        ({"state": "missing", "value": 0.0}, "value", "value of its state", "0 and the state mis"),
        ({"value": np.nan}, "value", "value of its state", "nan and the state observed"),
        ({"value": np.inf, "indicator": "own"}, "value", "value of its state", "inf and the"),
        ({"value": 100.01}, "value", "range", "2016 T: 100.01 is impossible; .* from 0 to 100"),
        ({"value": -0.01}, "value", "range", "-0.01 is impossible"),
        ({"indicator": "N00964", "value": -1.0}, "value", "range", "-1 is impossible; .*least 0"),
        ({"indicator": "N00964", "value": 3.5}, "value", "whole number", "3.5 must be a whole"),
        ({"indicator": "U40829", "value": 0.5}, "value", "whole number", "0.5 must be a whole"),
        ({"indicator": "U40829", "value": 1.0, "year": 2024}, "year", "ended", "ended in 2023"),
    ],
)
def test_each_rule(change, field, rule, says):
    frame = table({}, change)
    assert rules(frame) == [(3, field, rule)]
    with pytest.raises(InputError, match=says) as caught:
        validate(frame, file="a.csv")
    e = caught.value
    assert (e.file, e.row, e.field) == ("a.csv", 3, field)


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.0},
        {"value": 100.0},
        {"code": "0330", "year": 2003},
        {"code": "0330", "year": 2002, "value": np.nan, "state": "missing"},
        {"code": "1917", "year": 2006},
        {"code": "0331", "year": 2006},
        {"indicator": "N40010", "value": -120.5},
        {"indicator": "own_outcome", "value": -7.5},
        {"indicator": "retention_3_years", "value": 106.0},
        {"indicator": "U40829", "value": 1.0, "year": 2023},
        {"indicator": "U40829", "value": np.nan, "state": "missing", "year": 2024},
    ],
)
def test_what_is_right_passes(change):
    assert rules(table({}, change)) == []
    assert len(validate(table({}, change))) == 2


def test_an_old_code_becomes_todays_and_then_stands_twice():
    assert validate(table({"code": "1917", "year": 2005}))["code"].tolist() == ["0331"]
    both = table({"code": "1917", "year": 2005}, {"code": "0331", "year": 2005})
    assert rules(both) == [(3, "code", "once")]


def test_a_key_that_stands_twice_is_told_at_the_second():
    frame = table({}, {}, {"year": 2015, "value": 41.0}, {"year": 2015, "sex": "K"})
    assert rules(frame) == [(4, "code", "once")]
    with pytest.raises(InputError, match="N00973 2321 2015 T stands twice"):
        validate(frame)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("code", 114, "114 is a number and has lost its leading zero; write '0114'"),
        ("code", 2321, "2321 is a number, not text"),
        ("code", None, "is empty; text is needed"),
        ("indicator", None, "is empty; text is needed"),
        ("sex", 1, "1 is of the wrong type; text is needed"),
        ("state", True, "True is of the wrong type"),
        ("year", "2015", "'2015' is of the wrong type; a whole year is needed"),
        ("year", 2015.5, "2015.5 is of the wrong type; a whole year is needed"),
        ("year", None, "is empty; a whole year is needed"),
        ("year", True, "a whole year is needed"),
        ("value", "40,5", "'40,5' is of the wrong type; a number is needed"),
        ("value", "40.5", "'40.5' is of the wrong type; a number is needed"),
        ("value", False, "a number is needed"),
    ],
)
@pytest.mark.parametrize("mixed", [False, True])
def test_a_cell_of_the_wrong_type(column, value, says, mixed):
    frame = table({}, {})
    good = frame[column].iloc[0]
    cells = [good, value] if mixed else [value, value]
    frame[column] = pd.Series(cells, dtype=object if mixed else None)
    with pytest.raises(InputError, match=says) as caught:
        validate(frame)
    assert (caught.value.row, caught.value.field) == (3 if mixed else 2, column)
    assert len(report(frame)) == 2 - mixed


def test_types_that_other_readers_give_are_taken():
    frame = table({}, {})
    for text in ("object", "str", "category", "string[python]"):
        named = frame.astype(dict.fromkeys(("indicator", "code", "sex", "state"), text))
        assert len(validate(named)) == 2
    assert len(validate(frame.astype({"year": "float64", "value": "Float64"}))) == 2
    assert len(validate(frame.astype({"year": "Int64", "value": object}))) == 2


def cell(indicator, year, total, women, men):
    values = {"T": total, "K": women, "M": men}
    change = {"indicator": indicator, "year": year}
    return table(*[change | {"sex": s, "value": v} for s, v in values.items()])


@pytest.mark.parametrize(
    ("indicator", "year", "total", "women", "men", "fails"),
    [
        ("N00964", 2019, 100.0, 40.0, 60.0, False),
        ("N00964", 2019, 101.0, 40.0, 60.0, False),  # rounding
        ("N00964", 2019, 102.0, 40.0, 60.0, True),
        ("N00964", 2025, 102.0, 40.0, 60.0, True),  # not a perturbed series
        ("N01951", 2024, 10_002.0, 4_000.0, 6_000.0, True),
        ("N01951", 2025, 10_016.0, 4_000.0, 6_000.0, False),  # 15 by protection, 1.5 by rounding
        ("N01951", 2025, 10_017.0, 4_000.0, 6_000.0, True),
        ("N00973", 2019, 35.0, 30.0, 40.0, False),
        ("N00973", 2019, 30.0, 30.0, 40.0, False),
        ("N00973", 2019, 40.01, 30.0, 40.0, False),
        ("N00973", 2019, 40.02, 30.0, 40.0, True),
        ("N00973", 2019, 29.98, 30.0, 40.0, True),
        ("N02926", 2025, 13.0, 11.0, 12.0, False),
        ("N02926", 2024, 13.0, 11.0, 12.0, True),
        ("own_outcome", 2019, 500.0, 1.0, 1.0, False),  # nothing is known of it
    ],
)
def test_women_and_men_against_the_total(indicator, year, total, women, men, fails):
    frame = cell(indicator, year, total, women, men)
    expected = [(2, "value", "women and men against total")] if fails else []
    assert rules(frame) == expected
    shuffled = frame.iloc[[2, 0, 1]]
    assert [r[1:] for r in rules(shuffled)] == [e[1:] for e in expected]


def test_scbs_own_tables_are_protected_from_2025_whatever_the_indicator():
    frame = cell("N00964", 2025, 100.0 + 3 * PERTURBATION, 40.0, 60.0)
    assert rules(frame, origin="SCB") == []
    assert len(validate(frame, origin="SCB")) == 3
    with pytest.raises(InputError, match=r"total is 115, but women 40 and men 60 make 100 .*1\.5"):
        validate(frame)
    before = cell("N00964", 2024, 115.0, 40.0, 60.0)
    assert len(rules(before, origin="SCB")) == 1


def test_a_part_that_is_withheld_is_no_disagreement():
    frame = cell("N00964", 2019, 100.0, 3.0, 40.0)
    frame.loc[1, ["value", "state"]] = [np.nan, "suppressed"]
    assert rules(frame) == []
    assert rules(frame.drop(index=1)) == []


def test_everything_wrong_is_reported_at_once_and_the_first_is_named():
    frame = table({"value": 104.0}, {"code": "114"}, {"sex": "F"}, {}, {"value": -3.0})
    assert rules(frame) == [
        (2, "value", "range"),
        (3, "code", "code"),
        (4, "sex", "sex"),
        (6, "value", "range"),
    ]
    found = report(frame)
    assert found["value"].tolist() == [104.0, "114", "F", -3.0]
    with pytest.raises(InputError, match=r"104 is impossible.*\(and 3 more faults\)") as caught:
        validate(frame, file="b.xlsx")
    assert str(caught.value).startswith("b.xlsx, row 2, field value: N00973 2321 2015 T: 104")


def test_rows_are_those_of_the_file_where_the_index_says_so():
    frame = table({}, {"value": 104.0})
    frame.index = pd.Index([7, 12], name="row")
    assert rules(frame) == [(12, "value", "range")]
    frame.index = pd.Index([5, 5])
    assert rules(frame) == [(3, "value", "range")]


def test_every_row_wrong_is_told_in_full():
    n = 3000
    frame = pd.concat([table({"value": 101.0 + k}) for k in range(3)] * (n // 3))
    frame["year"] = 2000 + np.arange(n) % 25
    frame["indicator"] = ["N00973" if k < 75 else "N00971" for k in range(n)]
    found = report(frame)
    assert (found["rule"] == "range").sum() == n
    assert (found["rule"] == "once").sum() == n - 50
    assert found["row"].is_monotonic_increasing
