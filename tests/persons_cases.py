"""Ten persons counted by hand, and small files of persons for the tests."""

import pandas as pd

# person, received, from, sex, age, programme end, residence, 90 days, 1 year, moved, move, to,
# assisted from, months, kronor; data until December 2018
_TEN = [
    (
        1,
        "2321",
        "2014-01",
        "K",
        30,
        "2016-01",
        "2321",
        "work",
        "work",
        None,
        None,
        None,
        None,
        0,
        None,
    ),
    (
        2,
        "2321",
        "2014-03",
        "M",
        25,
        "2016-03",
        "2321",
        "neither",
        "work",
        None,
        None,
        None,
        "2016-04",
        12,
        1000,
    ),
    (
        3,
        "2321",
        "2014-03",
        "K",
        41,
        "2016-03",
        "2303",
        "studies",
        "neither",
        "2015-05",
        "within county",
        "2303",
        None,
        0,
        None,
    ),
    (
        4,
        "2321",
        "2014-06",
        "M",
        33,
        "2016-06",
        "2321",
        "neither",
        "neither",
        "2018-06",
        "elsewhere",
        "1480",
        "2016-07",
        20,
        2000,
    ),
    (
        5,
        "2321",
        "2015-02",
        "K",
        10,
        None,
        None,
        None,
        None,
        "2015-02",
        "metropolitan",
        "0180",
        None,
        None,
        None,
    ),
    (
        6,
        "2321",
        "2015-02",
        "M",
        52,
        None,
        None,
        None,
        None,
        "2016-02",
        "abroad",
        None,
        None,
        None,
        None,
    ),
    (
        7,
        "0114",
        "2014-01",
        "K",
        28,
        "2016-01",
        "0114",
        "work",
        "studies",
        "2017-01",
        "metropolitan",
        "0180",
        None,
        0,
        None,
    ),
    (
        8,
        "0114",
        "2016-12",
        "M",
        22,
        "2018-12",
        "0114",
        "neither",
        None,
        None,
        None,
        None,
        None,
        0,
        None,
    ),
    (9, "0114", "2018-12", "K", 70, None, None, None, None, None, None, None, None, None, None),
    (
        10,
        "0114",
        "2014-01",
        "M",
        66,
        None,
        None,
        None,
        None,
        "2014-03",
        "death",
        None,
        None,
        None,
        None,
    ),
]
_COLUMNS = [
    "person", "received_code", "received", "sex", "age", "programme_end", "residence_code",
    "status_90_days", "status_1_year", "moved", "move", "destination_code", "assisted_from",
    "assisted_months", "assisted_kronor",
]  # fmt: skip
_DATES = ("received", "programme_end", "moved", "assisted_from")
UNTIL = "2018-12"


def ten_persons():
    """Return the ten, as a register would have them."""
    frame = pd.DataFrame(_TEN, columns=_COLUMNS)
    for name in _DATES:
        frame[name] = pd.to_datetime(frame[name] + "-01").astype("datetime64[us]")
    frame["assisted_months"] = frame["assisted_months"].astype("Int64")
    frame["assisted_kronor"] = frame["assisted_kronor"].astype(float)
    texts = ["residence_code", "status_90_days", "status_1_year", "move", "destination_code"]
    return frame.astype(dict.fromkeys(texts, "str"))


def write(frame, path):
    """Write persons as the path's ending says."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, date_format="%Y-%m-%d")
    else:
        frame.to_parquet(path, index=False)
    return path


def rows(table, **where):
    """Return the rows with these values as dictionaries."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table.to_dict("records")
