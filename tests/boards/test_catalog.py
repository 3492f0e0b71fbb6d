"""The catalog says what the recorded QEMUs said: most examples are of 7.2."""

from __future__ import annotations

import json

import pytest

from memkit.boards import catalog
from memkit.boards.catalog import data_file

MIB = 1 << 20


RECORDED = ("5.2", "7.2", "10.0", "11.1")


@pytest.mark.parametrize("qemu", RECORDED)
@pytest.mark.parametrize("room", ["devices", "machines"])
def test_every_file_says_where_it_comes_from(room: str, qemu: str) -> None:
    about = json.loads(data_file(room, f"x86_64-{qemu}.json").read_text(encoding="utf-8"))["about"]
    assert about["qemu"].startswith(f"QEMU emulator version {qemu}.")
    assert about["script"] == "tools/record"
    assert about["package"].startswith(f"qemu-system-x86 1:{qemu}")
    assert about["date"]


@pytest.mark.parametrize("qemu", RECORDED)
def test_the_data_stays_small(qemu: str) -> None:
    files = [data_file(room, f"x86_64-{qemu}.json") for room in ("devices", "machines")]
    assert sum(f.stat().st_size for f in files) < 460_000


def test_devices_come_and_go_with_the_releases() -> None:
    assert catalog.device("7.2", "sga") is not None
    assert catalog.device("10.0", "sga") is None
    assert catalog.device("7.2", "igb") is None
    assert catalog.device("10.0", "igb") is not None
    assert catalog.device("5.2", "pvpanic-pci") is None
    assert "volatile-memdev" in catalog.device("10.0", "cxl-type3").properties
    assert "volatile-memdev" not in catalog.device("7.2", "cxl-type3").properties


def test_a_card_that_the_package_lacks_is_refused_in_its_words() -> None:
    assert catalog.vga_refusal("7.2", "qxl") == ""
    assert catalog.vga_refusal("10.0", "qxl").startswith("QXL VGA not available")


def test_nic_models_are_names_without_what_stands_behind_them() -> None:
    assert "virtio-net-pci" in catalog.nic_models("10.0")
    assert not any(" " in name for name in catalog.nic_models("10.0"))


def test_an_alias_is_the_device_it_stands_for() -> None:
    assert catalog.device("7.2", "virtio-net") is not None
    assert catalog.device("7.2", "virtio-net").name == "virtio-net-pci"
    assert catalog.device("7.2", "e1000-82540em").name == "e1000"
    assert catalog.device("7.2", "nope") is None


def test_properties_have_types_and_defaults() -> None:
    vga = catalog.device("7.2", "VGA")
    assert vga is not None
    assert vga.bus == "PCI"
    assert vga.properties["vgamem_mb"] == "uint32"
    assert vga.defaults["vgamem_mb"] == "16"
    assert "romfile" not in vga.defaults
    assert "memdev" not in vga.properties
    dimm = catalog.device("7.2", "pc-dimm")
    assert dimm is not None
    assert dimm.properties["memdev"] == "link<memory-backend>"


def test_a_type_that_is_not_for_the_command_line_has_its_own_words() -> None:
    assert catalog.unpluggable("7.2", "pci-device") == (
        "-device pci-device: Parameter 'driver' expects a non-abstract device type"
    )
    assert catalog.unpluggable("7.2", "VGA") == ""


def test_blocks_come_in_order_of_creation_with_the_path_in_front() -> None:
    seen = catalog.observed("7.2", "VGA", "pc")
    assert seen is not None
    assert [(b.name, b.size) for b in seen.blocks] == [("%/vga.vram", 16 * MIB), ("%/vga.rom", 65536)]
    assert seen.blocks[0].idstr("0000:00:02.0:00.0") == "0000:00:02.0:00.0/vga.vram"
    assert seen.romfile == "vgabios-stdvga.bin"
    assert "+ pci: a0000-bffff 1 i/o vga-lowmem" in seen.tree


def test_a_block_may_have_no_path() -> None:
    seen = catalog.observed("7.2", "vmware-svga", "q35")
    assert seen is not None
    assert seen.blocks[0].idstr("0000:00:01.0") == "vmsvga.fifo"


def test_a_refused_device_may_start_with_a_recipe() -> None:
    seen = catalog.observed("7.2", "ivshmem-plain", "q35")
    assert seen is not None
    assert seen.refusal == "-device ivshmem-plain: You must specify a 'memdev'"
    assert seen.then is not None
    assert [b.name for b in seen.then.blocks] == ["%/m0"]


def test_microvm_has_no_pci_bus() -> None:
    seen = catalog.observed("7.2", "e1000", "microvm")
    assert seen is not None
    assert seen.refusal == "-device e1000: No 'PCI' bus found for device 'e1000'"


def test_a_board_that_differs_from_pc_keeps_the_rest() -> None:
    pc, q35 = catalog.observed("7.2", "isa-vga", "pc"), catalog.observed("7.2", "isa-vga", "q35")
    assert pc is not None
    assert q35 is not None
    assert pc.blocks == q35.blocks
    assert pc.flat["I/O"] != q35.flat["I/O"]


@pytest.mark.parametrize(
    "driver, block, prop, value, size",
    [
        ("VGA", "%/vga.vram", "vgamem_mb", 5, 8 * MIB),
        ("VGA", "%/vga.vram", "vgamem_mb", 1024, 512 * MIB),
        ("bochs-display", "%/bochs-display-vram", "vgamem", 100 * MIB, 128 * MIB),
        ("qxl-vga", "%/vga.vram", "vgamem_mb", 16, 64 * MIB),
        ("qxl-vga", "%/vga.vram", "vgamem_mb", 33, 128 * MIB),
        ("e1000", "%/e1000.rom", "romfile", 5000, 8192),
        ("e1000", "%/e1000.rom", "romfile", 1, 4096),
    ],
)
def test_a_rule_gives_the_size_that_qemu_gave(
    driver: str, block: str, prop: str, value: int, size: int
) -> None:
    rule = catalog.size_rule("7.2", driver, block, prop)
    assert rule is not None
    assert rule.apply(value) == size


def test_every_rule_agrees_with_its_sweep() -> None:
    raw = json.loads(data_file("devices", "x86_64-7.2.json").read_text(encoding="utf-8"))["devices"]
    units = {"K": 1 << 10, "M": MIB, "G": 1 << 30}

    def number(text: str) -> int:
        return int(text.rstrip("KMG")) * units.get(text[-1], 1)

    checked = 0
    for driver, facts in raw.items():
        for block, props in facts.get("rules", {}).items():
            for prop in props:
                rule = catalog.size_rule("7.2", driver, block, prop)
                if rule is None:
                    continue
                for text, values in facts["sweep"][prop].items():
                    sizes = dict(word.rpartition("=")[::2] for word in text.split())
                    if text.startswith("!") or f"-{block}" in sizes.values():
                        continue
                    for value in values.split():
                        if value == "''" or f"-{block}" in text.split():
                            continue
                        wanted = number(sizes[block]) if block in sizes else rule.size
                        assert rule.apply(number(value)) == wanted, (driver, block, prop, value)
                        checked += 1
    assert checked > 300


def test_a_pcie_port_of_7_2_takes_any_slot() -> None:
    bus = catalog.secondary_bus("7.2", "pcie-root-port")
    assert bus == catalog.SecondaryBus(express=True, cxl=False)
    assert catalog.secondary_bus("7.2", "VGA") is None


def test_what_may_not_be_below_a_bridge_is_refused() -> None:
    assert catalog.refused_below("7.2", "virtio-iommu-pci", "pcie-root-port").endswith(
        "virtio-iommu-pci must be plugged on the root bus"
    )
    assert catalog.refused_below("7.2", "e1000", "pci-bridge") == ""


def test_some_devices_are_singles() -> None:
    assert catalog.refused_twice("7.2", "vmware-svga") == 'RAMBlock "vmsvga.fifo" already registered, abort!'
    assert catalog.refused_twice("7.2", "e1000") == ""


def test_machine_properties_of_the_class_and_of_the_object() -> None:
    assert catalog.machine_properties("7.2", "pc")["max-ram-below-4g"] == "size"
    assert catalog.machine_properties("7.2", "q35")["nvdimm"] == "bool"
    assert catalog.machine_properties("7.2", "q35")["pflash0"].endswith(("str", "string"))
    assert "nvdimm" not in catalog.machine_properties("7.2", "microvm")
    assert catalog.machine_properties("7.2", "nope") == {}


def test_machine_types_and_their_values() -> None:
    pc = catalog.machine("7.2", "pc")
    assert pc is not None
    assert (pc.name, pc.default_cpu, pc.max_cpus) == ("pc-i440fx-7.2", "qemu64-x86_64-cpu", 255)
    assert pc.values["firmware"] == '"bios-256k.bin"'
    old = catalog.machine("7.2", "pc-i440fx-1.7")
    assert old is not None
    assert "firmware" not in old.values
    assert old.deprecated
    assert catalog.machine("7.2", "pc-9") is None


@pytest.mark.parametrize(
    "machine, names",
    [
        ("pc-i440fx-7.2", ["m2", "m3"]),
        ("pc-i440fx-4.0", ["m2", "m3"]),
        ("pc-i440fx-3.1", ["/objects/m2", "/objects/m3"]),
        ("pc-q35-2.4", ["/objects/m2", "/objects/m3"]),
    ],
)
def test_old_machines_name_file_backends_by_their_path(machine: str, names: list[str]) -> None:
    blocks = [line.split()[0] for line in catalog.machine_start("7.2", "dimms", machine)["blocks"]]
    assert blocks[1:3] == names


def test_an_older_start_is_put_together_from_the_differences() -> None:
    old = catalog.machine_start("7.2", "default", "pc-i440fx-2.1")
    assert "0000:00:02.0/cirrus_vga.rom 0x40880000 0x10000 0x10000 4K" in old["blocks"]
    assert "a0000-bffff 0 i/o cirrus-low-memory" in old["flat memory"]
    starts = [int(line.partition("-")[0], 16) for line in old["flat memory"]]
    assert starts == sorted(starts)


def test_what_a_device_brings_depends_on_the_machine() -> None:
    assert str(catalog.device_on("7.2", "cirrus-vga", "pc-i440fx-2.9")).startswith("vga.vram=4M")
    assert str(catalog.device_on("7.2", "cirrus-vga", "pc-i440fx-2.8")).startswith("vga.vram=8M")
    assert "e1000.rom=128K" in str(catalog.device_on("7.2", "e1000", "pc-i440fx-1.4"))
    assert catalog.device_on("7.2", "nope", "pc-i440fx-1.4") is None


def test_outcomes_by_machine() -> None:
    assert catalog.outcome("7.2", "numa mem=", "pc-i440fx-5.0").startswith("starts | ")
    assert catalog.outcome("7.2", "maxmem", "pc-i440fx-2.0") == (
        "\"-memory 'slots|maxmem'\" is not supported by: MACHINE"
    )
    assert catalog.outcome("7.2", "nope", "pc-i440fx-2.0") is None


@pytest.mark.parametrize(
    "name, vendor, bits",
    [
        ("qemu64", "AuthenticAMD", 40),
        ("EPYC-Milan-v1", "AuthenticAMD", 40),
        ("Dhyana", "HygonGenuine", 40),
        ("Haswell", "GenuineIntel", 40),
        ("pentium", "GenuineIntel", 32),
        ("qemu32", "GenuineIntel", 32),
        ("kvm32", "GenuineIntel", 36),
        ("athlon", "AuthenticAMD", 36),
        ("base", "", 32),
    ],
)
def test_cpu_models(name: str, vendor: str, bits: int) -> None:
    cpu = catalog.cpu("7.2", name)
    assert cpu is not None
    assert (cpu.vendor, cpu.phys_bits) == (vendor, bits)
    assert cpu.amd == (vendor == "AuthenticAMD")


def test_a_cpu_model_that_needs_kvm_says_so() -> None:
    host = catalog.cpu("7.2", "host")
    assert host is not None
    assert host.refusal == "CPU model 'host' requires KVM or HVF"
    assert catalog.cpu("7.2", "nope") is None
    assert catalog.cpu("7.2", "") is None


def test_a_misspelt_name_has_a_neighbour() -> None:
    names = catalog.device_names("7.2")
    assert catalog.near("virtio-net-pcy", names) == "; did you mean virtio-net-pci or virtio-rng-pci?"
    assert catalog.near("zzzz", names) == ""
