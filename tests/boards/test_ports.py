"""The I/O address space and the board's own windows are those that QEMU 7.2 has."""

from __future__ import annotations

import json

import pytest

from memkit.boards.build import Build
from memkit.boards.catalog import data_file
from memkit.boards.machine import apply_properties, select_machine
from memkit.boards.ports import (
    FEATURES,
    default_features,
    features_of,
    io_space,
    memory_windows,
    port_shift,
)
from memkit.config import parse
from memkit.host import Host
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

NEWEST = (7, 2)

# The FlatView of I/O of -M microvm, as QEMU 7.2.22 printed it.
MICROVM = """\
0000000000000000-000000000000001f (prio 0, i/o): io
0000000000000020-0000000000000021 (prio 0, i/o): pic
0000000000000022-000000000000003f (prio 0, i/o): io @0000000000000022
0000000000000040-0000000000000043 (prio 0, i/o): pit
0000000000000044-000000000000006f (prio 0, i/o): io @0000000000000044
0000000000000070-0000000000000070 (prio 0, i/o): rtc-index
0000000000000071-0000000000000071 (prio 0, i/o): rtc @0000000000000001
0000000000000072-000000000000007d (prio 0, i/o): io @0000000000000072
000000000000007e-000000000000007f (prio 0, i/o): kvmvapic
0000000000000080-000000000000009f (prio 0, i/o): io @0000000000000080
00000000000000a0-00000000000000a1 (prio 0, i/o): pic
00000000000000a2-00000000000003f7 (prio 0, i/o): io @00000000000000a2
00000000000003f8-00000000000003ff (prio 0, i/o): serial
0000000000000400-00000000000004cf (prio 0, i/o): io @0000000000000400
00000000000004d0-00000000000004d0 (prio 0, i/o): elcr
00000000000004d1-00000000000004d1 (prio 0, i/o): elcr
00000000000004d2-000000000000050f (prio 0, i/o): io @00000000000004d2
0000000000000510-0000000000000511 (prio 0, i/o): fwcfg
0000000000000512-0000000000000513 (prio 0, i/o): io @0000000000000512
0000000000000514-000000000000051b (prio 0, i/o): fwcfg.dma
000000000000051c-000000000000ffff (prio 0, i/o): io @000000000000051c"""


def flat(root: MemoryRegion) -> list[str]:
    return list(map(str, AddressSpace("I/O", root).flat_view.ranges))


def ports(root: MemoryRegion) -> set[tuple[str, int]]:
    return {(r.name, r.addr) for r in root.subregions}


def wanted(line: str, card: str | None = None, qemu: str = "7.2") -> frozenset[str]:
    """The features that a command line asks for."""
    config = parse(line, qemu)
    machine = select_machine(config)
    apply_properties(machine, config)
    return features_of(Build(config, Host(), machine), card)


def change(family: str, feature: str) -> set[tuple[str, int]]:
    """The windows that one feature adds when all others are there."""
    every = frozenset(FEATURES)
    with_it = ports(io_space("7.2", family, NEWEST, every))
    return with_it - ports(io_space("7.2", family, NEWEST, every - {feature}))


def test_the_io_space_of_microvm_is_qemus() -> None:
    assert flat(io_space("7.2", "microvm", NEWEST)) == MICROVM.splitlines()


def test_priorities_let_the_reset_port_cut_the_pci_configuration_address() -> None:
    assert [line for line in flat(io_space("7.2", "pc", NEWEST)) if " 0000000000000cf" in f" {line}"] == [
        "0000000000000cf8-0000000000000cf8 (prio 0, i/o): pci-conf-idx",
        "0000000000000cf9-0000000000000cf9 (prio 1, i/o): piix3-reset-control",
        "0000000000000cfa-0000000000000cfb (prio 0, i/o): pci-conf-idx @0000000000000002",
        "0000000000000cfc-0000000000000cff (prio 0, i/o): pci-conf-data",
    ]


def test_every_call_gives_a_tree_of_its_own() -> None:
    first, second = io_space("7.2", "pc", NEWEST), io_space("7.2", "pc", NEWEST)
    first.subregions.clear()
    assert second.subregions
    assert all(r.container is second for r in second.subregions)


def test_windows_stand_in_the_order_in_which_add_would_leave_them() -> None:
    for family in ("pc", "q35", "microvm"):
        priorities = [r.priority for r in io_space("7.2", family, NEWEST, frozenset(FEATURES)).subregions]
        assert priorities == sorted(priorities, reverse=True)


@pytest.mark.parametrize(
    ("family", "feature", "added"),
    [
        ("pc", "vmport", {("vmport", 0x5658)}),
        ("pc", "pit", {("pit", 0x40), ("pcspk", 0x61)}),
        ("q35", "i8042", {("i8042-data", 0x60), ("i8042-cmd", 0x64), ("port92", 0x92), ("vmport", 0x5658)}),
        ("pc", "slots", {("acpi-mem-hotplug", 0xA00)}),
        ("q35", "nvdimm", {("nvdimm-acpi-io", 0xA18)}),
        ("pc", "pci-hotplug", {("acpi-pci-hotplug", 0xAE00)}),
        ("q35", "pci-hotplug", {("acpi-pci-hotplug", 0xCC0)}),
        ("q35", "serial3", {("serial", 0x3E8)}),
        ("pc", "floppy", set()),
        ("q35", "floppy", {("fdc", 0x3F1), ("fdc", 0x3F7)}),
        ("q35", "acpi", set()),
        ("pc", "cirrus", {("cirrus-io", 0x3B0)}),
        ("pc", "hpet", set()),
        ("microvm", "pic", {("pic", 0x20), ("pic", 0xA0), ("elcr", 0x4D0), ("elcr", 0x4D1)}),
        ("microvm", "vga", set()),
    ],
)
def test_a_feature_adds_its_windows(family: str, feature: str, added: set[tuple[str, int]]) -> None:
    assert change(family, feature) == added


def test_only_two_things_changed_with_machine_versions() -> None:
    assert default_features("7.2", "pc", (7, 2)) == default_features("7.2", "pc", (2, 5))
    assert default_features("7.2", "pc", (2, 5)) - default_features("7.2", "pc", (2, 4)) == {"fw-cfg-dma"}
    assert default_features("7.2", "q35", (6, 1)) - default_features("7.2", "q35", (6, 0)) == {"pci-hotplug"}
    assert "cirrus" in default_features("7.2", "pc", (2, 1))
    assert "vga" in default_features("7.2", "pc", (2, 2))


@pytest.mark.parametrize("call", [io_space, memory_windows])
def test_unknown_names_are_refused_with_the_known_ones(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="no board has a feature 'hpett'; features are: acpi"):
        call("7.2", "pc", NEWEST, frozenset({"hpett"}))
    with pytest.raises(ValueError, match="'virt'; boards are: pc, q35, microvm"):
        call("7.2", "virt", NEWEST)


def test_every_recorded_feature_is_explained() -> None:
    recorded = json.loads(data_file("windows", "x86_64-7.2.json").read_text(encoding="utf-8"))
    assert {f for features in recorded["features"].values() for f in features} == FEATURES.keys()


# -- address space "memory"


def test_a_bare_pc_has_only_an_ioapic() -> None:
    ioapic = ("ioapic", 0xFEC00000, 0x1000, 0, "system", "i/o")
    assert memory_windows("7.2", "pc", NEWEST, frozenset()) == (ioapic,)


def test_a_cirrus_card_puts_a_container_before_the_vga_window() -> None:
    windows = memory_windows("7.2", "q35", NEWEST, frozenset({"cirrus"}))
    assert windows[:2] == (
        ("cirrus-lowmem-container", 0xA0000, 0x20000, 1, "pci", "container"),
        ("cirrus-low-memory", 0, 0x20000, 0, "cirrus-lowmem-container", "i/o"),
    )


@pytest.mark.parametrize(
    ("features", "transports", "ioapics"),
    [({"acpi", "ioapic2"}, 24, 2), ({"acpi"}, 8, 1), ({"ioapic2"}, 8, 1), (set(), 8, 1)],
)
def test_microvm_has_more_transports_with_a_second_ioapic(
    features: set[str], transports: int, ioapics: int
) -> None:
    names = [w.name for w in memory_windows("7.2", "microvm", NEWEST, frozenset(features))]
    assert (names.count("virtio-mmio"), names.count("ioapic")) == (transports, ioapics)


# -- features of a command line


@pytest.mark.parametrize(
    ("line", "there", "gone"),
    [
        ("-M pc", {"acpi", "apic", "serial", "parallel"}, {"vga", "slots"}),
        ("-nodefaults", {"vmport"}, {"serial", "parallel"}),
        ("-M pc,acpi=off,vmport=off", {"i8042"}, {"acpi", "vmport"}),
        ("-M q35,nvdimm=on -m 1G,slots=2,maxmem=2G", {"nvdimm", "slots"}, {"floppy"}),
        ("-m 1G,maxmem=2G", {"acpi"}, {"slots"}),
        ("-cpu qemu64,-apic", {"pit"}, {"apic"}),
        ("-cpu qemu64,-apic -smp 2", {"apic"}, set()),
        ("-serial none -serial null -parallel none -parallel null", {"serial2", "parallel"},
         {"serial", "parallel2"}),
        ("-device isa-serial", {"parallel"}, {"serial"}),
        ("-M q35 -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off", set(), {"pci-hotplug"}),
        ("-M pc-q35-6.0 -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on", {"pci-hotplug"}, set()),
        ("-M pc -global PIIX4_PM.acpi-root-pci-hotplug=off", {"pci-hotplug"}, set()),
        ("-global fw_cfg.dma_enabled=off", set(), {"fw-cfg-dma"}),
        ("-M q35 -drive if=floppy", {"floppy"}, set()),
        ("-M microvm,rtc=off,usb=on", {"usb", "pic"}, {"rtc", "vmport"}),
    ],
)
def test_options_switch_features(line: str, there: set[str], gone: set[str]) -> None:
    features = wanted(line)
    assert there <= features
    assert not gone & features


@pytest.mark.parametrize(
    ("qemu", "ports"), [("5.2", {"serial"}), ("7.2", {"serial2"}), ("11.1", {"serial2"})]
)
def test_a_serial_port_that_is_none_keeps_its_place_in_newer_releases(qemu: str, ports: set[str]) -> None:
    features = wanted("-M pc -serial none -serial null", qemu=qemu)
    assert {name for name in features if name.startswith("serial")} == ports


@pytest.mark.parametrize(
    ("card", "feature"), [("VGA", "vga"), ("qxl-vga", "vga"), ("cirrus-vga", "cirrus")]
)
def test_the_default_card_is_a_feature(card: str, feature: str) -> None:
    assert wanted("-M pc", card) & {"vga", "cirrus"} == {feature}


# -- devices whose properties move their ports


@pytest.mark.parametrize(
    ("driver", "props", "number", "shift"),
    [
        ("isa-debug-exit", {}, 0, 0),
        ("isa-debug-exit", {"iobase": 0xF4}, 0, 0xF4 - 0x501),
        ("pvpanic", {"ioport": 0x600}, 0, 0xFB),
        ("isa-serial", {}, 1, 0x2F8 - 0x3F8),
        ("isa-serial", {"index": 2}, 0, 0x3E8 - 0x3F8),
        ("isa-parallel", {"iobase": 0x278}, 0, 0x278 - 0x378),
        ("sb16", {"iobase": 0x240}, 0, 0x20),
        ("VGA", {}, 0, 0),
    ],
)
def test_properties_move_ports(driver: str, props: dict[str, int], number: int, shift: int) -> None:
    assert port_shift("7.2", driver, props, number) == shift
