"""The page about all of RAM says what definitions say, and what they answer for a guest with one of each."""

from __future__ import annotations

import re
from pathlib import Path

import memkit
from memkit.all_of_ram import DEFINITIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "all-of-ram.md"
FLASH = "/var/tmp/flash"
LINE = (
    f"-M q35,nvdimm=on -m 4G,slots=4,maxmem=32G -drive if=pflash,format=raw,file={FLASH} "
    "-object memory-backend-ram,id=dimm,size=1G -device pc-dimm,memdev=dimm "
    "-object memory-backend-file,id=nvdimm,size=1G,mem-path=/var/tmp/nv,share=on "
    "-device nvdimm,memdev=nvdimm "
    "-object memory-backend-ram,id=vmem,size=8G -device virtio-mem-pci,memdev=vmem,id=vm "
    "-object memory-backend-memfd,id=ivshmem,size=4M,share=on -device ivshmem-plain,memdev=ivshmem "
    "-object memory-backend-ram,id=unused,size=64M"
)
# What people ask for → the block that stands for it, by the end of its label.
COLUMNS = {
    "main RAM": "pc.ram", "DIMM": "dimm", "NVDIMM": "nvdimm", "virtio-mem, unplugged": "/vmem",
    "ivshmem": "/ivshmem", "video RAM": "/vga.vram", "ROM": "pc.rom", "flash": "system.flash0",
    "ACPI tables": "/rom@etc/acpi/tables", "unused backend": "(unused)",
}
WORDS = {"in": "in", "part": "some", "out": "-"}


def table() -> str:
    """The table of the page: definitions by kinds of memory."""
    guest = memkit.boot(LINE, qemu="7.2", host=memkit.Host(files={FLASH: 4 << 20}))
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for found in guest.all_of_ram().sets:
        cells = []
        for name in COLUMNS.values():
            exact = [m for m in found.members if m.block.label == name]
            (member,) = exact or [m for m in found.members if m.block.label.endswith(name)]
            cells.append(WORDS[member.state])
        lines.append(f"| `{found.name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_the_page_has_the_answers_of_the_model() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_the_page_tells_every_definition() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for d in DEFINITIONS.values():
        assert f"| `{d.name}` | {d.meaning} | {d.rule} | {d.unit} |" in page
        assert not d.surprise or f"- `{d.name}`: {d.surprise}\n" in page
        assert d.changed in page
    asked = re.findall(r'all_of_ram\("([\w :-]+)"\)', page)
    assert asked
    assert all(name in DEFINITIONS or name.startswith("space:") for name in asked)
