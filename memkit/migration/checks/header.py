"""What comes before RAM in the stream: the machine's type, capabilities that must agree, word of postcopy.

Source: configuration_post_load, configuration_validate_capabilities and loadvm_postcopy_handle_advise in
migration/savevm.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.words import loading, loading_configuration

__all__ = ["advice", "configuration"]

# The capabilities that the stream names, since when.
_NAMED = {"x-ignore-shared": "4.0", "mapped-ram": "9.0"}


def configuration(attempt: Attempt) -> Stop | None:
    """The failure of a destination with another machine type, or other capabilities that the stream names."""
    source, destination = attempt.sides
    return _uuid(source, destination) or _machine(source, destination) or _capabilities(source, destination)


def _at(destination: Side, function: str) -> tuple[str, ...]:
    return (f"migration/savevm.c: {function}, {destination.guest.qemu}",)


def _machine(source: Side, destination: Side) -> Stop | None:
    theirs, ours = source.guest.machine_type, destination.guest.machine_type
    # QEMU compares no more than the length of what came.
    if ours.startswith(theirs):
        return None
    words = f"Machine type received is '{theirs}' and local is '{ours}'"
    same = theirs.rpartition("-")[0] == ours.rpartition("-")[0]
    why = ("The machine type is guest ABI. " + (
        f"Without a version, -M names the newest type of each QEMU; write -M {theirs} on both sides." if same
        else "Both sides need the same one."))
    return Stop("fails", "destination", loading_configuration(destination, words), why,
                _at(destination, "configuration_post_load"))


def _capabilities(source: Side, destination: Side) -> Stop | None:
    for name, since in _NAMED.items():
        # A side that does not know the capability has it off; one that does not know that it is named, is
        # deaf.
        if source.on(name) == destination.on(name) or not destination.has(since):
            continue
        ours, theirs = ("off", "on") if source.on(name) else ("on", "off")
        return Stop(
            "fails", "destination", f"Capability {name} is {ours}, but received capability is {theirs}",
            f"{name} changes what is in the stream, so both sides must have it on, or both off.",
            _at(destination, "configuration_validate_capabilities"),
            "ignore-shared-one-sided" if name == "x-ignore-shared" else "")
    return None


def _uuid(source: Side, destination: Side) -> Stop | None:
    """The failure of a destination with another -uuid, where validate-uuid asks."""
    theirs, ours = _uuid_of(source), _uuid_of(destination)
    if not source.on("validate-uuid") or not theirs or not ours or theirs == ours:
        return None
    return Stop("fails", "destination", f"UUID received is {theirs} and local is {ours}",
                "validate-uuid compares -uuid of both sides.", _at(destination, "vmstate_uuid_post_load"))


def _uuid_of(side: Side) -> str:
    option = side.scene.config.last("uuid") if side.scene.config else None
    return option.text.rpartition(" ")[2].lower() if option else ""


def advice(attempt: Attempt) -> Stop | None:
    """The failure of a destination that does not agree to postcopy when the source announces it."""
    source, destination = attempt.sides
    if not source.on("postcopy-ram"):
        if source.on("dirty-bitmaps") and destination.on("postcopy-ram"):
            return Stop("fails", "destination",
                        loading(destination, "RAM postcopy is enabled but have 0 byte advise"),
                        "The source announces postcopy of bitmaps alone.",
                        _at(destination, "loadvm_postcopy_handle_advise"), "postcopy-advise-one-sided")
        return None
    if not destination.on("postcopy-ram"):
        return Stop("fails", "destination",
                    loading(destination, "RAM postcopy is disabled but have 16 byte advise"),
                    "The source announces postcopy, and postcopy-ram is off at the destination.",
                    _at(destination, "loadvm_postcopy_handle_advise"), "postcopy-advise-one-sided")
    theirs, ours = page_sizes(source), page_sizes(destination)
    if theirs != ours:
        return Stop(
            "fails", "destination",
            loading(destination, f"Postcopy needs matching RAM page sizes (s={theirs:x} d={ours:x})",
                    "Operation not permitted"),
            "Postcopy puts whole pages of the host into place. The numbers have one bit for each page size "
            "that a RAMBlock has, at the source (s) and at the destination (d).",
            _at(destination, "loadvm_postcopy_handle_advise"), "postcopy-page-size-mismatch")
    return None


def page_sizes(side: Side) -> int:
    """All page sizes of the blocks that are not left out, as one number (ram_pagesize_summary)."""
    total = 0
    for block in side.blocks:
        if not side.ignores(block):
            total |= block.page_size
    return total
