"""A JupyterLab that runs while a test needs it."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest

__all__ = ["PATIENCE", "serving"]

PATIENCE = 60


@contextmanager
def serving(argv: Sequence[str], home: Path, address: str, **environment: str) -> Iterator[str]:
    """The first address on the server's stderr that matches ``address``; the server ends with the block.

    It sees no Jupyter settings but those in ``environment``, and ``home`` as the user's home.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    server = subprocess.Popen(
        argv, env={**clean, "HOME": str(home), **environment}, cwd=home, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    said: Queue[str] = Queue()
    assert server.stderr
    stream = server.stderr
    reader = threading.Thread(target=lambda: [said.put(line) for line in stream])
    reader.start()
    lines = []
    try:
        while True:
            lines.append(said.get(timeout=PATIENCE))
            if found := re.search(address, lines[-1]):
                yield found[0]
                break
    except Empty:
        pytest.fail("the lab did not start:\n" + "".join(lines))
    finally:
        server.terminate()
        server.wait(PATIENCE)
        reader.join(PATIENCE)
