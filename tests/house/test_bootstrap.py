"""``make`` makes its own environment: with any Python, without pip, once, and it says what is wrong."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    """The script as a module of its own."""
    spec = importlib.util.spec_from_file_location("tools_bootstrap", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ready(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that looks finished, and is named on the command line."""
    target = tmp_path / ".venv"
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "python").touch()
    (target / ".ready").write_text(bootstrap.fingerprint())
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", str(target)])
    return target


def forbidden(*_: object, **__: object) -> None:
    """Stands for what must not happen."""
    raise AssertionError("this must not be called")


def test_a_python_that_is_too_old_can_read_the_script() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert [] == future  # 3.6 does not know annotations


def test_a_python_that_is_too_old_says_which_one_is_needed(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(bootstrap, "find_newer", lambda: None)
    assert 1 == bootstrap.main()
    said = capsys.readouterr().err
    assert said.startswith("memkit needs Python 3.11 or newer, and ")
    assert said.endswith(" is 3.9.2. Install a newer one and name it: make lab PYTHON=python3.12\n")


def test_a_newer_python_beside_the_old_one_is_taken(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(Exception):
        """The process is another one now."""

    def execv(*words: object) -> None:
        raise Replaced(words)

    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(bootstrap, "find_newer", lambda: "/opt/python3.13")
    monkeypatch.setattr(bootstrap.os, "execv", execv)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", ".venv"])
    with pytest.raises(Replaced) as replaced:
        bootstrap.main()
    assert ("/opt/python3.13", ["/opt/python3.13", "bootstrap.py", ".venv"]) == replaced.value.args[0]


def test_a_second_run_does_nothing(
    bootstrap: ModuleType, ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.subprocess, "run", forbidden)
    monkeypatch.setattr(bootstrap, "make_environment", forbidden)
    assert 0 == bootstrap.main()


def test_another_lock_makes_another_environment(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bootstrap.fingerprint()
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "lock.txt")
    (tmp_path / "lock.txt").write_text("other==1.0\n")
    assert before != bootstrap.fingerprint()


def test_when_pip_fails_its_words_are_shown_and_the_next_run_tries_again(
    bootstrap: ModuleType, ready: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (ready / ".ready").write_text("an older environment")
    monkeypatch.setattr(bootstrap, "make_environment", lambda target: target / "bin" / "python")
    failed = subprocess.CompletedProcess([], 1, b"ERROR: the network is away\n")
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *_, **__: failed)
    assert 1 == bootstrap.main()
    said = capsys.readouterr().err
    assert "ERROR: the network is away\n" in said
    assert said.endswith("run the same command again: it goes on where it stopped.\n")
    assert not (ready / ".ready").exists()


def test_warnings_of_a_pip_that_succeeds_are_not_shown(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.CompletedProcess([], 0, b"WARNING: a folder of this machine is ignored\n")
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *_, **__: done)
    assert bootstrap.pip(Path("python"), "install")
    assert ("", "") == capsys.readouterr()


def test_a_python_without_venv_says_what_to_install(
    bootstrap: ModuleType, ready: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (ready / ".ready").unlink()
    monkeypatch.setitem(sys.modules, "venv", None)
    assert 1 == bootstrap.main()
    assert "On Debian and Ubuntu this helps: sudo apt install python3-venv\n" in capsys.readouterr().err


def test_a_python_without_pip_and_ensurepip_gets_pip_from_the_wheel_beside_the_script(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.modules['ensurepip'] = sys.modules['pip'] = None; "
        f"sys.path.insert(0, {str(SCRIPT.parent)!r}); import bootstrap; "
        "python = bootstrap.make_environment(Path(sys.argv[1])); "
        "wheel = max(Path(bootstrap.__file__).parent.glob('pip-*.whl')); "
        "sys.exit(not bootstrap.pip(python, 'install', '--no-index', str(wheel)))"
    )
    target = tmp_path / "env"
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    made = subprocess.run(
        [str(base), "-c", program, str(target)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert 0 == made.returncode, made.stdout + made.stderr
    version = subprocess.run(
        [target / "bin" / "python", "-m", "pip", "--version"], capture_output=True, text=True, check=True
    ).stdout
    bundled = next(SCRIPT.parent.glob("pip-*.whl")).name.split("-")[1]
    assert version.startswith(f"pip {bundled} from {target}")
