"""One row of the catalogue."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from evaluation.data.documents import Figure
from evaluation.design.catalogue.dates import Stated
from evaluation.design.catalogue.goals import Goals
from evaluation.design.catalogue.where import Where

__all__ = ["Kind", "Model", "Result"]

Kind = Literal["model", "project", "law", "recommendation", "success_factor"]


@dataclass(frozen=True)
class Result:
    """A figure that the documents state of a model.

    Parameters
    ----------
    figure : Figure
        The figure as printed.
    role : {"input", "output", "exposed", "result", "target", "principle"}
        What it is of the model. A principle is no result.
    denominator : str
        Whom a share is of, or that no document says so; empty where the figure is no share.
    """

    figure: Figure
    role: str
    denominator: str

    @property
    def text(self) -> str:
        """The figure in a few words.

        Examples
        --------
        >>> from evaluation.design.catalogue import catalogue
        >>> catalogue()["vellinge_upprop"].results[0].text
        '10 meetings: naringslivsupprop meetings (F161)'
        """
        f = self.figure
        bound = {"min": "at least ", "max": "at most ", "approx": "about "}.get(f.qualifier, "")
        unit = "" if f.unit == "text" else f" {f.unit}"
        of = f"; of: {self.denominator}" if self.denominator else ""
        return f"{bound}{f.value}{unit}: {f.indicator.replace('_', ' ')} ({f.id}{of})"


@dataclass(frozen=True)
class Model:
    """A model, project, law, recommendation or success factor.

    Parameters
    ----------
    id, name : str
        Key and name.
    type, kind : str
        The type as coded, and which of five kinds it is.
    where : Where
        Municipalities by code, or region.
    starts, ends : Stated
        As stated, with a date where there is one.
    stance : str
        As coded; ``n/a`` where it does not apply.
    components, funders, goals, stated_outcomes : tuple of str
        What is done, who pays, what is aimed at, what is said to have come of it; empty where
        the document states none.
    reads : Goals
        What the goals ask for.
    for_a_group : bool
        Whether it is for a group and not for all newly arrived.
    results : tuple of Result
        The figures that the documents state of it, with denominators.
    document, line, note : str
        Where it is described.
    """

    id: str
    name: str
    type: str
    kind: Kind
    where: Where
    starts: Stated
    ends: Stated
    stance: str
    components: tuple[str, ...]
    funders: tuple[str, ...]
    goals: tuple[str, ...]
    stated_outcomes: tuple[str, ...]
    reads: Goals
    for_a_group: bool
    results: tuple[Result, ...] = field(repr=False)
    document: str
    line: str
    note: str = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        out = {k: v for k, v in asdict(self).items() if k != "reads"}
        out["domains"] = [d.name for d in self.reads.domains]
        out["goals_read_from"] = self.reads.read_from
        out["results"] = [
            {"figure": r.figure.id, "role": r.role, "denominator": r.denominator, "text": r.text}
            for r in self.results
        ]
        return out
