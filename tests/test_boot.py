"""boot() is a function of its arguments alone: the same guest every time, and nothing touched outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from steps import steps

import memkit
from memkit.config.remembered import REMEMBERED
from memkit.errors import CommandLineError, MemkitError
from memkit.monitor.parse_text import COMMANDS
from memkit.versions import KNOWN_QEMU

DIMM = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"


def texts(guest: memkit.Guest) -> list[str]:
    return [guest.monitor(command) for command in COMMANDS]


@pytest.mark.parametrize("line", ["", "-m 1G", DIMM, "-M q35 -m 3G -vga cirrus", "-M microvm -m 512"])
def test_the_same_line_gives_the_same_guest_as_text_list_and_config(line: str) -> None:
    first = memkit.boot(line)
    config = first.config
    assert config is not None
    for again in (line, line.split(), tuple(line.split()), config, config.argv()):
        assert texts(memkit.boot(again)) == texts(first)


def test_guests_share_nothing_that_changes() -> None:
    first, second = memkit.boot(DIMM), memkit.boot(DIMM)
    before = texts(second)
    first.ram_blocks[0].used_length = 4096
    first.ram_blocks[0].idstr = "changed"
    for region in first.address_space("memory").root.walk():
        region.name, region.size, region.enabled = "changed", 1, False
    assert texts(second) == before
    assert texts(memkit.boot(DIMM)) == before


def test_the_words_of_the_guest_name_what_was_built() -> None:
    guest = memkit.boot(DIMM)
    assert (guest.target, guest.qemu, guest.machine_type, guest.door) == (
        "x86_64", "7.2", "pc-i440fx-7.2", "model",
    )
    assert memkit.boot("qemu-system-i386 -m 1G").target == "i386"
    assert memkit.boot("-m 1G", target="i386", qemu="7.2.22").qemu == "7.2"


@pytest.mark.parametrize(("words", "said"), [
    ({"target": "mips"}, "the model does not know target 'mips'; it knows: x86_64, i386, aarch64, "),
    ({"target": 5}, "the model does not know target 5"),
    ({"qemu": "4.2"}, "the model does not know QEMU '4.2'; it knows: 5.2, 7.2, "),
    ({"qemu": "new"}, "'new' is no version of QEMU, such as 7.2; the model knows: 5.2, 7.2, "),
    ({"host": "server"}, "host= is a memkit.Host, not str; describe one with memkit.Host.from_dict"),
    ({"host": {"page_size": 4096}}, "host= is a memkit.Host, not dict"),
])
def test_arguments_that_the_model_does_not_know_are_told(words: dict[str, Any], said: str) -> None:
    with pytest.raises(MemkitError) as caught:
        memkit.boot("-m 1G", **words)
    assert str(caught.value).startswith(said)


def test_another_target_on_the_line_is_told() -> None:
    with pytest.raises(MemkitError, match="does not know target 'mips64'"):
        memkit.boot("qemu-system-mips64 -M virt")


@pytest.mark.parametrize("thing", [None, 5, b"-m 1G", ["-m", 1], "-m '1G", "-m 1G\0"])
def test_what_is_no_command_line_is_told(thing: Any) -> None:
    with pytest.raises(CommandLineError):
        memkit.boot(thing)


# The words below name programs, sockets, files and devices; the model may only talk about them.
HOSTILE = (
    "-m 1G -mem-path /proc/self/mem",
    "-object memory-backend-file,id=a,size=1G,mem-path=/etc/passwd,share=on -m 1G -M memory-backend=a",
    "-drive if=pflash,format=raw,file=/etc/passwd -drive file=/dev/sda -hda disk.img -cdrom /dev/cdrom",
    "-bios /etc/passwd -kernel /etc/passwd -initrd /etc/passwd -m 1G",
    "-netdev tap,id=n,script=/bin/sh -device e1000,netdev=n -monitor unix:/tmp/m,server -qmp tcp:0:4444",
    "-chardev socket,id=c,path=/tmp/x,server=on -serial file:/tmp/log -D /tmp/log -pidfile /tmp/pid",
    "-incoming exec:id -m 1G", "-readconfig /etc/passwd", "-daemonize -chroot / -runas root",
    "-device vfio-pci,host=00:02.0 -m 1G", "-fw_cfg name=opt/x,file=/etc/passwd", "-plugin /tmp/x.so -m 1G",
    "-object memory-backend-memfd,id=h,size=1G,hugetlb=on -m 1G -M memory-backend=h -mem-prealloc",
    "-device VGA,romfile=/etc/passwd", "-acpitable file=/etc/passwd -smbios file=/etc/passwd",
)
WATCH = """
import json, sys
import memkit

def use(line):
    try:
        guest = memkit.boot(line)
        guest.monitor("info ramblock"), guest.monitor("info mtree -f"), str(guest.explain(0))
    except memkit.MemkitError:
        pass

seen = []
kinds = ("open", "os", "socket", "subprocess", "shutil", "tempfile", "pty", "ctypes")
own = (sys.prefix, sys.base_prefix, sys.argv[1])

def look(event, args):
    # Python's modules and the kit's facts are read from files when they are first needed.
    mine = bool(args) and isinstance(args[0], str) and args[0].startswith(own)
    if event.partition(".")[0] in kinds and not mine:
        seen.append(event)

for line in ("-m 1G", "-M q35", "-M microvm", "-m 8GB"):
    use(line)
sys.addaudithook(look)
for line in json.loads(sys.argv[2]):
    use(line)
print(json.dumps(seen))
"""


def watched(root: Path, program: str, lines: tuple[str, ...]) -> list[str]:
    """What Python's audit events tell of a process that boots ``lines``."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(root), json.dumps(lines)], capture_output=True, text=True,
        check=False, cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_the_model_opens_starts_and_asks_nothing_that_a_line_names(root: Path) -> None:
    assert watched(root, WATCH, HOSTILE) == []


def test_the_watch_would_see_a_file_that_is_opened(root: Path) -> None:
    program = WATCH.replace("guest = memkit.boot(line)", "open(line); guest = memkit.boot('')", 1)
    program = program.replace('("-m 1G", "-M q35", "-M microvm", "-m 8GB")', "()")
    assert "open" in watched(root, program, ("/etc/hosts",))


READ = """
import sys
import memkit

own, read = sys.argv[1] + "/data/", set()

def look(event, args):
    if event == "open" and isinstance(args[0], str) and args[0].startswith(own):
        read.add(args[0][len(own):])

sys.addaudithook(look)
memkit.boot(sys.argv[2], qemu=sys.argv[3]).flat_view()
print(*sorted(read), sep="\\n")
"""


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_a_guest_of_one_qemu_reads_no_facts_of_another(root: Path, qemu: str) -> None:
    line = "-M q35 -m 1G,slots=2,maxmem=2G -object memory-backend-ram,id=m,size=1G -device pc-dimm,memdev=m"
    done = subprocess.run([sys.executable, "-c", READ, str(root), line, qemu], capture_output=True, text=True,
                          check=True, cwd=root)
    read = done.stdout.split()
    assert f"devices/x86_64-{qemu}.json" in read
    assert [name for name in read if f"-{qemu}.json" not in name] == []


def work(line: str) -> int:
    """How many steps it takes to boot ``line`` and to render what the guest sees."""
    return steps(lambda: memkit.boot(line).flat_view())


# What can stand on a line any number of times; {0} is its number.
MANY = {
    "memory devices": ("-m 1G,slots=256,maxmem=64G",
                       "-object memory-backend-ram,id=m{0},size=128M -device pc-dimm,memdev=m{0}"),
    "nvdimms": ("-M q35,nvdimm=on -m 1G,slots=256,maxmem=64G",
                "-object memory-backend-ram,id=m{0},size=128M -device nvdimm,memdev=m{0}"),
    "backends": ("-m 1G", "-object memory-backend-ram,id=m{0},size=64M"),
    "backends that one thread fills": (
        "-m 1G -object thread-context,id=t",
        "-object memory-backend-ram,id=m{0},size=64M,prealloc=on,prealloc-context=t",
    ),
    "disks": ("-m 1G -device virtio-scsi-pci", "-drive if=none,id=d{0} -device scsi-hd,drive=d{0}"),
    "consoles": ("-m 1G -device virtio-serial-pci", "-chardev null,id=c{0} -device virtconsole,chardev=c{0}"),
    "globals and devices": ("-m 1G -device virtio-scsi-pci", "-global VGA.vgamem_mb=16 -device scsi-cd"),
    "networks": ("-m 1G", "-netdev user,id=n{0}"),
}


@pytest.mark.parametrize("what", MANY)
def test_the_work_grows_like_the_number_of(what: str) -> None:
    first, one = MANY[what]

    def line(count: int) -> str:
        return " ".join([first, *(one.format(number) for number in range(count))])

    # All lines alike: read before, whatever other tests left.
    REMEMBERED.clear()
    work(line(200))
    none, some, many = (work(line(count)) for count in (0, 50, 200))
    # Four times as many.  Even one look at all others for each would show here.
    assert (many - none) / (some - none) < 4.3


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_one_more_memory_device_takes_few_steps(qemu: str) -> None:
    """A budget: QEMU is a hundred times slower only as long as nobody spends more on each of 250 devices."""
    first, one = MANY["memory devices"]

    def line(count: int) -> str:
        return " ".join([first, *(one.format(number) for number in range(count))])

    def boot(count: int) -> int:
        return steps(lambda: memkit.boot(line(count), qemu=qemu))

    # What other tests left there could be forgotten in between.
    REMEMBERED.clear()
    boot(200)
    assert (boot(200) - boot(100)) / 100 < 600


def test_options_that_were_never_read_before_cost_little_more() -> None:
    first, one = MANY["memory devices"]

    def boot(count: int) -> int:
        REMEMBERED.clear()
        line = " ".join([first, *(one.format(number) for number in range(count))])
        return steps(lambda: memkit.boot(line))

    boot(1)
    assert (boot(200) - boot(100)) / 100 < 750


def test_the_work_grows_like_the_number_of_numa_nodes() -> None:
    def nodes(count: int) -> str:
        node = "-object memory-backend-ram,id=m{0},size=64M -numa node,nodeid={0},cpus={0},memdev=m{0}"
        return f"-m {count * 64}M -smp {count} {' '.join(map(node.format, range(count)))}"

    memkit.boot(nodes(1))
    few, some, many = (work(nodes(count)) for count in (1, 16, 64))
    assert (many - few) / (some - few) < 4.6  # 63 more against 15 more: linear is 4.2, squared 17.6
