"""The house: imports run downwards only, no room uses another's private names, no file is long."""

import ast
from pathlib import Path

import pytest

import evaluation

SOURCE = Path(evaluation.__file__).parent
# from the top; a room may import from itself and from the floors below, not beside or above
FLOORS = [
    {"cli"},
    {"report"},
    {"questions"},
    {"estimation"},
    {"design"},
    {"data"},
    {"plan"},
    {"results"},
    {"folders"},
    {"errors", "language"},
]
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
EXEMPT = {"evaluation", "evaluation.__main__"}


def module_name(file):
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(f): f for f in sorted(SOURCE.rglob("*.py"))}


def room(module):
    """Return the room of a module; the package itself has none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def imported(tree, module):
    """Yield (line, module, name) of every import, those inside functions too."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if inner in FILES:
                    yield node.lineno, inner, None
                else:
                    yield node.lineno, base, alias.name


def faults(module, tree):
    """Return what a module imports from above or beside, and what private names it uses."""
    found = []
    aliases = set()
    for line, target, name in imported(tree, module):
        if target.split(".")[0] != "evaluation":
            continue
        private = name is not None and name.startswith("_") and not name.startswith("__")
        if private or target.rpartition(".")[2].startswith("_"):
            found.append(f"{module}:{line} imports the private {target}.{name}")
        if room(target) is None:
            # names of the package itself come from everywhere: the roof
            if name != "__version__":
                found.append(f"{module}:{line} imports {name} from the roof")
        elif room(target) != room(module) and FLOOR[room(target)] <= FLOOR[room(module)]:
            found.append(f"{module}:{line} imports {target} from above or beside")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                full = f"{getattr(node, 'module', None) or ''}.{alias.name}".lstrip(".")
                if full in FILES:
                    aliases.add(alias.asname or alias.name.split(".")[0])
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
        ):
            found.append(f"{module}:{node.lineno} uses the private {node.value.id}.{node.attr}")
    return found


def test_every_module_has_a_place_in_the_house():
    rooms = {room(m) for m in FILES if m not in EXEMPT}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("module", [m for m in FILES if m not in EXEMPT])
def test_imports_run_downwards(module):
    assert faults(module, ast.parse(FILES[module].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("module", "code", "says"),
    [
        ("evaluation.data.panel", "from evaluation.design.stance import classify", "from above"),
        ("evaluation.data.panel", "import evaluation.report.bundle", "from above"),
        ("evaluation.data.panel", "def f():\n    from evaluation.cli import app", "from above"),
        ("evaluation.data.panel", "from ..estimation import did", "from above"),
        ("evaluation.errors", "from evaluation.language import number", "or beside"),
        ("evaluation.data.panel", "from evaluation import Plan", "from the roof"),
        ("evaluation.data.panel", "from evaluation.data.embedded import _SCB", "private"),
        ("evaluation.data.panel", "from .embedded import _SCB", "private"),
        ("evaluation.data.panel", "from evaluation.data import embedded as e\ne._SCB", "private"),
    ],
)
def test_the_rule_finds_what_breaks_it(module, code, says):
    found = faults(module, ast.parse(code))
    assert len(found) == 1
    assert says in found[0]


def test_the_rule_allows_what_keeps_it():
    code = (
        "import numpy as np\nfrom evaluation.errors import InputError\nnp._x\nfrom . import files"
    )
    assert faults("evaluation.data.panel", ast.parse(code)) == []


@pytest.mark.parametrize("module", FILES)
def test_no_file_is_over_500_lines(module):
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= 500
