"""A model's theory of change: inputs, activities, outputs, outcomes, as table and as figure."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from xml.sax.saxutils import escape

from evaluation.design.catalogue.model import Model
from evaluation.language import Lang

__all__ = ["STAGES", "TheoryOfChange", "theory_of_change"]

STAGES = {
    "inputs": ("Insatser", "Inputs"),
    "activities": ("Aktiviteter", "Activities"),
    "outputs": ("Prestationer", "Outputs"),
    "outcomes": ("Effekter", "Outcomes"),
}
# components that are put in rather than done: money, mandate, people, places, equipment
INPUTS = frozenset(
    {
        "own_budget", "political_mandate", "establishment_coordinators", "housing_coordinator",
        "sfi_resource", "vocational_swedish_teachers", "political_stance", "strategist", "plan",
        "two_half_time_posts", "free_equipment", "labour_market_unit", "meeting_place",
        "meeting_places", "web_portal", "validation_platform", "municipal_employer",
    }
)  # fmt: skip
# «10 meetings», «>100 participants»: a count of what was done; a share is an outcome
_COUNTED = re.compile(r"^>?\d[\d ]* [^\W\d]")
_WIDE, _LINE, _GAP, _TOP = 34, 15, 24, 40


@dataclass(frozen=True)
class TheoryOfChange:
    """How a model is meant to work, in four steps; a step that no document states is empty.

    Parameters
    ----------
    title : str
        The model's name.
    inputs, activities, outputs, outcomes : tuple of str
        What is put in, done, delivered, and aimed at or said to be reached.
    """

    title: str
    inputs: tuple[str, ...]
    activities: tuple[str, ...]
    outputs: tuple[str, ...]
    outcomes: tuple[str, ...]

    @property
    def steps(self) -> dict[str, tuple[str, ...]]:
        """The four steps by name, in order."""
        return {k: getattr(self, k) for k in STAGES}

    def markdown(self, lang: Lang = "en") -> str:
        """Return the chain as a Markdown list, a step each."""
        none = "inget angivet" if lang == "sv" else "none stated"
        lines = [f"**{self.title}**", ""]
        for i, (stage, items) in enumerate(self.steps.items(), start=1):
            head = STAGES[stage][lang == "en"]
            lines.append(f"{i}. {head}: {'; '.join(items) or none}")
        return "\n".join(lines)

    def svg(self, lang: Lang = "en") -> str:
        """Return the chain as a figure, four boxes with arrows; the same text every time."""
        none = "inget angivet" if lang == "sv" else "none stated"
        boxes = []
        for stage, items in self.steps.items():
            lines = [
                ("• " if i == 0 else "  ") + line
                for item in items or (none,)
                for i, line in enumerate(textwrap.wrap(item, _WIDE - 2))
            ]
            boxes.append((STAGES[stage][lang == "en"], lines))
        width = int(_WIDE * 6.2)
        height = 30 + _LINE * max(len(lines) for _, lines in boxes)
        total = 4 * width + 3 * _GAP + 2
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{total}" '
            f'height="{height + _TOP}" font-family="sans-serif" font-size="11">',
            f"<title>{escape(self.title)}</title>",
            f'<text x="1" y="20" font-size="14">{escape(self.title)}</text>',
        ]
        for i, (head, lines) in enumerate(boxes):
            x = 1 + i * (width + _GAP)
            out.append(
                f'<rect x="{x}" y="{_TOP - 6}" width="{width}" height="{height}" fill="#eef4f8" '
                'stroke="#1b4965"/>'
            )
            out.append(f'<text x="{x + 8}" y="{_TOP + 10}" font-weight="bold">{head}</text>')
            for k, line in enumerate(lines):
                y = _TOP + 28 + k * _LINE
                shown = escape(line).replace("  ", "\u00a0\u00a0")
                out.append(f'<text x="{x + 8}" y="{y}">{shown}</text>')
            if i:
                y = _TOP + height // 2
                out.append(
                    f'<path d="M{x - _GAP + 3} {y}h{_GAP - 10}m-5 -5l6 5l-6 5" fill="none" '
                    'stroke="#1b4965"/>'
                )
        return "\n".join([*out, "</svg>", ""])


def _words(component: str) -> str:
    return component.replace("_", " ")


def theory_of_change(model: Model) -> TheoryOfChange:
    """Derive a model's theory of change from its fields.

    Inputs are who pays, the components that are resources, and figures of inputs; activities the
    other components; outputs what is counted of them; outcomes the goals, and the results that
    are no count of what was done.

    Parameters
    ----------
    model : Model
        A row of the catalogue.

    Returns
    -------
    TheoryOfChange
        Four steps.

    Examples
    --------
    >>> from evaluation.design.catalogue import catalogue
    >>> theory_of_change(catalogue()["vellinge_upprop"]).outputs[0]
    '10 meetings'
    """
    put_in = tuple(_words(c) for c in model.components if c in INPUTS)
    done = tuple(_words(c) for c in model.components if c not in INPUTS)
    counted = tuple(o for o in model.stated_outcomes if _COUNTED.match(o))
    said = tuple(f"said: {o}" for o in model.stated_outcomes if o not in counted)
    return TheoryOfChange(
        model.name,
        model.funders + put_in,
        done,
        counted,
        tuple(f"aim: {g}" for g in model.goals) + said,
    )
