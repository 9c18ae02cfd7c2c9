"""Write environment.yml from requirements.lock, so that both say the same."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^(?P<pin>[A-Za-z0-9_.\-\[\]]+==[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$")

HEAD = """\
# Written by «make lock» from requirements.lock; do not edit by hand.
# conda env create -f environment.yml && conda activate integration-evaluation
name: integration-evaluation
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """Return the pinned requirements of a lock, markers kept, hashes left out."""
    found = []
    for line in lock.splitlines():
        match = PIN.match(line)
        if match:
            marker = match["marker"]
            found.append(f"{match['pin']} ; {marker}" if marker else match["pin"])
    return found


def environment(lock: str) -> str:
    """Return the text of environment.yml for a lock."""
    lines = [f'      - "{pin}"' for pin in pins(lock)]
    return HEAD + "\n".join([*lines, '      - "-e ."']) + "\n"


if __name__ == "__main__":
    text = environment((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    (ROOT / "environment.yml").write_text(text, encoding="utf-8")
