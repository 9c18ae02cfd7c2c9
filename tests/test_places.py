"""Municipality codes, their history, and what a wrong one is taken for."""

import numpy as np
import pytest

from evaluation.data.embedded import municipalities
from evaluation.data.places import (
    CHANGES,
    NATION,
    canonical,
    codes,
    county,
    county_code,
    explain,
    name,
)
from evaluation.errors import InputError


def test_290_codes_and_the_nation():
    assert codes() == set(municipalities().index)
    assert len(codes()) == 290
    assert NATION not in codes()
    assert all(canonical(c) == c for c in [*codes(), NATION])


@pytest.mark.parametrize(
    ("code", "year", "today"),
    [
        ("1917", 2006, "0331"),
        ("1917", 1990, "0331"),
        ("1917", None, "0331"),
        ("0331", 2007, "0331"),
        ("0331", 2001, "0331"),
        ("0330", 2003, "0330"),
        ("0330", None, "0330"),
        ("0380", 2001, "0380"),
        ("0140", 1999, "0140"),
        ("0000", 1980, "0000"),
    ],
)
def test_the_code_of_today(code, year, today):
    assert canonical(code, year) == today


@pytest.mark.parametrize(
    ("code", "year", "says"),
    [
        ("0330", 2002, "'0330' in 2002: Knivsta left Uppsala in 2003. .* counted in 0380"),
        ("0140", 1998, "Nykvarn left Södertälje in 1999. .* counted in 0181"),
        ("1917", 2007, "'1917' in 2007: Heby moved .* in 2007 and got the code 0331"),
        ("1917", 2020, "got the code 0331"),
        ("9999", 2020, "not the code of one of the 290"),
    ],
)
def test_a_code_that_was_none_in_the_year(code, year, says):
    with pytest.raises(InputError, match=says) as caught:
        canonical(code, year)
    assert caught.value.field == "code"


def test_a_change_names_municipalities_of_today():
    for c in CHANGES:
        assert c.code in codes()
        assert (c.before in codes()) == (c.kind == "split")


def test_counties():
    assert county("2321") == "Jämtlands län"
    assert county("1917") == county("0331") == county("0380") == "Uppsala län"
    assert county_code("0114") == "01"
    assert {county_code(c) for c in codes()} == {c[:2] for c in codes()}
    assert len({county(c) for c in codes()}) == 21
    with pytest.raises(InputError, match="no county"):
        county(NATION)
    assert (name("2321"), name("0000"), name("1917")) == ("Åre", "Riket", "Heby")


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        (114, "114 is a number and has lost its leading zero; write '0114' (Upplands Väsby)"),
        (np.int64(114), "114 is a number and has lost its leading zero; write '0114'"),
        (2321, "2321 is a number, not text; write '2321' (Åre)"),
        (2321.0, "2321.0 is a number, not text; write '2321' (Åre)"),
        ("114", "'114' has lost its leading zero; write '0114' (Upplands Väsby)"),
        ("114.0", "'114.0' has lost its leading zero; write '0114'"),
        ("2321.0", "'2321.0' must be four digits and no more; write '2321'"),
        (" 0114", "' 0114' must be four digits and no more; write '0114'"),
        ("01", "'01' is the code of Stockholms län; municipalities have four digits"),
        (1, "1 is the code of Stockholms län"),
        ("25", "'25' is the code of Norrbottens län"),
        ("0001", "'0001' is the code of a region (Stockholms län), not of a municipality"),
        ("0025", "region (Norrbottens län)"),
        ("G35894", "'G35894' is the code of a group of municipalities"),
        ("Åre", "'Åre' is a name; the code is '2321'"),
        ("åre kommun", "the code is '2321'"),
        ("Stockholms kommun", "the code is '0180'"),
        ("riket", "the code is '0000'"),
        ("9999", "'9999' is not the code of one of the 290"),
        ("", "'' is not the code"),
        ("V11E80000", "is not the code"),
        (None, "None is not the code"),
        (float("nan"), "nan is not the code"),
        ("²³²¹", "is not the code"),
    ],
)
def test_what_a_wrong_code_is_taken_for(thing, says):
    assert says in explain(thing)
