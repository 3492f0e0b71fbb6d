"""Pre-flight: is everything here that the course needs, one line for each need.

It looks and tries, and changes nothing; QEMU is asked for its version only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from memkit.errors import MemkitError
from memkit.units import human

__all__ = ["Checked", "Need", "check"]

LEAST_MEMORY = 1 << 30
_SIGNS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}"}


@dataclass(frozen=True, slots=True)
class Need:
    """One need: whether it is ``met``, what was found, and what to do where it is not.

    The course works without what is not ``required``; ``hint`` then says how.
    """

    name: str
    met: bool
    found: str
    hint: str = ""
    required: bool = True

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint and not self.met else ""
        return f"{_SIGNS[self.met]} {self.name}: {self.found}{hint}"


@dataclass(frozen=True)
class Checked:
    """All needs, and ``ready``: True if everything that is required is there."""

    needs: tuple[Need, ...]

    @property
    def ready(self) -> bool:
        """True if the course can run here."""
        return all(need.met for need in self.needs if need.required)

    @property
    def summary(self) -> str:
        """Whether the course can run here, in one sentence."""
        if not self.ready:
            lacking = ", ".join(need.name for need in self.needs if need.required and not need.met)
            return f"Not ready: {lacking}."
        without = [need.name for need in self.needs if not need.met]
        return "Ready." if not without else f"Ready, without: {', '.join(without)}."

    def coloured(self) -> str:
        """The text with green and red lines, for a terminal."""
        lines = []
        for need in self.needs:
            colour = 32 if need.met else 31 if need.required else 33
            lines.append(f"\033[{colour}m{need}\033[0m")
        return "\n".join([*lines, self.summary])

    def __str__(self) -> str:
        return "\n".join([*map(str, self.needs), self.summary])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        colours = {True: "var(--jp-success-color0,#1b5e20)", False: "var(--jp-error-color1,#b3261e)"}
        style = "list-style:none;padding-left:8px;margin:2px;border-left:4px solid "
        lines = "".join(f'<li style="{style}{colours[need.met]}">{escape(str(need))}</li>'
                        for need in self.needs)
        html = (f'<section aria-label="Pre-flight"><ul style="padding:0">{lines}</ul>'
                f"<p><b>{self.summary}</b></p></section>")
        return {"text/plain": str(self), "text/html": html}


def check() -> Checked:
    """What the course needs and what of it is here: Python, widgets, Graphviz, browser, QEMU, memory."""
    looks = (_python, _widgets, _graphviz, _bokeh, _browser, _qemu, _memory)
    return Checked(tuple(_safely(look) for look in looks))


def _safely(look: Callable[[], Need]) -> Need:
    try:
        return look()
    except Exception as error:  # a broken library must not hide the other lines
        said = f"cannot be tried: {type(error).__name__}: {error}."[:200]
        return Need(look.__name__.strip("_"), False, said)


def _python() -> Need:
    found = ".".join(map(str, sys.version_info[:3]))
    return Need("Python", sys.version_info >= (3, 11), f"{found}.", "The kit needs 3.11 or newer.")


def _installed(*names: str) -> tuple[str, str]:
    """What is there of some packages, with versions, and the first that is not."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return ", ".join(found), name
    return ", ".join(found), ""


def _widgets() -> Need:
    found, lacking = _installed("jupyterlab", "ipywidgets", "jupyterlab-widgets")
    if lacking:
        return Need("widgets", False, f"{lacking} is not installed.",
                    "Run make lab, which installs what it needs.")
    import_module("ipywidgets")
    return Need("widgets", True, f"{found}.")


def _graphviz() -> Need:
    from memkit import boot

    try:
        boot("-m 64M").graph().svg()
    except (MemkitError, ImportError) as error:
        said = f"{error}.".replace("..", ".")
        return Need("Graphviz", False, said, "Graphs are told in words then.", False)
    return Need("Graphviz", True, f"draws a graph ({_installed('pygraphviz')[0]}).")


def _bokeh() -> Need:
    found, lacking = _installed("bokeh", "pandas")
    hint = "Maps are still pictures then, without zoom."
    said = f"{lacking} is not installed." if lacking else f"{found}."
    return Need("pictures", not lacking, said, hint, False)


def _browser() -> Need:
    import webbrowser

    programs = ("chromium", "google-chrome", "firefox", "safari", "microsoft-edge", "xdg-open", "open")
    there = next((name for name in programs if shutil.which(name)), "")
    if not there:
        try:
            webbrowser.get()
            there = "the system's"
        except webbrowser.Error:
            return Need("browser", False, "none was found here.", (
                "Open the address that make lab prints in a browser elsewhere."), False)
    return Need("browser", True, f"{there}.")


def _qemu() -> Need:
    path = shutil.which("qemu-system-x86_64")
    hint = "Cells on a real QEMU show what was recorded; to run it: sudo apt install qemu-system-x86."
    if path is None:
        return Need("QEMU", False, "qemu-system-x86_64 is not installed.", hint, False)
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20,
                              check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Need("QEMU", False, f"{path} does not run: {error}.", hint, False)
    found = re.search(r"version (\S+)", said.stdout)
    if found is None:
        return Need("QEMU", False, f"{path} says no version.", hint, False)
    return Need("QEMU", True, f"{found[1]} ({path}).")


def _memory() -> Need:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        with open("/proc/meminfo", encoding="ascii") as file:
            said = re.search(r"MemAvailable:\s+(\d+) kB", file.read())
        free = int(said[1]) << 10 if said else free
    except (OSError, ValueError, AttributeError):
        return Need("memory", True, "how much is free cannot be told on this system.")
    return Need("memory", free >= LEAST_MEMORY, f"{human(free >> 20 << 20)} available.",
                "Close something: a kernel, and a browser even more, need some.", False)
