"""Numbers and lists as they are written in Swedish and in English."""

import math

import pytest

from evaluation.language import interval, listed, number, p_value, per_cent

NARROW, HARD = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "decimals", "sv", "en"),
    [
        (1234567.891, 2, f"1{NARROW}234{NARROW}567,89", "1,234,567.89"),
        (-0.5, 2, "−0,50", "−0.50"),
        (7, 0, "7", "7"),
        (-0.004, 2, "0,00", "0.00"),  # no minus before nothing
        (0.0, 1, "0,0", "0.0"),
        (math.inf, 2, "∞", "∞"),
        (-math.inf, 2, "−∞", "−∞"),
    ],
)
def test_numbers(value, decimals, sv, en):
    assert number(value, "sv", decimals) == sv
    assert number(value, "en", decimals) == en


@pytest.mark.parametrize(("value", "sv"), [(0.25, "+0,25"), (-0.25, "−0,25"), (0.001, "0,00")])
def test_signs(value, sv):
    assert number(value, "sv", sign=True) == sv


@pytest.mark.parametrize(
    ("p", "en"), [(0.25, "= 0.250"), (0.001, "= 0.001"), (0.00099, "< 0.001"), (1.0, "= 1.000")]
)
def test_p_values_stay_on_one_line(p, en):
    assert p_value(p, "en") == f"p {en}".replace(" ", HARD)
    assert p_value(p, "sv") == f"p {en}".replace(" ", HARD).replace(".", ",")


def test_shares_intervals_and_lists():
    assert per_cent(0.157, "sv", 1) == f"15,7{HARD}%"
    assert per_cent(0.05, "en") == f"5{HARD}%"
    assert interval(-1, math.inf, "sv") == "−1,00 till ∞"
    assert interval(-1, 2.5, "en", 1) == "−1.0 to 2.5"
    assert listed([], "sv") == ""
    assert listed(["Åre"], "sv") == "Åre"
    assert listed(["Åre", "Skurup"], "en") == "Åre and Skurup"
    assert listed(["a", "b", "c"], "sv") == "a, b och c"
