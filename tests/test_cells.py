"""Numbers, marks and periods as they are printed: what is written is what is read."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.data.reading.cells import (
    DEFAULT_MARKS,
    Period,
    find_decimal,
    read_number,
    read_period,
    read_value,
)
from evaluation.errors import InputError

SPACES = ["", " ", "\u00a0", "\u202f", "\u2009"]


def printed(value, decimals, decimal, thousands):
    """Write a number as a table does."""
    text = f"{abs(value):,.{decimals}f}".replace(",", "#").replace(".", decimal)
    return ("−" if value < 0 else "") + text.replace("#", thousands)


numbers = st.lists(
    st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 4)), min_size=1, max_size=8
)


@given(numbers=numbers, decimal=st.sampled_from([",", "."]), data=st.data())
def test_what_is_printed_in_one_notation_is_read_back(numbers, decimal, data):
    other = "." if decimal == "," else ","
    thousands = data.draw(st.sampled_from([*SPACES, other]))
    values = [(n / 10**k, k) for n, k in numbers]
    texts = [printed(v, k, decimal, thousands) for v, k in values]
    # open to both readings: one to three digits, one mark, three digits, in every marked number
    marked = [t.lstrip("−") for t in texts if "," in t or "." in t]
    unsure = marked and all(re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", t) for t in marked)
    if unsure and len({t[-4] for t in marked}) == 1:
        assume(any(re.fullmatch(r"\d{4,}|\d{1,3}(\s\d{3})+", t.lstrip("−")) for t in texts))
        # then thousands are written otherwise, which the drawn notation must bear out
        assume(thousands != other)
    found = find_decimal(texts, file="a.csv")
    for (value, k), text in zip(values, texts, strict=True):
        read = read_number(text, found or decimal)
        assert read == float(f"{value:.{k}f}"), (text, found)


@given(numbers=numbers)
def test_a_mark_found_is_never_the_wrong_one(numbers):
    """With a point for thousands and a comma for decimals the comma is found, or nothing."""
    texts = [printed(n / 10**k, k, ",", ".") for n, k in numbers]
    try:
        assert find_decimal(texts, file="a.csv") in (",", None)
    except InputError:
        assert all(t.count(",") + t.count(".") < 2 for t in texts)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e99, max_value=1e99))
def test_a_number_cell_and_its_shortest_text_are_the_same(value):
    assert read_number(value) == value
    assert read_number(repr(value), ".") == value


@pytest.mark.parametrize(
    "text",
    ["12 34", "1,2,3", "1.2.3", "1 234.567.8", "ca 5", "5 st", "1_000", "inf", "nan5", "0x10", "٣٤",
     "--5", "5-", "1e400", ".", "1 2345", "1234 567", "½"],
)  # fmt: skip
def test_what_is_no_number_is_none(text):
    assert read_number(text, ",") is None
    assert read_number(text, ".") is None


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e101, True])
def test_a_cell_that_is_not_finite_is_no_number(value):
    assert read_number(value) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1,5", "2"], ","),
        (["1.5", "2"], "."),
        (["1.234.567"], ","),
        (["1,234,567"], "."),
        (["0,123"], ","),
        (["1234,567"], ","),
        (["1.234", "5678"], "."),
        (["1,234", "5 678"], ","),
        (["12", "1 234"], None),
        (["45,4 %", "3"], ","),
        (["1.5e3", "2"], "."),
        (["ca 1.5", "Källa: a, b"], None),
        ([], None),
    ],
)
def test_the_decimal_mark_is_found(texts, expected):
    assert find_decimal(texts, file="a.csv") == expected


def test_two_marks_that_could_each_be_the_decimal_one_are_refused():
    with pytest.raises(InputError, match=r"'1\.234' could mean thousands"):
        find_decimal(["1.234", "5,678", "9999"], file="a.csv")


@pytest.mark.parametrize(
    ("cell", "state", "value"),
    [
        ("..", "suppressed", None),
        ("X", "suppressed", None),
        ("-", "observed", 0),
        ("–", "observed", 0),
        ("\u00a0", "missing", None),
        (None, "missing", None),
        (".", "missing", None),
        ("0", "observed", 0),
        ("12 *", "observed", 12),
        ("1 234 1)", "observed", 1234),
        (".. *", "suppressed", None),
    ],
)
def test_marks_are_three_different_states(cell, state, value):
    found, what = read_value(cell, ",", DEFAULT_MARKS)
    assert what == state
    assert math.isnan(found) if value is None else found == value


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (2015, Period(2015)),
        (2015.0, Period(2015)),
        ("2015.0", Period(2015)),
        ("År 2015", Period(2015)),
        ("201503", Period(2015, 3)),
        ("2015-03", Period(2015, 3)),
        ("okt 2015", Period(2015, 10)),
        ("October 2015", Period(2015, 10)),
        ("2015 dec", Period(2015, 12)),
        ("2015-12-31", Period(2015, 12, 31)),
        ("Maj", Period(0, 5)),
        ("201513", None),
        ("1815", None),
        ("2015/16", None),
        ("2015–2016", None),
        ("21", None),
        (2015.5, None),
    ],
)
def test_periods(cell, expected):
    assert read_period(cell) == expected
