"""Record which devices and machine properties a QEMU binary knows.

usage: record_devices.py QEMU_BINARY OUTPUT.json

Asks ``-device help``, ``-device X,help`` for every X, and ``-machine M,help`` for the machine types
that memkit builds.  The result is facts only: names, buses and types of properties.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MACHINES = {"pc": "pc", "q35": "q35", "microvm": "microvm"}


def ask(binary: str, *words: str) -> str:
    """What the binary prints for ``words``."""
    done = subprocess.run(
        [binary, *words], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout


def properties(text: str) -> dict[str, str]:
    """Property name → type, from the text of ``-device X,help`` or ``-machine M,help``."""
    return dict(re.findall(r"^\s+([\w.\-\[\]*]+)=<([^>]+(?:>)?)>", text, re.M))


def main() -> None:
    """Write the facts of argv[1] to argv[2]."""
    binary, output = sys.argv[1:3]
    version = ask(binary, "--version").splitlines()[0]
    listed = re.findall(r'^name "([^"]+)"(?:, bus ([^,\n]+))?(?:, alias "([^"]+)")?', ask(binary, "-device", "help"), re.M)
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(lambda row: ask(binary, "-device", f"{row[0]},help"), listed))
    sets: list[dict[str, str]] = []
    devices = {}
    for (name, bus, alias), text in zip(listed, texts, strict=True):
        found = dict(sorted(properties(text).items()))
        if found not in sets:
            sets.append(found)
        devices[name] = [bus, sets.index(found), alias]
    machines = {
        family: dict(sorted(properties(ask(binary, "-machine", f"{machine},help")).items()))
        for family, machine in MACHINES.items()
    }
    # One device a line, so that changes can be read; property sets as one string each.
    lines = [json.dumps({"about": f"recorded by tools/record_devices.py from {version}"})[1:-1]]
    packed = [" ".join(f"{k}={v.replace(' ', '_')}" for k, v in s.items()) for s in sets]
    lines.append('"property_sets": [\n' + ",\n".join(json.dumps(p) for p in packed) + "\n]")
    lines.append('"devices": {\n' + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in devices.items()) + "\n}")
    lines.append('"machines": {\n' + ",\n".join(
        f"{json.dumps(k)}: " + json.dumps(" ".join(f"{n}={t.replace(' ', '_')}" for n, t in v.items()))
        for k, v in machines.items()) + "\n}")
    Path(output).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
