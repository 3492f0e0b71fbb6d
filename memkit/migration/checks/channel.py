"""The way of the stream: what a socket, a file or a pipe to a program can carry.

Source: migration_channels_and_transport_compatible (since 8.2), migration_channels_and_uri_compatible (8.0
and 8.1) and qmp_migrate in migration/migration.c; multifd_save_setup in migration/multifd.c (7.2).
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Side, Stop

__all__ = ["at_source", "incoming", "outgoing"]

_SEEKABLE = "Migration requires seekable transport (e.g. file)"
_MANY = "Migration requires multi-channel URIs (e.g. tcp)"
_EXTRA = "Migration requires a transport that allows for extra fds (e.g. file)"
_SOCKETS = ("unix", "tcp")


def incoming(attempt: Attempt) -> Stop | None:
    """The refusal of ``migrate-incoming``: what the destination is told to read from."""
    return _suits(attempt, attempt.destination)


def outgoing(attempt: Attempt) -> Stop | None:
    """The refusal of ``migrate``: where the source is told to write to."""
    return _suits(attempt, attempt.source) or _cpr(attempt)


def _suits(attempt: Attempt, side: Side) -> Stop | None:
    transport = attempt.transport
    if transport == "file" and not side.has("8.2"):
        message = ("unknown migration protocol: file:" if side.incoming
                   else "Parameter 'uri' expects a valid migration protocol")
        return _stop(side, message, f"QEMU {side.guest.qemu} has no file: yet, which came with 8.2; use "
                                    "exec:.")
    if side.has("9.0") and side.on("mapped-ram") and transport != "file":
        return _stop(side, _SEEKABLE, "mapped-ram puts each page at a place of its own in the file, which "
                     "needs a stream that can go back.", "mapped-ram-seekable")
    many = next((name for name in ("multifd", "postcopy-preempt") if side.on(name)), None)
    if many and not _carries_many(side, transport):
        return _stop(side, _MANY, f"{many} opens more than one connection, and the stream goes to a "
                     f"{'program' if transport == 'exec' else 'file'}.")
    if side.has("9.1") and side.on("multifd") and side.parameters.get("direct-io") and transport != "file":
        return _stop(side, _EXTRA, "direct-io with multifd needs a second descriptor of the file, which QEMU "
                     "opens itself for file: alone.", "mapped-ram-direct-io-multifd-fd")
    return None


def _cpr(attempt: Attempt) -> Stop | None:
    """The refusal of CPR by transfer, which needs a second channel."""
    source = attempt.source
    if source.parameters.get("mode") != "cpr-transfer":
        return None
    if attempt.transport == "file":
        return _stop(source, "Migration requires streamable transport (eg unix)", "cpr-transfer hands "
                     "descriptors over, which only a socket can.", "cpr-transfer-file-uri")
    private = [block for block in source.guest.ram_blocks if not block.shared and block.purpose != "flash"]
    if private and source.has("11.0"):
        # The blocker that was added last is the one that QEMU tells.
        name = private[-1].region_name
        return Stop("refused", "migrate", f"Memory region {name} is not compatible with CPR. share=on is "
                    "required for memory-backend objects, and aux-ram-share=on is required.",
                    f"The new QEMU maps the memory of the old one, and cannot map {name}, which is private.",
                    (f"system/physmem.c: ram_block_add_cpr_blocker, {source.guest.qemu}",),
                    "cpr-transfer-aux-ram")
    return _stop(source, "missing 'cpr' migration channel", "cpr-transfer hands descriptors over by a "
                 "channel of its own, which only channels= names.")


def _carries_many(side: Side, transport: str) -> bool:
    if transport in _SOCKETS:
        return True
    if side.has("9.0"):
        return transport == "file" and side.on("mapped-ram")
    # 8.0 and 8.1 look at the URI; 8.2 looks at sockets alone, and before 8.0 nothing is refused here.
    return not side.has("8.0", "8.2")


def _stop(side: Side, message: str, why: str, hazard: str = "") -> Stop:
    source = f"migration/migration.c: migration_channels_and_transport_compatible, {side.guest.qemu}"
    return Stop("refused", "migrate", message, why, (source,), hazard)


def at_source(attempt: Attempt) -> Stop | None:
    """The failure of a source whose channels do not carry what they should, when the stream begins."""
    if attempt.streams:
        return _zero_copy(attempt) or _coded(attempt)
    source = attempt.source
    if source.on("multifd") and not source.has("8.0"):
        return _failed(source, "multifd is not supported by current protocol",
                       "multifd opens more than one connection, and the stream goes to a program.",
                       "migration/multifd.c: multifd_save_setup")
    back = next((name for name in ("postcopy-ram", "return-path") if source.on(name)), None)
    if back is None:
        return None
    if attempt.transport == "file":
        return _failed(source, "Unable to read from file: Bad file descriptor",
                       f"{back} waits for answers over the stream, and a file gives none.",
                       "migration/migration.c: open_return_path_on_source")
    return _failed(source, "", f"{back} waits for answers over the stream, and a program gives none. Nothing "
                   "is said, and nothing happens until somebody cancels it.",
                   "migration/migration.c: open_return_path_on_source")


def _failed(side: Side, message: str, why: str, source: str) -> Stop:
    return Stop("fails", side.name, message, why, (f"{source}, {side.guest.qemu}",))


def _zero_copy(attempt: Attempt) -> Stop | None:
    """zero-copy-send on a Unix socket: the kernel does it for TCP alone."""
    source, destination = attempt.sides
    if not source.on("zero-copy-send") or attempt.transport != "unix":
        return None
    why = "The kernel sends without copying over TCP, not over a Unix socket."
    if source.has("8.2"):
        return _failed(destination, "Failed to peek at channel", why, "migration/channel.c: "
                                                                      "migration_channel_read_peek")
    return _failed(source, "Zero copy send feature not detected in host kernel", why,
                   "migration/multifd.c: multifd_new_send_channel_async")


def _coded(attempt: Attempt) -> Stop | None:
    """Sides that do not agree on the number of multifd's connections, or on compression."""
    source, destination = attempt.sides
    if not (source.on("multifd") and destination.on("multifd")):
        return None
    theirs, ours = (side.parameters.get("multifd-channels", 2) for side in attempt.sides)
    if theirs < ours:
        return _failed(source, "", f"The destination waits for {ours} connections, and the source opens "
                       f"{theirs}. Nothing is said, and nothing happens until somebody cancels it.",
                       "migration/multifd.c: multifd_recv_all_channels_created")
    if theirs > ours:
        return _failed(destination, "", f"The source opens {theirs} connections, and the destination has "
                       f"room for {ours}. Before 8.0 it crashes; later nothing happens until somebody "
                       "cancels it.",
                       "migration/multifd.c: multifd_recv_new_channel")
    one, other = (side.parameters.get("multifd-compression", "none") for side in attempt.sides)
    if one == other:
        return None
    message = ("check_section_footer: Read section footer failed: -5" if destination.has("9.0") else
               "Unknown combination of migration flags: 0x0")
    return _failed(destination, message, f"The source compresses by {one}, the destination expects {other}.",
                   "migration/multifd.c: multifd_recv_unfill_packet")
