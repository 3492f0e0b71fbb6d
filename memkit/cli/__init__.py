"""The command ``memkit``: one question on a shell's command line, one answer on standard output.

``main`` turns every outcome into an exit code: 0 the guest boots (for diff: no difference), 1 QEMU
would refuse the line (for diff: or there are differences), 2 the command itself was misused, 3 this
machine lacks something: a library, QEMU, a place to write.  For hazards, 3 says that a hazard of
``--fail-on`` was found, and what this machine lacks is 4.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from memkit.cli.parser import read_arguments
from memkit.errors import MemkitError, Refused, Unavailable

__all__ = ["main"]

REFUSED, MISUSED, LACKING, INTERRUPTED, PIPE_CLOSED = 1, 2, 3, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code after running ``argv`` (default: the process's own words).

    Answers go to standard output, QEMU's words and all other complaints to standard error.

    >>> main(["monitor", "info memdev", "--", "-m", "1G", "-nodefaults", "-machine", "graphics=off"])
    memory backend: pc.ram
      size:  1073741824
      merge: true
      dump: true
      prealloc: false
      share: false
      reserve: true
      policy: default
      host nodes:
    <BLANKLINE>
    0
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show an arrow gets its number, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    lacking = LACKING
    try:
        arguments = read_arguments(sys.argv[1:] if argv is None else list(argv))
        lacking = getattr(arguments, "lacking", LACKING)
        code = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse: --help and its own complaints
        return stop.code if isinstance(stop.code, int) else MISUSED
    except Refused as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    except Unavailable as error:
        print(f"memkit: {error}", file=sys.stderr)
        return lacking
    except MemkitError as error:
        print(f"memkit: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _close_output()
        return PIPE_CLOSED  # whoever read has enough
    except OSError as error:
        _close_output()
        print(f"memkit: cannot write the answer: {error.strerror or error}", file=sys.stderr)
        return lacking
    return int(code)


def _close_output() -> None:
    """Let what is still buffered go nowhere; Python would complain once more when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
