"""The report's templates: Jinja that writes Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

__all__ = ["template"]


def template(name: str) -> jinja2.Template:
    """Return a template that fails on what it is not given.

    Parameters
    ----------
    name : str
        Its file among the templates.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evaluation.report", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        # headings carry pandoc identifiers, {#…}, which are comments to Jinja otherwise
        comment_start_string="<#",
        comment_end_string="#>",
    )
    return environment.get_template(name)
