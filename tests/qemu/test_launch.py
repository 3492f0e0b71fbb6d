"""launch() shows a real QEMU's memory and leaves nothing behind, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import memkit
from memkit.errors import CommandLineError, MemkitError, Refused, Unavailable
from memkit.qemu.launch import UnsafeOption, launch

psutil = pytest.importorskip("psutil")

DIMM = "-m 4G,slots=2,maxmem=8G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,memdev=m1,id=d1"


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """No child process, scratch file, socket or thread is left."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    open_before = psutil.Process().num_fds()
    yield
    assert psutil.Process().children(recursive=True) == []
    assert list(scratch.iterdir()) == []
    assert psutil.Process().num_fds() <= open_before
    assert not any(t.name == "memkit-qmp" for t in threading.enumerate())


def program(path: Path, body: str) -> str:
    """A stand-in for QEMU: a Python program."""
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(body)}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.needs_qemu
def test_the_observed_guest_has_all_that_the_monitor_and_qom_tell() -> None:
    guest = launch(DIMM)
    assert (guest.door, guest.machine_type[:9], guest.target) == ("observed", "pc-i440fx", "x86_64")
    assert [d.id for d in guest.memory_devices] == ["d1"]
    types = {b.id: (b.type, b.implicit) for b in guest.backends}
    assert types == {"m1": ("memory-backend-ram", False), "pc.ram": ("memory-backend-ram", True)}
    dimm = next(f for f in guest.frontends if f.kind == "pc-dimm")
    assert [b.idstr for b in dimm.blocks] == ["m1"]
    assert [r.name for r in dimm.regions] == ["m1"]
    assert guest.config is not None
    assert guest.config.options[dimm.option_index or 0].name == "device"
    assert {f.kind for f in guest.frontends} == {"machine", "pc-dimm", "VGA", "e1000"}
    assert guest.warnings == ()


@pytest.mark.needs_qemu
def test_a_frontend_knows_its_region_even_if_the_name_exists_twice() -> None:
    guest = launch("-M q35 -vga cirrus -device VGA,id=second")
    cards = [f for f in guest.frontends if any(b.idstr.endswith("/vga.vram") for b in f.blocks)]
    assert [(f.kind, f.id) for f in cards] == [("cirrus-vga", None), ("VGA", "second")]


@pytest.mark.needs_qemu
def test_monitor_prints_what_qemu_printed() -> None:
    guest = launch("-m 512 -M microvm")
    assert guest.monitor("info mtree") == guest.raw_monitor["info mtree"]
    assert "microvm.ram" in guest.monitor("info ramblock")


@pytest.mark.needs_qemu
def test_a_refusal_has_qemus_words_without_the_programs_name() -> None:
    with pytest.raises(Refused) as caught:
        launch("-m 1G -device pc-dimm,memdev=nobody")
    assert caught.value.message == "-device pc-dimm,memdev=nobody: Device 'nobody' not found"


@pytest.mark.needs_qemu
def test_warnings_are_collected_without_those_that_launch_causes() -> None:
    guest = launch("-m 1G -vga none -smp 2 -M pc-i440fx-2.3")
    assert all("peer" not in w and "hub" not in w for w in guest.warnings)


@pytest.mark.needs_qemu
def test_it_works_inside_a_running_event_loop() -> None:
    async def cell() -> memkit.Guest:
        return launch("-m 512 -M microvm")

    assert asyncio.run(cell()).ram_blocks


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", [
    "-m 256",
    "-M q35 -m 256 -netdev user,id=n -device virtio-net-pci,netdev=n",
    "-m 256 -nic user,model=e1000e -nic user,model=rtl8139",
    "-M q35 -m 256 -net nic,model=virtio -net user -serial null -parallel none",
    "-m 256 -nodefaults -netdev user,id=n -device e1000,netdev=n -chardev null,id=c",
    "-M microvm -m 256 -netdev user,id=n -device virtio-net-device,netdev=n",
])
def test_what_launch_adds_and_cuts_leaves_the_memory_as_it_is(line: str, qemu: str) -> None:
    commands = ("info ramblock", "info mtree", "info memdev")
    done = subprocess.run(
        [qemu, "-S", "-accel", "tcg", "-display", "none", "-monitor", "stdio", *line.split()], check=True,
        input="".join(f"{c}\n" for c in (*commands, "quit")), capture_output=True, text=True,
    )
    # The terminal echoes what is typed, so the answers are the lines without a prompt.
    plain = [x for x in done.stdout.replace("\r", "").splitlines() if "(qemu)" not in x and "\x1b" not in x]
    told = [x for c in commands for x in launch(line).raw_monitor[c].replace("\r", "").splitlines()]
    # Trees come in the order of a hash table.
    assert sorted(x for x in plain[1:] if x) == sorted(x for x in told if x)


@pytest.mark.needs_qemu
def test_two_at_once_do_not_disturb_each_other() -> None:
    lines = ["-m 512 -M microvm", "-m 1G -M q35", "-m 1G -device pc-dimm,memdev=nobody"]

    def one(line: str) -> str:
        try:
            return launch(line, timeout=60).machine_type
        except Refused as refused:
            return refused.message

    with ThreadPoolExecutor(3) as pool:
        small, large, refused = pool.map(one, lines)
    assert (small, large[:6]) == ("microvm", "pc-q35")
    assert refused == "-device pc-dimm,memdev=nobody: Device 'nobody' not found"


@pytest.mark.needs_qemu
def test_a_line_for_kvm_shows_the_same_memory_under_tcg() -> None:
    line = "-M q35,accel=kvm -m 256 -nodefaults -cpu host,migratable=off"
    guest = launch(line)
    assert [b.idstr for b in guest.ram_blocks] == [b.idstr for b in launch(line.replace(
        ",accel=kvm", "").replace("host,migratable=off", "max")).ram_blocks]
    assert guest.warnings[-1] == "memkit: launch wrote -cpu max in place of -cpu host, which needs KVM"


@pytest.mark.needs_qemu
def test_a_refusal_says_what_launch_changed_before() -> None:
    with pytest.raises(Refused) as caught:
        launch("-m 128 -enable-kvm -device nosuch")
    assert caught.value.message == "-device nosuch: 'nosuch' is not a valid device model name"
    assert caught.value.explanation == (
        "QEMU did not get the line as it stands: launch left out -enable-kvm (accelerators other than tcg)."
    )


def test_many_changes_are_told_by_their_options(tmp_path: Path) -> None:
    broken = program(tmp_path / "no", "import sys; sys.exit('qemu-system-x86_64: broken')")
    with pytest.raises(Refused) as caught:
        launch("-m 1G -enable-kvm -vnc :1 -monitor stdio -monitor vc -serial stdio", qemu=broken)
    assert caught.value.explanation == (
        "QEMU did not get the line as it stands: launch left out or changed -enable-kvm, -vnc, -monitor, "
        "-serial."
    )


def test_a_guest_too_large_for_this_machine_is_refused_with_a_way_out(tmp_path: Path) -> None:
    words = "cannot set up guest memory 'pc.ram': Cannot allocate memory"
    full = program(tmp_path / "full", f"import sys; sys.exit(\"qemu-system-x86_64: {words}\")")
    with pytest.raises(Refused) as caught:
        launch("-m 8T", qemu=full)
    assert caught.value.message == words
    assert "memkit.boot shows the guest nevertheless" in caught.value.explanation


@pytest.mark.needs_qemu
@pytest.mark.parametrize("device", ["virtio-mem-pci,memdev=a", "loader,file={path},addr=0x1000"])
def test_a_shared_file_keeps_its_bytes(tmp_path: Path, device: str) -> None:
    path = tmp_path / "precious"
    path.write_bytes(b"x" * (4 << 20))
    with pytest.raises(UnsafeOption, match=r"Use share=off, or a file that does not exist yet\.$"):
        launch([
            "-m", "128,maxmem=1G", "-object", f"memory-backend-file,id=a,size=4M,mem-path={path},share=on",
            "-device", device.format(path=path),
        ])
    assert path.read_bytes() == b"x" * (4 << 20)


@pytest.mark.needs_qemu
def test_a_file_that_qemu_made_is_removed_and_an_empty_one_stays_empty(tmp_path: Path) -> None:
    fresh, empty, full = tmp_path / "fresh", tmp_path / "empty", tmp_path / "full"
    empty.touch()
    full.write_bytes(b"x" * (1 << 20))
    objects = [
        f"-object=memory-backend-file,id={path.name},mem-path={path},size=1M,share=on".partition("=")[::2]
        for path in (fresh, empty, full)
    ]
    guest = launch(["-M", "microvm", "-m", "128", *(word for pair in objects for word in pair)])
    assert {b.id for b in guest.backends} >= {"fresh", "empty", "full"}
    assert not fresh.exists()
    assert empty.stat().st_size == 0
    assert full.read_bytes() == b"x" * (1 << 20)


@pytest.mark.needs_qemu
def test_a_flash_image_is_not_written(tmp_path: Path) -> None:
    image = tmp_path / "flash"
    image.write_bytes(b"\xff" * (1 << 20))
    changed = image.stat().st_mtime_ns
    guest = launch(["-M", "q35", "-drive", f"if=pflash,format=raw,file={image}"])
    assert any("flash" in b.idstr for b in guest.ram_blocks)
    assert image.stat().st_mtime_ns == changed


@pytest.mark.needs_qemu
def test_hostile_words_open_nothing_on_the_host(tmp_path: Path) -> None:
    where = tmp_path / "socket"
    launch([
        "-M", "microvm", "-m", "128", "-qmp", f"unix:{where},server=on,wait=off", "-monitor", "stdio",
        "-serial", f"file:{tmp_path / 'serial'}", "-chardev", f"socket,id=c,path={where},server=on,wait=off",
        "-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:0-:22",
    ])
    assert list(tmp_path.iterdir()) == [tmp_path / "scratch"]


def test_a_missing_qemu_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(Unavailable) as caught:
        launch("-m 1G")
    assert str(caught.value) == (
        "qemu-system-x86_64 is not installed; install it with: sudo apt install qemu-system-x86"
    )
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Unavailable, match="brew install qemu"):
        launch("qemu-system-aarch64 -M virt")


@pytest.mark.parametrize(("qemu", "words"), [
    ("7.2", "qemu= is a program to run, not '7.2'; write qemu='qemu-system-x86_64'"),
    (7.2, "qemu= is a program to run, not 7.2"),
    ("./no/such", "there is no program ./no/such; give the path of a qemu-system program"),
])
def test_what_is_no_program_is_told(qemu: str, words: str) -> None:
    with pytest.raises(MemkitError) as caught:
        launch("-m 1G", qemu=qemu)
    assert words in str(caught.value)


def test_a_file_that_may_not_be_run_is_told_with_the_command_that_helps(tmp_path: Path) -> None:
    path = tmp_path / "qemu build"
    path.touch()
    with pytest.raises(MemkitError) as caught:
        launch("-m 1G", qemu=str(path))
    assert str(caught.value) == f"{path} is a file that cannot be run; try: chmod +x '{path}'"


def test_a_file_that_is_no_program_is_told_so_and_is_no_refusal(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("some words\n")
    path.chmod(0o755)
    with pytest.raises(MemkitError) as caught:
        launch("-m 1G", qemu=str(path))
    assert not isinstance(caught.value, Refused)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "10", None, True])
def test_a_timeout_is_a_number_of_seconds_above_0(timeout: float) -> None:
    with pytest.raises(MemkitError, match="timeout is a number of seconds above 0, not"):
        launch("-m 1G", timeout=timeout)


def test_a_missing_library_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qemu.qmp", None)
    with pytest.raises(Unavailable, match=r"pip install qemu\.qmp"):
        launch("-m 1G", qemu=program(tmp_path / "hangs", "import time; time.sleep(60)"))


@pytest.mark.parametrize(("body", "kind", "words"), [
    ("import time; time.sleep(60)", MemkitError, "did not answer within 1 s"),
    ("import sys; sys.exit('qemu-system-x86_64: it is broken')", Refused, "it is broken"),
    ("import sys; sys.exit(3)", MemkitError, "exit code 3 and said nothing"),
    ("pass", MemkitError, "ended at once"),
    ("print('a list of machines')", CommandLineError, "asks QEMU for help"),
    ("import os; os.kill(os.getpid(), 11)", MemkitError, "ended by SIGSEGV"),
    ("import os, sys, re\nfd = int(re.search(r'fd=(\\d+)', ' '.join(sys.argv))[1])\n"
     "os.write(fd, b'hello\\n' * 9)\nimport time; time.sleep(60)", MemkitError, "does not speak QMP"),
    ("import sys, os\nwhile True: os.write(2, b'x' * 65536)", MemkitError, "did not answer within 1 s"),
    ("import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nos.fork()\ntime.sleep(60)",
     MemkitError, "did not answer within 1 s"),
])
def test_a_program_that_is_no_good_qemu_ends_in_a_clear_message(
    tmp_path: Path, body: str, kind: type[MemkitError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        launch("-m 1G", qemu=program(tmp_path / "fake", body), timeout=1 if "within 1 s" in words else 60)
    assert words in str(caught.value)


def test_a_qemu_that_dies_half_way_is_told_so(tmp_path: Path) -> None:
    body = r"""
        import json, os, re, socket, sys
        s = socket.socket(fileno=int(re.search(r"fd=(\d+)", " ".join(sys.argv))[1]))
        def send(message):
            s.sendall(json.dumps(message).encode() + b"\r\n")
        version = {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}
        send({"QMP": {"version": version, "capabilities": []}})
        for _ in range(3):
            request = json.loads(s.recv(65536))
            send({"return": {}} | ({"id": request["id"]} if "id" in request else {}))
        print("out of luck", file=sys.stderr)
        os._exit(1)
    """
    with pytest.raises(MemkitError, match="half way") as caught:
        launch("-m 1G", qemu=program(tmp_path / "fake", body), timeout=60)
    assert "out of luck" in str(caught.value)


def test_a_program_that_cannot_run_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(MemkitError):
        launch("-m 1G", qemu=str(tmp_path))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_qemu_ends_with_an_interrupted_or_killed_python(tmp_path: Path, how: signal.Signals) -> None:
    fake = program(tmp_path / "qemu-system-hangs", "import time; time.sleep(60)")
    script = f"from memkit.qemu.launch import launch; launch('-m 1G', qemu={fake!r}, timeout=50)"
    root = str(Path(memkit.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)}
    python = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + 20
        children: list[psutil.Process] = []
        while not children and time.monotonic() < deadline:
            time.sleep(0.05)
            children = [c for c in psutil.Process(python.pid).children() if fake in c.cmdline()]
        assert children
        time.sleep(0.2)
        python.send_signal(how)
        python.wait(20)
        if how == signal.SIGKILL and not sys.platform.startswith("linux"):
            children[0].kill()
        assert psutil.wait_procs(children, timeout=10)[1] == []
    finally:
        python.kill()
        python.wait()
    if how == signal.SIGINT:
        assert list(tmp_path.glob("memkit-*")) == []
