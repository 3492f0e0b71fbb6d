"""What a real QEMU prints: the one that is installed here, or else what one printed when it was recorded.

The recorded answers lie in ``data/real/``, a file for each target; ``python -m tools.record real`` goes
through the notebooks and makes them anew.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from html import escape
from typing import Any

from memkit.boards.recorded import data_file
from memkit.config.words import split
from memkit.errors import MemkitError, Refused, Unavailable
from memkit.monitor.parse_text import COMMANDS
from memkit.qemu.launch import launch
from memkit.qemu.process import find_binary

__all__ = ["COMMAND", "Real", "key", "real", "target_of"]

COMMAND = "info ramblock"


@dataclass(frozen=True, slots=True)
class Real:
    """The answer of a real QEMU to a monitor command, or its refusal of the line.

    ``version`` and ``day`` say which QEMU and when; ``here`` is True if it ran on this machine just now;
    ``why`` says why it did not.
    """

    line: str
    command: str
    text: str
    version: str
    day: str
    here: bool
    refused: bool = False
    why: str = ""

    @property
    def source(self) -> str:
        """Which QEMU said it, when and where, in a sentence."""
        if self.here:
            return f"QEMU {self.version} said this, on this machine, just now."
        return f"QEMU {self.version} said this when it was recorded, on {self.day}. {self.why}".rstrip()

    @property
    def said(self) -> str:
        """The command line as a shell reads it, with the program."""
        return self.line if split(self.line)[1] else f"qemu-system-x86_64 {self.line}"

    def __str__(self) -> str:
        head = f"$ {self.said}"
        prompt = "" if self.refused else f"\n(qemu) {self.command}"
        return f"{head}{prompt}\n{self.text.rstrip()}\n\n{self.source}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        prompt = "" if self.refused else f"<b>(qemu) {escape(self.command)}</b>\n"
        html = (
            f'<section aria-label="On a real QEMU"><pre style="white-space:pre-wrap"><b>$ '
            f"{escape(self.said)}</b></pre>"
            f'<pre tabindex="0" style="overflow:auto;max-height:32em">{prompt}'
            f"{escape(self.text.rstrip())}</pre>"
            f"<p><small>{escape(self.source)}</small></p></section>"
        )
        return {"text/plain": str(self), "text/html": html}


def key(line: str, command: str) -> str:
    """The name of an answer in the recording.

    >>> key("-M q35  -m 1G", "info numa")
    'info numa: -M q35 -m 1G'
    """
    return f"{command}: {' '.join(line.split())}"


def target_of(line: str) -> str:
    """The target of the program that a line names, else x86_64.

    >>> target_of("qemu-system-aarch64 -M virt")
    'aarch64'
    """
    return split(line)[0] or "x86_64"


def real(line: str, command: str = COMMAND) -> Real:
    """The Real answer to a monitor command for a command line: of the QEMU here, or as it was recorded.

    Where QEMU is missing here, or this machine cannot give what the line asks for, the recorded answer is
    shown and says so.  Raises MemkitError for other commands than memkit reads, and where nothing was
    recorded.
    """
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        raise MemkitError(f"{command!r:.60} is no command that is shown here; there are: {known}")
    if not isinstance(line, str):
        raise MemkitError(f"line is the text of a command line, not {line!r:.60}")
    line = " ".join(line.split())
    target = target_of(line)
    recorded = _file(target).get("answers", {}).get(key(line, command))
    try:
        guest = launch(line)
    except Unavailable as missing:
        if recorded is None:
            raise
        return _shown(line, command, target, recorded, f"None is installed here: {missing}.")
    except Refused as refused:
        if recorded is None or recorded.get("refused"):
            return Real(line, command, refused.message, _version(target), str(date.today()), True, True)
        return _shown(line, command, target, recorded, f"The one here refuses the line: {refused.message}.")
    except MemkitError as trouble:
        if recorded is None:
            raise
        return _shown(line, command, target, recorded, f"The one here did not answer: {trouble}.")
    # The monitor ends its lines as a terminal wants it.
    text = guest.raw_monitor[command].replace("\r\n", "\n")
    return Real(line, command, text, _version(target), str(date.today()), True)


def _shown(line: str, command: str, target: str, recorded: dict[str, Any], why: str) -> Real:
    about = _file(target)["about"]
    return Real(line, command, recorded["text"], about["version"], about["date"], False,
                bool(recorded.get("refused")), why.replace("..", "."))


@lru_cache(maxsize=16)
def _version(target: str) -> str:
    """The whole version of the QEMU here, such as 7.2.22."""
    said = subprocess.run(
        [find_binary(f"qemu-system-{target}"), "--version"], capture_output=True, text=True, timeout=20,
        check=False, stdin=subprocess.DEVNULL,
    ).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "of an unknown version"


@lru_cache(maxsize=16)
def _file(target: str) -> dict[str, Any]:
    path = data_file("real", f"{target}.json")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return loaded

