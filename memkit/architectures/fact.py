"""A fact about an architecture, with the file, function and version where it can be read up."""

from __future__ import annotations

from dataclasses import dataclass

from memkit.versions import Version, within

__all__ = ["Fact"]


@dataclass(frozen=True, slots=True)
class Fact:
    """``words`` hold from QEMU ``since`` on and before ``until``; "" is no limit.

    ``name`` is what it is about, ``accelerator`` is tcg or kvm where only one of them has it.

    >>> fact = Fact("largest", "8 TiB", ("hw/arm/sbsa-ref.c, 7.2",), since="6.0")
    >>> fact.holds_for((5, 2)), fact.when
    (False, 'since 6.0')
    """

    name: str
    words: str
    sources: tuple[str, ...]
    since: str = ""
    until: str = ""
    accelerator: str = ""

    def holds_for(self, qemu: Version) -> bool:
        """True if it is a fact of the release ``qemu``."""
        return within(qemu, self.since, self.until)

    @property
    def when(self) -> str:
        """The releases and the accelerator that have it, in words; "" for all."""
        parts = ([f"since {self.since}"] if self.since else []) + (
            [f"before {self.until}"] if self.until else [])
        return ", ".join([*parts, *filter(None, [self.accelerator.upper()])])

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" + (f" ({self.when})" if self.when else "")
