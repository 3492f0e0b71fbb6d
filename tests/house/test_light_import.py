"""The model runs on the standard library alone, and loads quickly because it loads little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# -I and -S: neither the environment's packages nor the user's can be seen, so that an import of
# one of them would fail.
ALONE = [sys.executable, "-I", "-S", "-c"]
FOREIGN = """
known = {*sys.stdlib_module_names, "memkit", "__main__"}
print(*sorted({name.partition(".")[0] for name in sys.modules} - known))
"""


def foreign_modules(root: Path, code: str) -> list[str]:
    """The top-level modules outside the standard library that ``code`` loads."""
    program = f"import sys\nsys.path.insert(0, {str(root)!r})\n{code}\n{FOREIGN}"
    done = subprocess.run([*ALONE, program], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import memkit",
        "import memkit; memkit.boot('-m 4G,slots=4,maxmem=16G -M q35')",
        "import memkit; memkit.boot('-m 4G').monitor('info mtree -f')",
        "import memkit; str(memkit.boot('-m 4G').explain(0x1_4000_0000))",
        "import memkit; str(memkit.boot('-m 4G').hazards()), memkit.mend('-m 4G')",
        "import memkit; str(memkit.boot('-m 4G').all_of_ram()), str(memkit.boot('-m 4G').all_of_ram('kvm'))",
        "import memkit; memkit.diff(memkit.boot('-m 4G'), memkit.boot('-m 5G'))",
        "import memkit.cli",
    ],
)
def test_nothing_outside_the_standard_library_is_loaded(root: Path, code: str) -> None:
    assert [] == foreign_modules(root, code)


def test_import_memkit_loads_no_room_of_the_package(root: Path) -> None:
    rooms = "import memkit; print(*[n for n in sys.modules if n.startswith('memkit.')])"
    program = f"import sys; sys.path.insert(0, {str(root)!r}); {rooms}"
    done = subprocess.run([*ALONE, program], capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()
