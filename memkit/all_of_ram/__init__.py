"""'All of RAM' as a question with many answers: which RAMBlocks each subsystem of QEMU means by it."""

from __future__ import annotations

from memkit.all_of_ram.ask import DEFINITIONS, all_of_ram, compare
from memkit.all_of_ram.compared import AllOfRam
from memkit.all_of_ram.definition import GROUPS, Definition
from memkit.all_of_ram.members import Member, Part, RAMSet

__all__ = [
    "DEFINITIONS", "GROUPS", "AllOfRam", "Definition", "Member", "Part", "RAMSet", "all_of_ram", "compare",
]
