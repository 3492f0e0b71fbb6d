"""What ``pip install`` brings: the package with its facts and types, and no need for anything else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the pinned hatchling, so that no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return next(folder.glob("memkit-*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content, as site-packages would have it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def alone(unpacked: Path, code: str) -> str:
    """What ``code`` prints where only the standard library and the wheel exist."""
    program = f"import sys; sys.path.insert(0, {str(unpacked)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def test_the_wheel_has_every_module_the_facts_and_the_types(unpacked: Path, root: Path) -> None:
    def below(folder: Path, pattern: str) -> set[str]:
        return {
            str(p.relative_to(folder)) for p in folder.rglob(pattern)
            if p.is_file() and "__pycache__" not in p.parts
        }

    assert below(root / "memkit", "*.py") == below(unpacked / "memkit", "*.py")
    assert below(root / "data", "*") == below(unpacked / "memkit" / "data", "*")
    assert (unpacked / "memkit" / "py.typed").exists()


def test_the_wheel_brings_no_second_top_level_name(unpacked: Path) -> None:
    assert ["memkit"] == sorted(p.name for p in unpacked.iterdir() if not p.name.endswith(".dist-info"))


def test_the_wheel_needs_nothing_unless_an_extra_is_asked_for(unpacked: Path) -> None:
    metadata = Parser().parsestr(next(unpacked.glob("*.dist-info/METADATA")).read_text(encoding="utf-8"))
    needs = metadata.get_all("Requires-Dist") or []
    assert [] == [need for need in needs if "extra ==" not in need]


def test_the_wheel_installs_the_command(unpacked: Path) -> None:
    entry = next(unpacked.glob("*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert "memkit = memkit.cli:main" in entry


def test_the_installed_package_boots_a_guest_without_the_checkout(unpacked: Path) -> None:
    code = "import memkit; print(memkit.__file__, memkit.boot('-m 1G -M q35').ram_blocks[0].label)"
    assert f"{unpacked}/memkit/__init__.py pc.ram" == alone(unpacked, code)
