"""Real migrations of guests that wrote by a pattern, and the same simulated.

``python -m tools.record workloads`` recorded them; data/README.md says what the files hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memkit.boards.recorded import data_file, load
from memkit.boot import boot
from memkit.errors import MemkitError
from memkit.host import Host
from memkit.migration.dirty.simulation import Simulation, simulate
from memkit.migration.dirty.workload import HotSet, Random, Sequential, Workload

__all__ = ["Recording", "recordings"]

PAGE = 4096
# Where the guest's state and its region lie: tools/record/workloads_guest.py.
STATE, REGION = 0x1000, 2 << 20
HOST = {
    "accelerator": "tcg", "files": {"/rom.bin": 65536},
    "mounts": {"/dev/hugepages": {"fs": "hugetlbfs", "page_size": 2 << 20, "free_pages": 1024}},
}
HUGE = (
    "-object memory-backend-memfd,id=ram,size={0}M,hugetlb=on,hugetlbsize=2M "
    "-machine memory-backend=ram"
)
# What is not zero beside the region: the program, its data and reset vector, and the tables of the board.
ROMS = (("pc.bios", 0, PAGE), ("pc.bios", 0xE000, 2 * PAGE))
# Bytes a second that two QEMUs on one machine exchanged, and zero pages a second, where no limit held.
WIRE, ZERO_PAGES = 400 << 20, 1e6


@dataclass(frozen=True)
class Recording:
    """One migration: ``final`` is what query-migrate said at its end (milliseconds, bytes, pages).

    ``row`` is what was recorded, ``samples`` maps each column of the time series to its values.
    """

    id: str
    why: str
    qemu: str
    row: Mapping[str, Any] = field(repr=False)
    samples: Mapping[str, list[Any]] = field(repr=False)

    @property
    def final(self) -> dict[str, Any]:
        """The last answer to query-migrate."""
        return dict(self.row["final"])

    def looks(self) -> list[tuple[int, int]]:
        """When QEMU looked at the log (milliseconds), and how many pages it then found newly dirty."""
        found: list[tuple[int, int]] = []
        base, begin = 0, self.row["syncs"][0][0]
        for moment, pages in self.row["syncs"]:
            # QEMU's trace adds up over periods of more than a second.
            found.append((moment, pages - base))
            base = pages
            if moment > begin + 1000:
                base, begin = 0, moment
        return found

    def simulate(self, **changes: Any) -> Simulation:
        """The same simulated, with what the guest wrote and how long QEMU's windows took as measured."""
        row = self.row
        megabytes = row["memory"] >> 20
        line = f"-nodefaults -M pc -m {megabytes}M -bios /rom.bin"
        if row["huge"]:
            line = f"{line} {HUGE.format(megabytes)}"
        guest = boot(line, qemu=self.qemu, host=Host.from_dict(HOST))
        tables = PAGE if self.qemu == "7.2" else 2 * PAGE
        options: dict[str, Any] = {name.replace("-", "_"): v for name, v in row["parameters"].items()}
        if row["postcopy_at"]:
            asked = row["postcopy_at"] * 1000
            options["postcopy_at"] = float(next((ms for ms in self.samples["ms"] if ms >= asked), asked))
        windows = tuple(float(window[2]) for window in row["windows"][:-1])
        arguments = {
            "bandwidth": WIRE, "zero_pages": ZERO_PAGES, "clear_chunk": 0, "written": (row["written"], 0),
            "auto_converge": "auto-converge" in row["capabilities"], "window": windows or 100.0,
            "measured": list(zip(self.samples["ms"], self.samples["written"], strict=True)),
            "setup": float(row["syncs"][0][0]), "longest": (row["cancel_after"] or 201) - 1,
            "nonzero": [
                ("", STATE, PAGE), *self._filled(), *ROMS, ("/rom@etc/acpi/tables", 0, tables),
                ("/rom@etc/table-loader", 0, PAGE), ("/rom@etc/acpi/rsdp", 0, PAGE),
            ],
        }
        return simulate(guest, (self._writer(), STATES), **{**arguments, **options, **changes})

    def predict(self) -> Simulation:
        """The same simulated from the plan alone: the rate that was asked of the guest, windows of 100 ms."""
        return self.simulate(measured=(), window=100.0, setup=2.0)

    def _filled(self) -> list[tuple[str, int, int]]:
        program = self.row["program"]
        # A guest that writes zeros had begun when the migration began.
        begun = self.row["written"] * PAGE if not program["value"] else 0
        size = program["fill"] * PAGE - begun
        return [("", REGION + begun, size)] if size > 0 else []

    def _writer(self) -> Workload:
        program, rate = self.row["program"], self.row["rate"]
        size, zeros = max(program["pages"], 1) * PAGE, not program["value"]
        if program["pattern"] == "sequential":
            return Sequential(size=size, rate=rate, offset=REGION, zeros=zeros)
        if not program["hot_share"]:
            return Random(size=size, rate=rate, offset=REGION, zeros=zeros, seed=program["seed"])
        hot = program["hot_pages"] * PAGE
        return HotSet(
            size=size + hot, rate=rate, offset=REGION, zeros=zeros, hot=hot, share=program["hot_share"] / 256,
            seed=program["seed"],
        )


# The page with the guest's state and stack is written whenever it wakes up.
STATES = Sequential(size=PAGE, rate=1000, offset=STATE)


def recordings(qemu: str = "7.2") -> dict[str, Recording]:
    """The recorded migrations of one QEMU by their names; raises MemkitError where none were recorded.

    >>> recordings("7.2")["idle"].final["status"]
    'completed'
    """
    if not data_file("workloads", f"x86_64-{qemu}.json").exists():
        known = sorted(p.stem.partition("-")[2] for p in data_file("workloads").glob("x86_64-*.json"))
        raise MemkitError(f"no workloads were recorded with QEMU {qemu!r:.20}; there are: {', '.join(known)}")
    facts = load("workloads", qemu)
    columns = facts["columns"]
    return {
        name: Recording(
            name, row["why"], qemu, row,
            {column: [sample[at] for sample in row["samples"]] for at, column in enumerate(columns)},
        )
        for name, row in facts["workloads"].items()
    }
