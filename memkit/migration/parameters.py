"""Migration parameters: their names, and which releases have them.

Source: the enum MigrationParameter in qapi/migration.json, read in every release from 5.2 to 11.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.errors import MemkitError

__all__ = ["PARAMETERS", "read_parameters"]

# Name → the releases that have it, as memkit.versions.holds reads them.
PARAMETERS: dict[str, str] = {
    **dict.fromkeys((
        "announce-initial", "announce-max", "announce-rounds", "announce-step", "throttle-trigger-threshold",
        "cpu-throttle-initial", "cpu-throttle-increment", "cpu-throttle-tailslow", "tls-creds",
        "tls-hostname",
        "tls-authz", "max-bandwidth", "downtime-limit", "x-checkpoint-delay", "multifd-channels",
        "xbzrle-cache-size", "max-postcopy-bandwidth", "max-cpu-throttle", "multifd-compression",
        "multifd-zlib-level", "multifd-zstd-level", "block-bitmap-mapping",
    ), ""),
    **dict.fromkeys((
        "compress-level", "compress-threads", "decompress-threads", "compress-wait-thread",
        "block-incremental",
    ), "<9.1"),
    "x-vcpu-dirty-limit-period": "8.1", "vcpu-dirty-limit": "8.1", "avail-switchover-bandwidth": "8.2",
    "mode": "8.2", "zero-page-detection": "9.0", "direct-io": "9.1", "multifd-qatzip-level": "9.2",
    "cpr-exec-command": "10.2", "x-rdma-chunk-size": "11.1",
}


def read_parameters(given: object, argument: str) -> Mapping[str, Any]:
    """The parameters as a mapping; raises MemkitError for names that no QEMU has, and for what is no mapping.

    >>> read_parameters({"multifd-channels": 4}, "parameters")
    {'multifd-channels': 4}
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise MemkitError(f"{argument}= maps names of migration parameters to values, such as "
                          f"{{'multifd-channels': 4}}; not {given!r:.60}")
    for name in given:
        if name not in PARAMETERS:
            raise MemkitError(f"{name!r:.60} is no migration parameter of any QEMU; they are: "
                              f"{', '.join(PARAMETERS)}")
    return given
