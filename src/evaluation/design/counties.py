"""Counties as units: where a model runs in a whole county, its municipalities are no trials apart.

One decision treats them all, and what else happens in the county reaches them all, so that a
county is one treated unit, compared with other counties.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pandas as pd

from evaluation.data import embedded
from evaluation.data.panel import Panel

__all__ = ["counties", "county_of", "county_panel", "place_name"]


def county_of(code: str) -> str:
    """Return the two-digit code of a municipality's county.

    Examples
    --------
    >>> county_of("1083")
    '10'
    """
    return code[:2]


@cache
def _counties() -> pd.DataFrame:
    places = embedded.municipalities()
    by = places.groupby(places.index.str[:2])
    table = pd.DataFrame(
        {"name": by["county"].first(), "population_2017": by["population_2017"].sum()}
    )
    return table.rename_axis("code")


def counties() -> pd.DataFrame:
    """Return the counties.

    Returns
    -------
    pandas.DataFrame
        Index ``code`` (two digits, text); columns ``name`` and ``population_2017``, inhabitants
        on 31 December 2017, summed over the municipalities.

    Examples
    --------
    >>> table = counties()
    >>> len(table), table.loc["12", "name"], int(table["population_2017"].sum())
    (21, 'Skåne län', 10120242)
    """
    return _counties().copy()


def place_name(code: str) -> str:
    """Return the name of a municipality, or of a county by its two digits.

    Examples
    --------
    >>> place_name("2321"), place_name("12")
    ('Åre', 'Skåne län')
    """
    table = _counties() if len(code) == 2 else embedded.municipalities()
    return str(table.loc[code, "name"])


def county_panel(panel: Panel) -> Panel:
    r"""Average an outcome over each county's municipalities.

    .. math:: \bar y_{ct} = \sum_{i \in c} p_i\, y_{it} / \sum_{i \in c} p_i

    with :math:`p_i` the inhabitants on 31 December 2017: the same in every year, so that a
    county's change is its municipalities' change and not their growth. Municipalities without a
    value in some year are in none of a county's years.

    Parameters
    ----------
    panel : Panel
        Municipalities; shape (units, years), no gaps.

    Returns
    -------
    Panel
        Counties with at least one municipality; the persons behind the values, where they are
        known, are summed.

    Examples
    --------
    >>> from evaluation.data.panel import embedded_panel
    >>> county_panel(embedded_panel("foreign_background")).values.shape
    (21, 16)
    """
    p = embedded.municipalities()["population_2017"].loc[panel.values.index].astype(float)
    of = panel.values.index.map(county_of)
    total = p.groupby(of).sum()
    values = panel.values.mul(p, axis=0).groupby(of).sum().div(total, axis=0)
    weights = None if panel.weights is None else panel.weights.groupby(of).sum()
    return replace(
        panel,
        values=values.rename_axis("code"),
        weights=weights if weights is None else weights.rename_axis("code"),
        bounds=None,
    )
