"""What ``migrate-set-capabilities`` refuses, on either side.

Source: migrate_caps_check in migration/migration.c (7.2) and migration/options.c (since 8.0).
"""

from __future__ import annotations

from collections.abc import Callable

from memkit.migration.attempt import Side, Stop
from memkit.migration.capabilities import CAPABILITIES, CHECKS, Clash, known_capabilities
from memkit.migration.checks.userfault import postcopy_support, write_tracking
from memkit.migration.parameters import PARAMETERS
from memkit.versions import holds

__all__ = ["refused"]

_MAX_DOWNTIME = 2_000_000


def refused(side: Side) -> Stop | None:
    """The refusal of the capabilities and parameters of one side."""
    return _capabilities(side) or _parameters(side)


def _capabilities(side: Side) -> Stop | None:
    source = _source(side)
    known = known_capabilities(side.version)
    for name in sorted(side.capabilities, key=list(CAPABILITIES).index):
        if name not in known:
            capability = CAPABILITIES[name]
            span = f"is gone in {capability.until}" if name in ("zero-blocks", "compress", "block") else (
                f"came with {capability.since}")
            message = f"Parameter 'capability' does not accept value '{name}'" if side.has("6.0") else (
                f"Invalid parameter '{name}'")
            return Stop("refused", "set-capabilities", message,
                        f"QEMU {side.guest.qemu} of the {side.name} has no {name}, which {span}; it has: "
                        f"{', '.join(known)}.",
                        (f"qapi/migration.json: MigrationCapability, {side.guest.qemu}",))
    for check in CHECKS:
        if not side.on(check.first) or not side.has(check.since, check.until):
            continue
        if not isinstance(check, Clash):
            stop = _PROBES[check.name](side)
            if stop is not None:
                return stop
            continue
        other = check.found(side.on)
        if other is not None:
            how = "needs" if check.missing else "excludes"
            return Stop("refused", "set-capabilities", check.message.format(other),
                        f"At the {side.name}, {check.first} {how} {other}. {check.why}", (source,))
    return None


def _parameters(side: Side) -> Stop | None:
    for name in side.parameters:
        span = PARAMETERS[name]
        if not holds(side.guest.qemu, span):
            return Stop("refused", "set-parameters", f"Parameter '{name}' is unexpected",
                        f"QEMU {side.guest.qemu} of the {side.name} has no parameter {name}.",
                        (f"qapi/migration.json: MigrateSetParameters, {side.guest.qemu}",))
    return _too_long(side)


def _too_long(side: Side) -> Stop | None:
    limit = side.parameters.get("downtime-limit", 0)
    if not isinstance(limit, int) or 0 <= limit <= _MAX_DOWNTIME:
        return None
    words = ("Option downtime-limit expects an integer in the range of 0 to (2000 * 1000) ms"
             if side.has("11.0") else
             "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms")
    return Stop("refused", "set-parameters", words, "A downtime of more than 2000 seconds is taken for a "
                                                    "mistake.",
                (f"migration/options.c: migrate_params_check, {side.guest.qemu}",))


def _dirty_ring(side: Side) -> Stop | None:
    if side.scene.rings:
        return None
    return Stop("refused", "set-capabilities",
                "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set",
                f"Only KVM's rings tell which virtual CPU wrote how much, and the {side.name} has none.",
                (_source(side),))


_PROBES: dict[str, Callable[[Side], Stop | None]] = {
    "userfaultfd": postcopy_support, "write-tracking": write_tracking, "dirty-ring": _dirty_ring,
}


def _source(side: Side) -> str:
    file = "options.c" if side.has("8.0") else "migration.c"
    return f"migration/{file}: migrate_caps_check, {side.guest.qemu}"
