"""Version numbers: read, compared, and matched with the QEMUs that the model knows."""

from __future__ import annotations

from memkit.errors import MemkitError

__all__ = ["DEFAULT_QEMU", "KNOWN_QEMU", "Version", "known_qemu", "nearest_qemu", "parse_version"]

Version = tuple[int, ...]

# Oldest first.
KNOWN_QEMU = ("5.2", "7.2", "10.0", "11.1")
DEFAULT_QEMU = "7.2"


def parse_version(text: str) -> Version:
    """A version as a tuple of numbers; raises ValueError if ``text`` is none.

    >>> parse_version("2.12") > parse_version("2.9")
    True
    """
    return tuple(int(part) for part in text.split("."))


def nearest_qemu(text: str) -> tuple[str, str]:
    """The known QEMU that answers for version ``text``, and a note: "" if it is that version itself.

    A version in between gets the nearest older known one.  Raises MemkitError, with the list of what is
    known, for what is no version and for versions before all known ones.

    >>> nearest_qemu("7.2.22")
    ('7.2', '')
    >>> nearest_qemu("10.2")[0]
    '10.0'
    """
    shown = str(text)[:40]
    known = ", ".join(KNOWN_QEMU)
    try:
        # Debian's packages say 7.2+dfsg-7.
        number = parse_version(str(text).partition("+")[0])
    except ValueError:
        number = ()
    if len(number) < 2 or min(number) < 0:
        raise MemkitError(f"{shown!r} is no version of QEMU, such as 7.2; the model knows: {known}")
    number = number[:2]
    older = [version for version in KNOWN_QEMU if parse_version(version) <= number]
    if not older:
        raise MemkitError(f"the model does not know QEMU {shown!r}; it knows: {known}, and takes the nearest "
                          "older one for a version in between")
    found = older[-1]
    if parse_version(found) == number:
        return found, ""
    return found, f"QEMU {shown} is not known here; the facts are those of QEMU {found}."


def known_qemu(text: str) -> str:
    """The known QEMU that answers for version ``text``; raises MemkitError as ``nearest_qemu`` does.

    >>> known_qemu("10.0.2")
    '10.0'
    """
    return nearest_qemu(text)[0]
