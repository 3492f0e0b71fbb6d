"""What NUMA nodes say about each other: distances, and the latencies and bandwidths of the HMAT.

No memory moves because of them, but QEMU checks them.

Source: parse_numa_distance, validate_numa_distance, parse_numa_hmat_lb and parse_numa_hmat_cache in
hw/core/numa.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memkit.boards.numa_state import MAX_NODES, NumaState
from memkit.boards.refusals import refuse
from memkit.config import NumaSpec, Option

__all__ = ["Hmat", "add_distance", "check_distances"]

_NEAREST = 10
_MOST = 65534
_LEVELS = 4
_MIB = 1 << 20


def add_distance(state: NumaState, spec: NumaSpec) -> None:
    """Take ``-numa dist``; raises Refused."""
    source, target, value = spec.props["src"], spec.props["dst"], spec.props["val"]
    for name, number in (("src", source), ("dst", target)):
        if number >= MAX_NODES:
            raise refuse("numa-dist-range", spec.option, True, name=name)
    if source not in state.nodes or target not in state.nodes:
        raise refuse("numa-dist-node", spec.option, True)
    if value < _NEAREST:
        raise refuse("numa-dist-small", spec.option, True, value=value)
    if source == target and value != _NEAREST:
        raise refuse("numa-dist-local", spec.option, True, node=source)
    state.distances[source, target] = value


def check_distances(state: NumaState, option: Option | None) -> None:
    """Raise Refused if distances are missing: one direction for all pairs, or both if any pair differs."""
    given, nodes = state.distances, sorted(state.nodes)
    if not given:
        return
    lopsided = False
    for source in nodes:
        for target in nodes[source + 1:]:
            there, back = given.get((source, target)), given.get((target, source))
            if there is None and back is None:
                raise refuse("numa-dist-missing", option, source=source, target=target)
            lopsided = lopsided or (there is not None and back is not None and there != back)
    if lopsided and any((a, b) not in given for a in nodes for b in nodes if a != b):
        raise refuse("numa-dist-lopsided", option)


@dataclass(eq=False)
class Hmat:
    """The heterogeneous memory attribute table, entry by entry."""

    state: NumaState
    pairs: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=dict)
    bases: dict[tuple[str, str], int] = field(default_factory=dict)
    ranges: dict[tuple[str, str], int] = field(default_factory=dict)
    provided: dict[int, set[str]] = field(default_factory=dict)
    caches: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, spec: NumaSpec) -> None:
        """Take ``-numa hmat-lb`` or ``-numa hmat-cache``; raises Refused."""
        if not self.state.hmat:
            raise refuse("hmat-off", spec.option, True)
        if spec.type == "hmat-lb":
            self._latency_or_bandwidth(spec.props, spec.option)
        else:
            self._cache(spec.props, spec.option)

    def _latency_or_bandwidth(self, given: dict[str, Any] | Any, option: Option) -> None:
        nodes, initiator, target = len(self.state.nodes), given["initiator"], given["target"]
        for name, number in (("initiator", initiator), ("target", target)):
            if number > nodes:
                raise refuse("hmat-node", option, True, name=name, node=number, nodes=nodes)
        if initiator not in self.state.with_cpu:
            raise refuse("hmat-initiator", option, True, node=initiator)
        if target not in self.state.nodes:
            raise refuse("hmat-target", option, True, node=target)
        kind = given["data-type"].partition("-")[2]
        other = "bandwidth" if kind == "latency" else "latency"
        if kind not in given:
            raise refuse("hmat-value-missing", option, True, name=kind)
        if other in given:
            raise refuse("hmat-value-wrong", option, True, name=other, kind=kind)
        if kind == "bandwidth" and given[kind] % _MIB:
            raise refuse("hmat-bandwidth", option, True, value=given[kind], initiator=initiator,
                         target=target)
        table = given["hierarchy"], given["data-type"]
        pairs = self.pairs.setdefault(table, set())
        if (initiator, target) in pairs:
            raise refuse("hmat-twice", option, True, kind=kind, initiator=initiator, target=target)
        if given[kind]:
            fits = self._latency(table, given[kind]) if kind == "latency" else self._bandwidth(
                table, given[kind])
            if not fits:
                raise refuse(f"hmat-{kind}-range", option, True, value=given[kind], initiator=initiator,
                             target=target, most=_MOST)
            self.provided.setdefault(target, set()).add(kind)
        pairs.add((initiator, target))

    def _latency(self, table: tuple[str, str], value: int) -> bool:
        """True if ``value`` fits into 16 bits beside the others, after a common power of ten."""
        base = self.bases.get(table, (1 << 64) - 1)
        step, rest = 1, value
        while rest % 10 == 0:
            rest, step = rest // 10, step * 10
        largest = max(self.ranges.get(table, 0), value // base)
        if largest > _MOST:
            return False
        self.bases[table], self.ranges[table] = min(base, step), largest
        return True

    def _bandwidth(self, table: tuple[str, str], value: int) -> bool:
        """True if ``value`` fits into 16 bits beside the others, after a common power of two."""
        seen = self.ranges.get(table, 0) | value
        base = seen & -seen
        if (seen // base).bit_length() > 16 or value // base > _MOST:
            return False
        self.bases[table], self.ranges[table] = base, seen
        return True

    def _cache(self, given: dict[str, Any] | Any, option: Option) -> None:
        node, level, size = given["node-id"], given["level"], given["size"]
        if node >= len(self.state.nodes):
            raise refuse("hmat-cache-node", option, True, node=node, nodes=len(self.state.nodes))
        if self.provided.get(node) != {"latency", "bandwidth"}:
            raise refuse("hmat-cache-first", option, True, node=node)
        if not 1 <= level < _LEVELS:
            raise refuse("hmat-cache-level", option, True, level=level, last=_LEVELS - 1)
        if (node, level) in self.caches:
            raise refuse("hmat-cache-twice", option, True, node=node, level=level)
        if level > 1 and (node, level - 1) not in self.caches:
            raise refuse("hmat-cache-order", option, True, level=level - 1)
        if level > 1 and size <= self.caches[node, level - 1]:
            raise refuse("hmat-cache-size", option, True, size=size, level=level, than="larger",
                         other=self.caches[node, level - 1], beside=level - 1)
        above = self.caches.get((node, level + 1))
        if above is not None and size >= above:
            raise refuse("hmat-cache-size", option, True, size=size, level=level, than="less",
                         other=above, beside=level + 1)
        self.caches[node, level] = size
