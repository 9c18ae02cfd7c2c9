"""What every part of a plan shares."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

__all__ = ["DIGITS", "ID", "NAME", "PATTERNS", "TAGS", "Lines", "Part", "Text"]

Lines = Mapping[tuple[str | int, ...], int]
NAME = r"^[a-z][a-z0-9_-]*$"
ID = r"^[a-z][a-z0-9_]*$"
DIGITS = r"^[0-9a-f]{12,64}$"
PATTERNS = {
    NAME: "small letters a–z, digits, _ and -, a letter first",
    ID: "small letters a–z, digits and _, a letter first",
    DIGITS: "the first twelve digits or more of a snapshot's hash",
}
"""What a text must look like, in words."""
# the tags never reach the user: they are taken out of the path of an error again
TAGS = ("<name>", "<own file>", "<indicator>", "<kolada>", "<simulated>", "<coding>", "<sheets>")


class Part(BaseModel):
    """A mapping of the plan: frozen, and no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """A text in both languages."""

    sv: str
    en: str
