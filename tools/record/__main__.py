"""Record what a QEMU binary knows about devices, machine types, CPU models and the windows of boards.

usage: python tools/record [--binary QEMU] [--only PART ...] [--jobs N] [--out DIR]

Every fact is asked of the binary: help texts, and some thousands of short starts under TCG, paused, over
QMP on the process's own pipes.  Each process is ended before the next question.  Writes
DIR/devices/TARGET-VERSION.json, DIR/machines/TARGET-VERSION.json and DIR/windows/TARGET-VERSION.json
(see data/README.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ask import Binary
from devices import record_devices
from files import write
from machines import record_machines
from windows import record_windows

PARTS = ("devices", "machines", "windows")


def main() -> None:
    """Record the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="record", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--binary", default="qemu-system-x86_64", help="the QEMU program to ask")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts to record")
    parser.add_argument("--jobs", type=int, default=2, help="QEMUs at a time")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "data")
    words = parser.parse_args()
    binary = Binary(words.binary, words.jobs)
    name = f"{binary.target}-{binary.short}.json"
    for part in words.only:
        path = words.out / part / name
        if part == "windows":
            record_windows(binary, path)
        else:
            write(path, record_devices(binary) if part == "devices" else record_machines(binary))


if __name__ == "__main__":
    main()
