"""A YAML file as plain types, every key with its line, and a model's complaint as one sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from evaluation.errors import InputError
from evaluation.plan.parts import PATTERNS, TAGS

__all__ = ["complaint", "read_mapping"]

_COMMA = re.compile(r"([+-]?\d+),(\d+)")


def _line_numbers(node: yaml.Node, path: tuple[str | int, ...] = ()) -> dict[Any, int]:
    found = {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        _refuse_decimal_comma(node)
        for key, value in node.value:
            inner = (*path, key.value)
            if inner in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            found.update(_line_numbers(value, inner))
            found[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found.update(_line_numbers(value, (*path, i)))
    return found


def _refuse_decimal_comma(node: yaml.MappingNode) -> None:
    """Refuse ``{value: 0,40}``, which YAML reads as the value 0 and an empty key 40."""
    for (name, value), (key, empty) in itertools.pairwise(node.value):
        follows = value.end_mark and value.end_mark.index + 1 == key.start_mark.index
        bare = empty.tag == "tag:yaml.org,2002:null" and not empty.value
        if follows and bare and _COMMA.fullmatch(f"{value.value},{key.value}"):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"between braces {name.value}: {value.value},{key.value} is a value and a key; "
                f"write the number with a decimal point, {value.value}.{key.value}",
                key.start_mark,
            )


def read_mapping(
    text: str, name: str, *, what: str = "a plan", keys: str = "name, title, outcomes …"
) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """Read YAML whose top is a mapping.

    Parameters
    ----------
    text : str
        What the file holds.
    name : str
        Its name, for errors.
    what, keys : str
        What the file should be and the keys it should have, for errors.

    Returns
    -------
    dict
        The content.
    dict
        The line of each key, by its path from the top.

    Raises
    ------
    InputError
        If the text is empty, is not YAML, has a key twice or is no mapping.

    Examples
    --------
    >>> content, lines = read_mapping("a: {b: 1}", "x.yaml")
    >>> content, lines["a", "b"]
    ({'a': {'b': 1}}, 1)
    """
    if not text.strip():
        raise InputError(f"is empty; {what} with {keys} is needed", file=name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise InputError(f"holds only comments; {what} is needed", file=name)
        lines = _line_numbers(node)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        row = mark.line + 1 if mark else None
        raise InputError(f"is not valid YAML: {error.problem}", file=name, row=row) from None
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        # a list as key, an impossible date, an alias that holds itself
        if isinstance(error, InputError):
            raise
        reason = str(error).splitlines()[0]
        raise InputError(f"is not valid YAML: {reason}", file=name) from None
    if not isinstance(content, dict):
        raise InputError(f"must be a mapping with {keys}", file=name, row=1)
    return content, lines


def complaint(
    error: ValidationError, known_keys: Callable[[tuple[str | int, ...]], Sequence[str]]
) -> tuple[tuple[str | int, ...], str]:
    """Return the first thing that a model found wrong.

    Parameters
    ----------
    error : pydantic.ValidationError
        What the model said.
    known_keys : callable
        The keys that are known below a path.

    Returns
    -------
    tuple of str or int
        The key, from the top.
    str
        What is wrong and what would be right.
    """
    first = error.errors()[0]
    path = tuple(p for p in first["loc"] if p not in TAGS)
    kind = first["type"]
    if kind == "extra_forbidden":
        known = ", ".join(known_keys(first["loc"][:-1]))
        return path, f"unknown key; known here are {known}"
    if kind == "string_pattern_mismatch":
        shape = PATTERNS[first["ctx"]["pattern"]]
        return path, f"must be {shape} (found {first['input']!r})"
    if kind == "missing":
        return path, "is missing"
    message = first["msg"].removeprefix("Value error, ")
    value = first.get("input")
    shown = f" (found {value!r})" if not isinstance(value, dict | list) else ""
    comma = _COMMA.fullmatch(value) if isinstance(value, str) else None
    hint = f"; write it with a decimal point, {comma[1]}.{comma[2]}" if comma else ""
    return path, f"{message[0].lower()}{message[1:]}{shown}{hint}"
