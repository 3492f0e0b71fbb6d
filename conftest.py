"""What some tests need from the machine, and the closing words about what could not be checked.

A test says what it needs with a marker.  Where that is missing the test is skipped and the run
ends with the command that installs it; with ``CI=true`` a missing QEMU or Chromium fails instead.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# A browser that is alone on its machine: no sandbox for root, no talk with the outside.
BROWSER_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", MAC_CHROME)


def find_browser() -> str | None:
    """The path of a Chromium or Chrome that tests can drive; None if there is none."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libatomic.so.1")  # Playwright's driver cannot start without it
        except OSError:
            return None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def find_qemu() -> str | None:
    """The path of ``qemu-system-x86_64``; None if it is not installed."""
    return shutil.which("qemu-system-x86_64")


def is_root() -> str | None:
    """A true word for root; None for everybody else."""
    return "root" if hasattr(os, "geteuid") and os.geteuid() == 0 else None


@dataclass(frozen=True)
class Need:
    """Something outside Python that a test needs: how to find it and how to get it."""

    name: str
    find: Callable[[], str | None]
    on_debian: str
    on_mac: str
    must_in_ci: bool = True

    def sentence(self) -> str:
        """What is missing and the command that helps on this kind of machine."""
        return f"{self.name} is missing; {self.on_mac if sys.platform == 'darwin' else self.on_debian}"


NEEDS = {
    "needs_qemu": Need(
        "QEMU (qemu-system-x86_64)", find_qemu,
        "install it with: sudo apt install qemu-system-x86", "install it with: brew install qemu",
    ),
    "needs_browser": Need(
        "Chromium", find_browser,
        "install it with: sudo apt install chromium libatomic1",
        "install it with: brew install --cask google-chrome",
    ),
    "needs_root": Need(
        "root", is_root, "run: sudo make test", "run: sudo make test", must_in_ci=False,
    ),
}


def in_ci() -> bool:
    """True where ``CI`` is set, as every CI service does."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or in CI fail, a test whose needs this machine does not meet."""
    for marker, need in NEEDS.items():
        if item.get_closest_marker(marker) and not need.find():
            if need.must_in_ci and in_ci():
                pytest.fail(f"{need.sentence()} (with CI=true this is a failure)", pytrace=False)
            pytest.skip(need.sentence())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not checked, why, and what to do about it."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        said = report.longrepr
        reason = said[2] if isinstance(said, tuple) else str(said)
        reasons[reason.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("Not checked on this machine")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} test{'s' if count > 1 else ''}: {reason}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def qemu() -> str:
    """The path of ``qemu-system-x86_64``, for tests marked ``needs_qemu``."""
    return find_qemu() or pytest.skip(NEEDS["needs_qemu"].sentence())


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser, for tests marked ``needs_browser``."""
    return find_browser() or pytest.skip(NEEDS["needs_browser"].sentence())


@pytest.fixture(scope="session")
def browser_flags() -> list[str]:
    """The flags to start ``chromium`` with."""
    return list(BROWSER_FLAGS)
