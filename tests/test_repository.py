"""The repository as it is handed over: locks, notebooks, data, versions."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import evaluation
from evaluation import DATA_SETS

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def locked():
    """Return each locked requirement with its hashes, read without the project's own tool."""
    joined = LOCK.replace("\\\n", " ")
    found = []
    for line in filter(str.strip, joined.splitlines()):
        text, *hashes = re.split(r"\s+--hash=", line.strip())
        found.append((Requirement(text), hashes))
    return found


def tool():
    path = ROOT / "tools" / "environment.py"
    spec = importlib.util.spec_from_file_location("environment_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wanted():
    """Every requirement of the project, its extras and its build."""
    name = canonicalize_name(PROJECT["project"]["name"])
    lists = [PROJECT["project"]["dependencies"], PROJECT["build-system"]["requires"]]
    lists += PROJECT["project"]["optional-dependencies"].values()
    every = [Requirement(text) for group in lists for text in group]
    return [r for r in every if canonicalize_name(r.name) != name]


def test_no_file_has_the_name_of_an_option():
    """A tool that takes ``--help`` for the file to write leaves one."""
    assert not [p.name for p in ROOT.iterdir() if p.name.startswith("-")]


# locks


def test_environment_and_lock_say_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in conda["dependencies"] if isinstance(d, dict))
    assert pip[-1] == "-e ."
    assert [str(Requirement(p)) for p in pip[:-1]] == [str(r) for r, _ in locked()]


def test_environment_is_what_its_tool_writes():
    written = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert tool().environment(LOCK) == written


def test_every_lock_is_exact_and_has_hashes():
    for requirement, hashes in locked():
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes), requirement


@pytest.mark.parametrize("name", ["requirements.lock", "environment.yml"])
def test_no_address_is_locked(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("requirement", wanted(), ids=lambda r: r.name)
def test_every_dependency_is_locked_and_satisfied(requirement):
    name = canonicalize_name(requirement.name)
    versions = [
        Version(next(iter(r.specifier)).version)
        for r, _ in locked()
        if canonicalize_name(r.name) == name
    ]
    assert versions, f"{name} is not in the lock"
    assert all(requirement.specifier.contains(v, prereleases=True) for v in versions)


def test_the_version_is_one():
    assert PROJECT["project"]["version"] == evaluation.__version__


# notebooks


def test_there_are_notebooks():
    assert NOTEBOOKS


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_every_cell_was_run_in_order_without_an_error(path):
    counts = [c.execution_count for c in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [o for c in code_cells(path) for o in c.outputs]
    assert outputs
    assert not [o for o in outputs if o.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_every_image_is_svg(path):
    """The comparison of notebooks passes over other images in silence."""
    kinds = {k for c in code_cells(path) for o in c.outputs for k in o.get("data", {})}
    assert {k for k in kinds if k.startswith("image/")} <= {"image/svg+xml"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_no_notebook_shows_a_place_on_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(/(home|Users|tmp|root)/|[A-Z]:\\\\)", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_no_cell_hides_its_result_behind_a_semicolon(path):
    """A kernel without a history shows it all the same, and the comparison fails there."""
    assert not [c.source for c in code_cells(path) if c.source.rstrip().endswith(";")]


# data and source


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_has_a_readme_with_its_source(name):
    text = (ROOT / "data" / name / "README.md").read_text(encoding="utf-8")
    assert f"`{name}.csv`" in text
    source = DATA_SETS[name].source_en
    assert source.split(",")[0].split(" of ")[0].lower() in text.lower()
    assert all(code in text for code in re.findall(r"[A-Z]+\d{4,}", source))


def test_every_data_folder_is_a_known_data_set():
    assert {p.name for p in (ROOT / "data").iterdir() if p.is_dir()} == {*DATA_SETS, "indicators"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "src").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_nothing_is_left_to_be_done(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)


def test_the_types_of_the_root_are_those_of_its_rooms():
    stub = ast.parse((ROOT / "src/evaluation/__init__.pyi").read_text(encoding="utf-8"))
    typed = {
        (name.name, node.module)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.asname == name.name
    }
    assert typed == {(n, f"evaluation.{m}") for n, m in evaluation._HOMES.items()}


def test_what_is_named_in_the_package_is_there():
    for name in evaluation.__all__:
        assert getattr(evaluation, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        evaluation.nothing  # noqa: B018
