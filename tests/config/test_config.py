"""A Config shows options as QEMU takes them: merged, last ones winning, typed."""

from __future__ import annotations

import pytest

import memkit
from memkit.config import MemoryOptions, SmpOptions, parse

GIB = 1 << 30


@pytest.mark.parametrize(("line", "memory"), [
    ("", MemoryOptions()),
    ("-m 512", MemoryOptions(512 << 20)),
    ("-m 1.5G", MemoryOptions(3 * GIB // 2)),
    ("-m 0", MemoryOptions()),
    ("-m 1G,slots=2,maxmem=4G", MemoryOptions(GIB, 2, 4 * GIB)),
    ("-m slots=0x2,maxmem=4294967296", MemoryOptions(None, 2, 4 * GIB)),
    ("-m 1G -m 2G -m slots=1,maxmem=3G", MemoryOptions(2 * GIB, 1, 3 * GIB)),
    ("-M q35,memory.size=2G,memory.max-size=3G,memory.slots=1", MemoryOptions(2 * GIB, 1, 3 * GIB)),
    ("-M memory.size=2G -m 1G", MemoryOptions(GIB)),
])
def test_memory_options(line: str, memory: MemoryOptions) -> None:
    assert memory == parse(line).memory_options()


@pytest.mark.parametrize(("line", "smp"), [
    ("", SmpOptions()),
    ("-smp 4", SmpOptions(cpus=4)),
    ("-smp 4,sockets=2,cores=2", SmpOptions(cpus=4, sockets=2, cores=2)),
    ("-smp 4 -smp cores=2", SmpOptions(cpus=4, cores=2)),
    ("-M smp.cpus=2 -smp maxcpus=4", SmpOptions(cpus=2, maxcpus=4)),
])
def test_smp_options(line: str, smp: SmpOptions) -> None:
    assert smp == parse(line).smp_options()


def test_what_is_short_for_a_machine_property_is_one() -> None:
    config = parse("-M q35,hpet=on -no-hpet -no-acpi -usb -enable-kvm -bios b -kernel k -append x")
    assert {
        "type": "q35", "hpet": "off", "acpi": "off", "usb": "on", "accel": "kvm", "firmware": "b",
        "kernel": "k", "append": "x",
    } == config.machine


def test_an_empty_smp_says_nothing() -> None:
    config = parse(["-smp", "", "-M", "q35,a.0=x"])
    assert SmpOptions() == config.smp_options()
    assert {"type": "q35", "a.0": "x"} == config.machine


def test_the_last_machine_type_wins() -> None:
    assert "q35" == parse("-M pc -machine type=microvm,type=q35").machine_type
    assert "pc" == parse("-M usb=on").machine_type


def test_two_spellings_of_one_property_conflict() -> None:
    with pytest.raises(memkit.Refused, match="Conflict between 'memory_backend' and 'memory-backend'"):
        parse("-M memory-backend=a,memory_backend=b").machine_tree()


def test_objects_are_typed() -> None:
    config = parse(
        "-object memory-backend-file,id=a,size=1G,mem-path=/x,share=on,host-nodes=0-1,host-nodes=3,"
        "policy=bind "
        "-object '{\"qom-type\":\"memory-backend-ram\",\"id\":\"b\",\"size\":1048576,\"prealloc\":true}'"
    )
    first, second = config.objects
    assert ("memory-backend-file", "a") == (first.qom_type, first.id)
    assert {
        "size": GIB, "mem-path": "/x", "share": True, "host-nodes": [0, 1, 3], "policy": "bind"
    } == first.props
    assert {"size": 1 << 20, "prealloc": True} == second.props
    assert second.option is config.options[1]


def test_devices_are_text_or_json_and_set_changes_them() -> None:
    config = parse(
        "-device pc-dimm,id=a,memdev=m,slot=1 -set device.a.slot=2 "
        "-device '{\"driver\":\"nvdimm\",\"slot\":3}'"
    )
    first, second = config.devices
    assert ("pc-dimm", "a", {"memdev": "m", "slot": "2"}, False) == (
        first.driver, first.id, first.props, first.json
    )
    assert ("nvdimm", None, {"slot": 3}, True) == (second.driver, second.id, second.props, second.json)


def test_drives_and_nodes() -> None:
    config = parse(
        "-drive if=pflash,file=a,unit=1,readonly=on -pflash b -hdb c d.img "
        "-blockdev driver=file,node-name=n,filename=e"
    )
    assert [
        ("pflash", "a", 1, True), ("pflash", "b", None, False), ("ide", "c", 1, False),
        ("ide", "d.img", 0, False),
    ] == [(drive.interface, drive.file, drive.unit, drive.readonly) for drive in config.drives]
    assert [("n", "file", "e")] == [(n.node_name, n.driver, n.filename) for n in config.blockdevs]


def test_numa_options_are_read_when_their_turn_comes() -> None:
    config = parse(
        "-numa node,nodeid=1,cpus=0-1,cpus=3,mem=512 -numa dist,src=0,dst=1,val=20 -numa cpu,node-id=x"
    )
    turn = config.iter_numa()
    node = next(turn)
    assert (1, (0, 1, 3), 512 << 20) == (node.nodeid, node.cpus, node.mem)
    assert {"src": 0, "dst": 1, "val": 20} == next(turn).props
    with pytest.raises(memkit.Refused, match="Parameter 'node-id' expects an int64 value"):
        next(turn)


@pytest.mark.parametrize(("line", "warnings"), [
    ("-m 1G", ()),
    ("-m 0x10M", (
        "-m 0x10M: warning: Using a multiplier suffix on hex numbers is deprecated: 0x10M",
        "warning: Using a multiplier suffix on hex numbers is deprecated: 0x10M",
    )),
    ("-device pc-dimm,nofoo,memdev=m,bar", (
        "-device pc-dimm,nofoo,memdev=m,bar: warning: short-form boolean option 'nofoo' deprecated\n"
        "Please use foo=off instead",
        "-device pc-dimm,nofoo,memdev=m,bar: warning: short-form boolean option 'bar' deprecated\n"
        "Please use bar=on instead",
    )),
])
def test_warnings_are_qemus_own(line: str, warnings: tuple[str, ...]) -> None:
    assert warnings == parse(line).warnings


def test_a_flood_of_warnings_is_cut() -> None:
    assert 100 == len(parse("-device pc-dimm," + "share," * 5_000).warnings)


def test_configs_are_equal_if_their_options_are() -> None:
    assert parse("-m 1G -S") == parse("-m   1G   -S")
    assert parse("-m 1G -S") != parse("-S -m 1G")
    assert parse("--m 1G") != parse("-m 1G")


def test_the_last_global_size_wins_and_a_wrong_one_is_refused() -> None:
    config = parse("-global q35-pcihost.pci-hole64-size=1G -global q35-pcihost.pci-hole64-size=4G")
    assert 4 * GIB == config.global_size("q35-pcihost", "pci-hole64-size", 5)
    assert 5 == config.global_size("i440FX-pcihost", "pci-hole64-size", 5)
    with pytest.raises(memkit.Refused) as caught:
        parse("-S -global q35-pcihost.pci-hole64-size=x").global_size("q35-pcihost", "pci-hole64-size", 5)
    assert (
        "can't apply global q35-pcihost.pci-hole64-size=x: Parameter 'pci-hole64-size' expects a "
        "non-negative number below 2^64"
    ) == caught.value.message.partition("\n")[0]
    assert 1 == caught.value.position
