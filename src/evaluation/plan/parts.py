"""What every part of a plan shares."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

__all__ = ["TAGS", "Lines", "Part", "Text"]

Lines = Mapping[tuple[str | int, ...], int]
# the tags never reach the user: they are taken out of the path of an error again
TAGS = ("<name>", "<own file>", "<indicator>", "<kolada>", "<simulated>")


class Part(BaseModel):
    """A mapping of the plan: frozen, and no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """A text in both languages."""

    sv: str
    en: str
