"""What launch() gives to QEMU has no way out to the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from memkit.errors import CommandLineError
from memkit.qemu.safety import UnsafeOption, make_safe


def kept(line: str) -> list[str]:
    """What is left of the user's words."""
    argv = make_safe(line.split()).argv
    return argv[argv.index("tcg") + 1:]


@pytest.mark.parametrize("option", [
    "-daemonize", "--daemonize", "-chroot /tmp", "-runas nobody", "-run-with user=nobody", "-pidfile /tmp/p",
    "-D /tmp/log", "-readconfig /tmp/c", "-incoming tcp:0:4444", "-incoming exec:ls", "-loadvm a",
    "-plugin /tmp/x.so", "-qtest stdio", "-dump-vmstate /tmp/x", "-device vfio-pci,host=01:00.0",
    "-device usb-host,vendorid=1", '-device {"driver":"vfio-pci","host":"01:00.0"}',
    "-object filter-dump,id=f,netdev=n,file=/tmp/x", "-object input-linux,id=k,evdev=/dev/input/event0",
    "-icount shift=auto,rr=record,rrfile=/tmp/x", "-trace enable=*,file=/tmp/x",
])
def test_options_that_escape_or_write_are_refused_by_name(option: str) -> None:
    with pytest.raises(UnsafeOption) as caught:
        make_safe(["-m", "1G", *option.split(" ", 1)])
    assert str(caught.value).startswith(f"launch does not take {option}: ")


@pytest.mark.parametrize("option", [
    "-monitor stdio", "-qmp unix:/tmp/q,server", "-mon chardev=c", "-display gtk", "-vnc :1", "-spice port=1",
    "-nographic", "-s", "-gdb tcp::1", "-d int", "-enable-kvm", "-accel kvm", "-preconfig",
])
def test_monitors_displays_and_debuggers_are_left_out_with_a_note(option: str) -> None:
    plan = make_safe(option.split())
    assert plan.argv == make_safe([]).argv
    assert plan.notes[0].startswith(f"launch left out {option} (")


@pytest.mark.parametrize(("line", "words"), [
    ("-netdev user,id=n,hostfwd=tcp::2222-:22 -nodefaults", "-netdev hubport,id=n,hubid=9000 -nodefaults"),
    ("-netdev tap,id=n,script=/bin/sh -nodefaults", "-netdev hubport,id=n,hubid=9000 -nodefaults"),
    ("-nic user,model=e1000,mac=52:54:00:1:2:3", "-nic hubport,hubid=9000,model=e1000,mac=52:54:00:1:2:3"),
    ("-net nic,model=rtl8139 -net user", "-net nic,model=rtl8139"),
    ("-nic none", "-nic none"),
    ("-nodefaults -chardev socket,id=c,path=/tmp/x,server=on", "-nodefaults -chardev null,id=c"),
    ("-nodefaults -serial stdio", "-nodefaults -serial null"),
    ("-nodefaults -serial chardev:c", "-nodefaults -serial chardev:c"),
    ("-nodefaults -machine q35,accel=kvm:tcg,smm=off", "-nodefaults -machine q35,smm=off"),
    ("-nodefaults -audiodev pa,id=a", "-nodefaults -audiodev none,id=a"),
    ('-nodefaults -object {"qom-type":"secret","id":"masterKey0","format":"raw","file":"/key.aes"}',
     "-nodefaults -object secret,id=masterKey0,data=unknown"),
    ("-nodefaults -object secret,id=s,data=abc", "-nodefaults -object secret,id=s,data=abc"),
])
def test_the_outside_end_goes_and_the_device_stays(line: str, words: str) -> None:
    assert kept(line) == words.split()


@pytest.mark.parametrize("accelerator", ["-enable-kvm", "-accel kvm", "-machine q35,accel=kvm:tcg"])
def test_the_hosts_cpu_is_replaced_where_its_accelerator_was_taken_away(accelerator: str) -> None:
    for line in (f"{accelerator} -cpu host,migratable=off", f"-cpu host,migratable=off {accelerator}"):
        plan = make_safe(line.split())
        assert plan.argv[plan.argv.index("-cpu") + 1] == "max,migratable=off"
        assert plan.notes[-1] == "launch wrote -cpu max in place of -cpu host, which needs KVM"
    # QEMU itself says what is wrong with this one.
    assert make_safe(["-cpu", "host"]).argv[-2:] == ["-cpu", "host"]
    assert make_safe(["-M", "q35,accel=tcg", "-cpu", "host"]).argv[-2:] == ["-cpu", "host"]


def test_json_network_backends_are_cut_too() -> None:
    plan = make_safe(["-netdev", '{"type":"tap","fd":"3","id":"hostnet0"}'])
    assert "hubport,id=hostnet0,hubid=9000" in plan.argv


def test_the_default_nic_stays_and_nodefaults_is_not_added() -> None:
    argv = make_safe(["-m", "1G"]).argv
    assert argv == ["-S", "-display", "none", "-accel", "tcg", "-net", "nic", "-m", "1G"]


def test_disks_are_opened_below_an_overlay() -> None:
    plan = make_safe(["disk.img", "-drive", "if=pflash,file=/tmp/a,format=raw"])
    assert "-snapshot" in plan.argv
    assert plan.disks == ["disk.img", "/tmp/a"]


def test_files_of_memory_backends_are_looked_after() -> None:
    backend = "memory-backend-file,id=a,mem-path=/dev/shm/a,size=1M"
    plan = make_safe(["-object", backend, "-mem-path", "/tmp/x"])
    assert plan.files == ["/dev/shm/a", "/tmp/x"]


@pytest.mark.parametrize(("backend", "device"), [
    ("share=on", "virtio-mem-pci,memdev=a"), ("share=yes", '{"driver":"virtio-mem-pci","memdev":"a"}'),
    ("share=true", "loader,file=x,addr=0"),
])
def test_devices_that_write_at_power_on_are_refused_with_a_shared_file(
    tmp_path: Path, backend: str, device: str
) -> None:
    path = tmp_path / "data"
    words = ["-object", f"memory-backend-file,id=a,size=1M,mem-path={path},{backend}", "-device", device]
    assert make_safe(words).shared == {}
    path.touch()
    assert make_safe(words).shared == {}
    path.write_bytes(b"x")
    with pytest.raises(UnsafeOption, match=f"launch does not take -device .*{path}"):
        make_safe(words)
    private = [w.replace(backend, "share=off") for w in words]
    assert make_safe(private).argv[-4:] == private


@pytest.mark.parametrize("line", ["-help", "-version", "-M help", "-device help", "-cpu ?"])
def test_a_line_that_asks_for_help_starts_no_guest(line: str) -> None:
    with pytest.raises(CommandLineError, match="asks QEMU for help"):
        make_safe(line.split())
