"""Version numbers: read, compared, and matched with the QEMUs that the model knows."""

from __future__ import annotations

from functools import lru_cache

from memkit.errors import MemkitError

__all__ = [
    "DEFAULT_QEMU", "KNOWN_QEMU", "UNCONFIRMED", "Version", "holds", "known_qemu", "labelled", "nearest_qemu",
    "parse_version", "within",
]

Version = tuple[int, ...]

# Oldest first.
KNOWN_QEMU = ("5.2", "7.2", "8.2", "10.0", "11.1")
DEFAULT_QEMU = "7.2"
# A known QEMU whose facts were not recorded from a package → one sentence on what is not confirmed.
UNCONFIRMED: dict[str, str] = {
    "8.2": "QEMU 8.2 was checked with a build of its source, not with a distribution's package "
           "(docs/versions.md).",
}


@lru_cache(maxsize=256)
def parse_version(text: str) -> Version:
    """A version as a tuple of numbers; raises ValueError if ``text`` is none.

    >>> parse_version("2.12") > parse_version("2.9")
    True
    """
    return tuple(int(part) for part in text.split("."))


def holds(qemu: str, span: str) -> bool:
    """True if release ``qemu`` lies in ``span``: "6.0" is from 6.0 on, "<9.0" before 9.0, "6.0<9.0" both.

    >>> holds("7.2", "6.0<9.0"), holds("10.0", "<9.0"), holds("5.2", "")
    (True, False, True)
    """
    since, _, until = span.partition("<")
    return within(parse_version(qemu), since, until)


def within(number: Version, since: str, until: str) -> bool:
    """True if a release is ``since`` or newer, and older than ``until``; "" is no limit.

    >>> within((7, 2), "6.0", ""), within((7, 2), "", "7.2")
    (True, False)
    """
    return (not since or number >= parse_version(since)) and (not until or number < parse_version(until))


def nearest_qemu(text: str) -> tuple[str, str]:
    """The known QEMU that answers for version ``text``, and a note on what is not exact, or "".

    A version in between gets the nearest older known one; the note says so, and what is unconfirmed.
    Raises MemkitError, with the list of what is known, for what is no version and for versions before
    all known ones.

    >>> nearest_qemu("7.2.22")
    ('7.2', '')
    >>> nearest_qemu("10.2")[0]
    '10.0'
    """
    if text in KNOWN_QEMU:
        return text, UNCONFIRMED.get(text, "")
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
    notes = [] if parse_version(found) == number else [
        f"QEMU {shown} is not known here; the facts are those of QEMU {found}."
    ]
    return found, " ".join([*notes, *filter(None, [UNCONFIRMED.get(found)])])


def known_qemu(text: str) -> str:
    """The known QEMU that answers for version ``text``; raises MemkitError as ``nearest_qemu`` does.

    >>> known_qemu("10.0.2")
    '10.0'
    """
    return nearest_qemu(text)[0]


def labelled() -> dict[str, str]:
    """The known QEMUs, oldest first → how to show each where one is chosen: an unconfirmed one says so.

    >>> list(labelled())[:2], labelled()["7.2"]
    (['5.2', '7.2'], '7.2')
    """
    return {v: f"{v} (unconfirmed)" if v in UNCONFIRMED else v for v in KNOWN_QEMU}
