"""A conversation with QEMU over QMP, in a thread of its own.

The library ``qemu.qmp`` is asynchronous; a thread with its own event loop lets launch() be called
from anywhere, also from a notebook, where a loop runs already.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from memkit.errors import Unavailable

__all__ = ["Answers", "converse"]

Execute = Callable[..., Awaitable[Any]]
Script = Callable[["Answers", Execute], Awaitable[None]]


@dataclass
class Answers:
    """What QEMU answered, and how the conversation ended.

    ``problem`` is "" (all answered), "timeout", "closed" (QEMU hung up) or what was odd.
    """

    monitor: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    answered: int = 0
    problem: str = ""


def converse(ours: socket.socket, script: Script, timeout: float) -> Answers:
    """The Answers that ``script`` got through the socket within ``timeout`` seconds.

    Raises Unavailable if the library is missing.
    """
    try:
        import qemu.qmp  # noqa: F401
    except ImportError:
        raise Unavailable(
            "the Python library qemu.qmp is not installed; install it with: pip install qemu.qmp"
        ) from None
    answers = Answers()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(_session(ours, script, timeout, answers))
        except BaseException as e:
            failure.append(e)

    thread = threading.Thread(target=work, name="memkit-qmp", daemon=True)
    thread.start()
    try:
        # In slices, so that Ctrl-C is heard on every platform.
        waited = 0.0
        while thread.is_alive() and waited < timeout + 5:
            thread.join(0.2)
            waited += 0.2
    finally:
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)
        thread.join(2)
        ours.close()
    if failure:
        raise failure[0]
    if thread.is_alive():
        answers.problem = answers.problem or "timeout"
    return answers


async def _session(ours: socket.socket, script: Script, timeout: float, answers: Answers) -> None:
    from qemu.qmp import ConnectError, ExecuteError, QMPClient, QMPError

    client = QMPClient("memkit")
    # The library logs what is raised as well; a learner's cell needs it once.
    if not client.logger.handlers:
        client.logger.addHandler(logging.NullHandler())
    client.logger.propagate = False

    async def execute(command: str, **arguments: Any) -> Any:
        """The answer to a QMP command, or None if QEMU answers with an error."""
        try:
            result = await client.execute(command, arguments or None)
        except ExecuteError:
            answers.answered += 1
            return None
        answers.answered += 1
        return result

    async def talk() -> None:
        await client.connect(ours)
        await script(answers, execute)

    ours.setblocking(False)
    try:
        await asyncio.wait_for(talk(), timeout)
    except TimeoutError:
        answers.problem = "timeout"
    except ConnectError as e:
        closed = isinstance(e.exc, (EOFError, ConnectionError, OSError))
        answers.problem = "closed" if closed else f"{type(e.exc).__name__}: {e.exc}"
    except (QMPError, EOFError, OSError) as e:
        broken = "Interrupted" in type(e).__name__ or isinstance(e, (EOFError, OSError))
        answers.problem = "closed" if broken else f"{type(e).__name__}: {e}"
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.disconnect(), 1)
