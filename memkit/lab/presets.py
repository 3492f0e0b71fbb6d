"""Command lines to start from: those of David Alan Gilbert's talk.

Source: D. A. Gilbert, "RAM is getting more complex", KVM Forum 2018, slide "Command lines and
memory".  QEMU has changed since; a preset that a QEMU refuses says so, and is worth a look.
The fallback of -mem-path ended with 5.0: docs/about/removed-features.rst (QEMU 7.2).  phys-bits= without
KVM came with 6.0 (b818413583, target/i386/cpu.c), name=value in -machine with 6.1 (d8fb7d0969, softmmu/vl.c),
the check against the CPU's address bits with 7.1 (1caab5cf86, hw/i386/pc.c).
"""

from __future__ import annotations

from dataclasses import dataclass

from memkit.versions import holds

__all__ = ["DIMM", "PRESETS", "Preset", "preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A command line with a title for a list and a ``note`` on what to look at.

    ``refused`` is QEMU's refusal on the default Host, in front of which old releases repeat the option, or ""
    if every release boots the line; ``when`` is the span of releases that refuse it (memkit.versions.holds).
    """

    title: str
    text: str
    note: str
    refused: str = ""
    when: str = ""

    def refused_by(self, qemu: str) -> bool:
        """True if the release ``qemu`` refuses the line.

        >>> preset("room for hotplug").refused_by("7.2"), preset("room for hotplug").refused_by("5.2")
        (True, False)
        """
        return bool(self.refused) and holds(qemu, self.when)

    def label(self, qemu: str) -> str:
        """The title, and that the release ``qemu`` refuses the line if it does."""
        return f"{self.title} (refused by {qemu})" if self.refused_by(qemu) else self.title


DIMM = Preset(
    "a DIMM",
    "-M q35 -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
    "-device pc-dimm,id=d1,memdev=m1",
    "A backend gives host memory, a pc-dimm shows it to the guest. It lies in the device-memory window, "
    "which maxmem= opens above RAM.",
)
PRESETS = (
    Preset(
        "4 GiB", "-m 4G",
        "One RAMBlock, seen through two windows: the PCI hole below 4 GiB splits it.",
    ),
    Preset("4 GiB, spelled out", "-m size=4G", "The same guest: size= is the key that -m implies."),
    Preset(
        "room for hotplug", "-m 4G,slots=3,maxmem=1T",
        "The talk's line. The default CPU has 40 address bits, and 1 TiB of hotplug room does not fit "
        "below that limit. QEMU checks this since 7.1.",
        "Address space limit 0xffffffffff < 0x2007fffffff phys-bits too low (40)", "7.1",
    ),
    Preset(
        "room for hotplug, with the address bits", "-m 4G,slots=3,maxmem=1T -cpu qemu64,phys-bits=46",
        "slots= and maxmem= open a window for memory devices; nothing is plugged in yet. Without KVM, QEMU "
        "takes phys-bits= since 6.0.",
        "TCG only supports phys-bits=40", "<6.0",
    ),
    Preset(
        "all RAM from huge pages", "-m 1G -mem-path /dev/hugepages",
        "The page size of pc.ram is that of the pool: 2 MiB.",
    ),
    Preset(
        "all RAM from a file among huge pages", "-m 1G -mem-path /dev/hugepages/foo",
        "A directory gets a file without a name; with a file's name, QEMU opens or makes that file.",
    ),
    Preset(
        "more than the pool has", "-m 4G -mem-path /dev/hugepages",
        "In 2018 QEMU fell back to normal memory here unless -mem-prealloc was given; since 5.0 it stops. "
        "The described host has 512 free huge pages, 1 GiB.",
        "unable to map backing store for guest RAM: Cannot allocate memory", "5.0",
    ),
    Preset(
        "huge pages, taken at once", "-m 1G -mem-path /dev/hugepages -mem-prealloc",
        "-mem-prealloc touches every page before the guest starts.",
    ),
    Preset(
        "a NUMA node from huge pages",
        "-m 8G -object memory-backend-file,id=mem,mem-path=/dev/hugepages,size=8G "
        "-numa node,nodeid=0,memdev=mem",
        "The talk's line. It needs 4096 free huge pages; the described host has 512.",
        "unable to map backing store for guest RAM: Cannot allocate memory", "5.0",
    ),
    Preset(
        "a NUMA node from huge pages, smaller",
        "-m 1G -object memory-backend-file,id=mem,mem-path=/dev/hugepages,size=1G "
        "-numa node,nodeid=0,memdev=mem",
        "The node's memory is the backend; there is no pc.ram.",
    ),
    DIMM,
    Preset(
        "an NVDIMM, as in 2018",
        "-M pc,nvdimm -m 4G,slots=4,maxmem=16G -object memory-backend-file,id=n1,size=4G,"
        "mem-path=/dev/shm/nvdimm -device nvdimm,id=ndimm1,memdev=n1",
        "The talk's line. A machine property without a value is not taken since 6.1; write nvdimm=on.",
        "-M pc,nvdimm: Expected '=' after parameter 'nvdimm'", "6.1",
    ),
    Preset(
        "an NVDIMM",
        "-M pc,nvdimm=on -m 4G,slots=4,maxmem=16G -object memory-backend-file,id=n1,size=4G,"
        "mem-path=/dev/shm/nvdimm -device nvdimm,id=ndimm1,memdev=n1",
        "Persistent memory for the guest, whatever is behind it on the host: here a file in tmpfs.",
    ),
)


def preset(title: str) -> Preset:
    """The preset with this title; raises KeyError with the titles that there are.

    >>> preset("4 GiB").text
    '-m 4G'
    """
    for found in PRESETS:
        if found.title == title:
            return found
    raise KeyError(f"no preset is called {title!r}; there are: {', '.join(p.title for p in PRESETS)}")
