"""From Markdown to HTML, DOCX and PDF: pandoc and Typst, both from wheels."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

    with _environment(SOURCE_DATE_EPOCH=str(_EPOCH), LC_ALL="C.UTF-8"):
        pypandoc.convert_text(
            markdown,
            to=to,
            format=_FROM,
            extra_args=[f"--resource-path={folder}", *arguments],
            outputfile=str(folder / f"report.{'typ' if to == 'typst' else to}"),
        )


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables for a child process, and put them back."""
    old = {k: os.environ.get(k) for k in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for k, v in old.items():
            if v is None:
                del os.environ[k]
            else:
                os.environ[k] = v


def _reference_docx(folder: Path) -> Path:
    """Write pandoc's own reference document with A4 pages and smaller text in tables."""
    import subprocess
    import zipfile

    import pypandoc

    default = subprocess.run(
        [pypandoc.get_pandoc_path(), "--print-default-data-file", "reference.docx"],
        check=True,
        capture_output=True,
    ).stdout
    target = folder / "reference.docx"
    with (
        zipfile.ZipFile(io.BytesIO(default)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for item in source.infolist():
            content = source.read(item)
            if item.filename == "word/styles.xml":
                content = _small_tables(content.decode("utf-8")).encode("utf-8")
            elif item.filename == "word/document.xml":
                content = _a4(content.decode("utf-8")).encode("utf-8")
            # zip entries carry a time of day; a fixed one keeps the bytes the same
            changed.writestr(zipfile.ZipInfo(item.filename, (1980, 1, 1, 0, 0, 0)), content)
    return target


def _small_tables(styles: str) -> str:
    """Set the style of table cells («Compact») to 8 points."""
    head, mark, tail = styles.partition('w:styleId="Compact"')
    size = '<w:rPr><w:sz w:val="16"/><w:szCs w:val="16"/></w:rPr>'
    body, end, rest = tail.partition("</w:style>")
    return f"{head}{mark}{body}{size}{end}{rest}"


def _a4(document: str) -> str:
    """Give the only section A4 pages with margins of 2 cm."""
    page = (
        '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" '
        'w:left="1134" w:header="567" w:footer="567" w:gutter="0"/>'
    )
    return re.sub(
        r"<w:sectPr\b[^>]*?(/>|>.*?</w:sectPr>)",
        f"<w:sectPr>{page}</w:sectPr>",
        document,
        flags=re.DOTALL,
    )


def render(
    markdown: str, folder: Path, form: Format, lang: Lang, title: str, notice: str = ""
) -> Path:
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
        Language of the document and of the headings that pandoc writes.
    title : str
        Title, taken literally.
    notice : str
        Words that every page must bear; in a DOCX they stand in the title.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    contents = "Innehåll" if lang == "sv" else "Contents"
    subtitle = "Utvärderingsrapport" if lang == "sv" else "Evaluation report"
    if notice and form == "docx":
        title = f"{notice} – {title}"
    about = [
        f"--metadata=title:{title}",
        *([f"--variable=notice:{notice}"] if notice else []),
        f"--metadata=subtitle:{subtitle}",
        f"--metadata=lang:{lang}",
    ]
    if form == "html":
        _pandoc(
            markdown,
            "html",
            folder,
            [
                *about,
                "--standalone",
                "--embed-resources",
                "--toc",
                "--toc-depth=1",
                f"--variable=toc-title:{contents}",
                f"--template={_template('report.html')}",
                f"--lua-filter={_template('labels.lua')}",
            ],
        )
    elif form == "docx":
        reference = _reference_docx(folder)
        _pandoc(markdown, "docx", folder, [*about, f"--reference-doc={reference}"])
        reference.unlink()
    else:
        import typst

        _pandoc(markdown, "typst", folder, [*about, f"--template={_template('report.typ')}"])
        source = folder / "report.typ"
        pdf = typst.compile(str(source), timestamp=_EPOCH, ignore_system_fonts=True)
        assert isinstance(pdf, bytes)
        (folder / "report.pdf").write_bytes(pdf)
        source.unlink()
    return folder / f"report.{form}"
