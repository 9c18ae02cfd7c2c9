"""Write the types of the package's root from its list of rooms.

    python tools/exports.py

reads which names ``src/evaluation/__init__.py`` offers from which module and writes
``__init__.pyi`` beside it, so that a name is added in one place.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import evaluation

STUB = Path(evaluation.__file__).with_name("__init__.pyi")


def stub() -> str:
    """Return the stub's text, before it is formatted."""
    lines = []
    for module, names in sorted(evaluation._ROOMS.items()):
        listed = ", ".join(f"{name} as {name}" for name in names.split())
        lines.append(f"from evaluation.{module} import {listed}")
    return "\n".join([*lines, "", "__version__: str", ""])


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(STUB)], check=True)
