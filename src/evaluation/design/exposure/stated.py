"""The months in which a model of the catalogue began and ended, as its document states them."""

from __future__ import annotations

from evaluation.design.catalogue import Model, Stated
from evaluation.design.catalogue.dates import length_in_years
from evaluation.design.exposure.dates import Span, read_span
from evaluation.errors import InputError

__all__ = ["end_span", "model_end", "model_start", "start_span"]


def model_start(model: Model) -> Span | None:
    """Return the months in which a model may have begun; None without a single date.

    Parameters
    ----------
    model : Model
        A row of the catalogue.

    Examples
    --------
    >>> from evaluation.design.catalogue import catalogue
    >>> str(model_start(catalogue()["are_modellen"]))
    '2011-07 to 2011-12'
    """
    return start_span(model.starts)


def model_end(model: Model, start: Span | None) -> Span | None:
    """Return the months in which a model may have ended; None where it has not, or none says.

    Parameters
    ----------
    model : Model
        A row of the catalogue.
    start : Span, optional
        When it began, for an end that is stated as a length («two-year»).

    Raises
    ------
    InputError
        If an end is stated that gives no single date, so that nobody knows how long it stood.

    Examples
    --------
    >>> from evaluation.design.catalogue import catalogue
    >>> boss = catalogue()["boss"]
    >>> str(model_end(boss, model_start(boss)))
    '2018-09'
    """
    try:
        return end_span(model.ends, start)
    except InputError as error:
        raise InputError(f"{model.id} {error.problem}", field=error.field) from None


def end_span(stated: Stated, start: Span | None) -> Span | None:
    """Return the months in which something may have ended; None where no end is stated.

    Parameters
    ----------
    stated : Stated
        The end.
    start : Span, optional
        When it began, for an end that is stated as a length.

    Raises
    ------
    InputError
        If an end is stated that gives no single date.

    Examples
    --------
    >>> from evaluation.design.catalogue import read_date
    >>> str(end_span(read_date("two-year"), read_span("2016-10")))
    '2018-09'
    """
    years = length_in_years(stated.text)
    if years is not None:
        return Span(start.first + 12 * years - 1, start.last + 12 * years - 1) if start else None
    found = start_span(stated)
    if found is None and stated.how in {"span", "bound", "planned"}:
        raise InputError(
            f"ends {stated.text!r}, which is no single date such as 2018-09 or 2018",
            field="end",
        )
    return found


def start_span(stated: Stated) -> Span | None:
    """Return the months that a stated date may mean; None where it is no single date.

    Examples
    --------
    >>> from evaluation.design.catalogue import read_date
    >>> str(start_span(read_date("2017-02 (portal)"))), start_span(read_date("2016-17"))
    ('2017-02', None)
    """
    if stated.date is None:
        return None
    core = stated.text.partition("(")[0].strip()
    # a whole day is its month
    return read_span(core) or read_span(core.rpartition("-")[0])
