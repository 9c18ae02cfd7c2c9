"""From Markdown to HTML, DOCX and PDF: pandoc and Typst, both from wheels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Literal

from evaluation.language import Lang

__all__ = ["FORMATS", "Format", "render"]

Format = Literal["html", "pdf", "docx"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "docx")
_FROM = "markdown-implicit_figures-tex_math_dollars"
# a fixed moment, so that the same results give the same bytes
_EPOCH = 1_500_000_000


def _template(name: str) -> str:
    return str(resources.files("evaluation.report").joinpath("templates", name))


def _pandoc(markdown: str, to: str, folder: Path, arguments: Sequence[str]) -> None:
    import pypandoc

    old = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(_EPOCH)
    try:
        pypandoc.convert_text(
            markdown,
            to=to,
            format=_FROM,
            extra_args=[f"--resource-path={folder}", *arguments],
            outputfile=str(folder / f"report.{'typ' if to == 'typst' else to}"),
        )
    finally:
        if old is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = old


def render(markdown: str, folder: Path, form: Format, lang: Lang) -> Path:
    """Render one format into a folder that holds ``figures/``.

    Parameters
    ----------
    markdown : str
        Pandoc Markdown; image paths are relative to ``folder``.
    folder : pathlib.Path
        Where the figures lie and the report goes.
    form : {"html", "pdf", "docx"}
        Format.
    lang : {"sv", "en"}
        Language of the headings that pandoc writes.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    contents = "Innehåll" if lang == "sv" else "Contents"
    if form == "html":
        _pandoc(
            markdown,
            "html",
            folder,
            [
                "--standalone",
                "--embed-resources",
                "--toc",
                "--toc-depth=1",
                f"--variable=toc-title:{contents}",
                f"--template={_template('report.html')}",
            ],
        )
    elif form == "docx":
        _pandoc(markdown, "docx", folder, [f"--metadata=toc-title:{contents}"])
    else:
        import typst

        _pandoc(markdown, "typst", folder, [f"--template={_template('report.typ')}"])
        source = folder / "report.typ"
        pdf = typst.compile(str(source), timestamp=_EPOCH, ignore_system_fonts=True)
        assert isinstance(pdf, bytes)
        (folder / "report.pdf").write_bytes(pdf)
        source.unlink()
    return folder / f"report.{form}"
