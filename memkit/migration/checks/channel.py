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


def incoming(attempt: Attempt) -> Stop | None:
    """The refusal of ``migrate-incoming``: what the destination is told to read from."""
    return _suits(attempt, attempt.destination)


def outgoing(attempt: Attempt) -> Stop | None:
    """The refusal of ``migrate``: where the source is told to write to."""
    return _suits(attempt, attempt.source)


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
    parameters = side.parameters
    if side.has("9.1") and side.on("multifd") and parameters.get("direct-io") and transport != "file":
        return _stop(side, _EXTRA, "direct-io with multifd needs a second descriptor of the file, which QEMU "
                     "opens itself for file: alone.", "mapped-ram-direct-io-multifd-fd")
    if parameters.get("mode") == "cpr-transfer" and transport == "file" and side.has("10.0"):
        return _stop(side, "Migration requires streamable transport (eg unix)", "cpr-transfer hands "
                     "descriptors over, which only a socket can.", "cpr-transfer-file-uri")
    return None


def _carries_many(side: Side, transport: str) -> bool:
    if transport == "socket":
        return True
    if side.has("9.0"):
        return transport == "file" and side.on("mapped-ram")
    # 8.0 and 8.1 look at the URI; 8.2 looks at sockets alone, and before 8.0 nothing is refused here.
    return not side.has("8.0", "8.2")


def _stop(side: Side, message: str, why: str, hazard: str = "") -> Stop:
    return Stop("refused", "migrate", message, why,
                ("migration/migration.c: migration_channels_and_transport_compatible, "
                 f"{side.guest.qemu}",), hazard)


def at_source(attempt: Attempt) -> Stop | None:
    """The failure of a source whose channels cannot be made when the stream begins (before 8.0)."""
    source = attempt.source
    if attempt.streams or source.has("8.0"):
        return None
    if source.on("multifd"):
        return Stop("fails", "source", "multifd is not supported by current protocol",
                    "multifd opens more than one connection, and the stream goes to a program.",
                    (f"migration/multifd.c: multifd_save_setup, {source.guest.qemu}",))
    back = next((name for name in ("postcopy-ram", "return-path") if source.on(name)), None)
    if back:
        return Stop("fails", "source", "", f"{back} waits for answers over the stream, and a program gives "
                    "none. Nothing is said, and nothing happens until somebody cancels it.",
                    (f"migration/migration.c: open_return_path_on_source, {source.guest.qemu}",))
    return None
