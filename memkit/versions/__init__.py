"""What changed when: facts that differ between QEMU versions or machine-type versions.

Two kinds of version meet in a command line.  The *QEMU version* is the program that answers
(``qemu_facts``); the *machine-type version* (``pc-i440fx-3.0``) is the behaviour that it promises to
keep for old guests (``machine_facts``).  Every fact has its source; nothing else in the package tests
a version number.
"""

from __future__ import annotations

from memkit.versions.machine_facts import MACHINE_FACTS, MachineFacts, machine_facts, plain_facts
from memkit.versions.numbers import (
    DEFAULT_QEMU,
    KNOWN_QEMU,
    UNCONFIRMED,
    Version,
    holds,
    known_qemu,
    labelled,
    nearest_qemu,
    parse_version,
    within,
)
from memkit.versions.qemu_facts import QEMU_FACTS, QemuFact, QemuFacts, qemu_facts

__all__ = [
    "DEFAULT_QEMU", "KNOWN_QEMU", "MACHINE_FACTS", "QEMU_FACTS", "UNCONFIRMED", "MachineFacts", "QemuFact",
    "QemuFacts", "Version", "holds", "known_qemu", "labelled", "machine_facts", "nearest_qemu",
    "parse_version", "plain_facts", "qemu_facts", "within",
]
