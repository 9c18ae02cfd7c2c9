"""Observations that several tests of the snapshot store share."""

import pandas as pd

ABOUT = {
    "source": "Kolada",
    "request": {"kpi": ["N00973"], "years": (2015, 2016)},
    "licence_sv": "fri med källa",
    "licence_en": "free with source",
    "citation_sv": "Källa: Kolada",
    "citation_en": "Source: Kolada",
}
ROWS = [
    ("N00973", "0114", 2015, "T", 0.0, "observed"),
    ("N00973", "0114", 2015, "K", None, "suppressed"),
    ("N00973", "0114", 2016, "T", None, "missing"),
    ("N00973", "2321", 2015, "T", 85.25, "observed"),
    ("U31001", "2321", 2015, "T", -1.5, "observed"),
]
NAMES = ["indicator", "code", "year", "sex", "value", "state"]


def table(rows=ROWS):
    """Return rows as observations."""
    return pd.DataFrame(rows, columns=NAMES)


def changed(place, *, value=None, state="observed"):
    """Return the rows with another value and state in one of them."""
    rows = [list(row) for row in ROWS]
    rows[place][4:] = [value, state]
    return table(rows)


def made(rows):
    """Return many rows, each with a value of its own that does not compress."""
    values = (pd.Series(range(rows)) * 0.618033988749895) % 1
    return pd.DataFrame(
        {
            "indicator": "N00973",
            "code": [f"{1000 + i % 290}" for i in range(rows)],
            "year": [1990 + i // 290 for i in range(rows)],
            "sex": "T",
            "value": values,
            "state": "observed",
        }
    )
