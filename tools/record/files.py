"""Where facts come from, and how they are written."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ask import Binary


def provenance(binary: Binary, package: str = "") -> dict[str, str]:
    """Where the facts come from; the package is looked up unless it is named."""
    package = package or _package(binary)
    version = binary.output("dpkg-query", "-W", "-f", "${Version}", package)
    about = {
        "qemu": binary.version,
        "package": f"{package} {version}".strip(),
        "accelerator": "tcg",
        "date": date.today().isoformat(),
        "script": "tools/record",
        "licence": "CC0-1.0",
    }
    if binary.target != "x86_64":
        about["target"] = binary.target
    # A try, which must not be taken for the whole.
    return about | ({"only": binary.only} if binary.only else {})


def _package(binary: Binary) -> str:
    """The package that the program belongs to; "" where no package manager knows."""
    return binary.output("dpkg-query", "-S", binary.program).partition(":")[0]


def dump(value: Any) -> str:
    """Compact JSON on one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def write(path: Path, sections: dict[str, Any]) -> None:
    """Each section an object or list with one member a line, so that changes can be read."""
    parts = []
    for name, value in sections.items():
        if isinstance(value, dict) and name != "about":
            body = ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in value.items())
            parts.append(f"{dump(name)}:{{\n{body}\n}}")
        elif isinstance(value, list):
            parts.append(f"{dump(name)}:[\n" + ",\n".join(map(dump, value)) + "\n]")
        else:
            parts.append(f"{dump(name)}:{dump(value)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes")


def write_spaced(path: Path, sections: dict[str, Any]) -> None:
    """Each section on a line of its own, ``about`` on several: for sections that are short."""
    parts = [
        f"  {dump(name)}: " + (
            json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
            if name == "about" else json.dumps(value, ensure_ascii=False)
        )
        for name, value in sections.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes")
