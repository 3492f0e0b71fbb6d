"""The walk to one address: the decisions that rendering a FlatView makes there, in their order.

From the root down, at each container the subregions in priority order, through aliases with
their offsets, until something answers; then who was hidden by the winner.

Source: render_memory_region and memory_region_get_flatview_root in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from memkit.explain.story import Step, listed
from memkit.memory.flatview import FlatRange, flatview_root
from memkit.memory.region import MemoryRegion
from memkit.units import hex_address, human

__all__ = ["KINDS", "decisions"]

# What answers, in words, by the type that the monitor prints.
KINDS = {
    "ram": "RAM", "rom": "ROM", "romd": "a flash chip or another ROM device", "ramd": "RAM of a real device",
    "i/o": "a device's window",
}
Hit = tuple[MemoryRegion, int]


def decisions(root: MemoryRegion, gpa: int, space: str, found: FlatRange | None) -> tuple[Step, ...]:
    """The decisions from the root to ``found``, in the order in which rendering makes them."""
    steps: list[Step] = []
    real = flatview_root(root)
    hit = None
    start = f'The root of "{space}" is {root.name}'
    if real is None:
        steps.append(Step("root", 0, root.name, f"{start}, in which nothing is enabled.", {"rendered": None}))
    elif real is not root:
        steps.append(Step("root", 0, root.name, (
            f"{start}, which shows {real.name} alone and whole, so QEMU renders {real.name} in its place."
        ), {"rendered": real.name}))
    else:
        steps.append(Step("root", 0, root.name, f"{start}.", {"rendered": root.name}))
    if real is not None:
        if real.addr <= gpa < real.addr + real.size:
            hit = _walk(real, gpa, 0, steps)
        else:
            where = "starts behind" if gpa < real.addr else "ends before"
            steps.append(Step(
                "outside", 0, real.name, f"{real.name} {where} {hex_address(gpa)}.", {"size": real.size}
            ))
    answers = (found.region, found.offset_in_region + gpa - found.start) if found else None
    if hit != answers:
        # Pasted text can hold a FlatView without the whole tree behind it.
        who = f"{found.region.name} answers" if found else "nobody answers"
        return (Step("unknown", 0, found.region.name if found else "", (
            f"The FlatView says that {who} at {hex_address(gpa)}; the regions that lead there are not known."
        )),)
    if hit is None:
        steps.append(Step("nobody", 0, "", f"Nobody answers at {hex_address(gpa)}."))
    return tuple(steps)


def _walk(region: MemoryRegion, address: int, depth: int, steps: list[Step]) -> Hit | None:
    """Tell how ``region`` treats ``address``, which counts from the start of its container."""
    inside, name = address - region.addr, region.name
    if region.alias is not None:
        return _through(region, region.alias, address, depth, steps)
    here = _covering(region, inside)
    if here or not region.terminates:
        steps.append(_container(region, inside, here, depth))
    asked = [c for c in here if c.enabled]
    if len(asked) < len(here):
        steps.append(_disabled([c for c in here if not c.enabled], depth + 1))
    for index, child in enumerate(asked):
        hit = _walk(child, inside, depth + 1, steps)
        if hit is not None:
            steps.extend(_hidden(child, loser, inside, depth + 1) for loser in asked[index + 1:])
            if region.terminates:
                steps.append(Step("passed", depth + 1, name, (
                    f"{name} itself lies behind its subregions; it would have answered."
                ), {"winner": child.name, "leads_to": name}))
            return hit
    if region.terminates:
        steps.append(Step("answer", depth, name, (
            f"{name} is {KINDS[region.type]} and answers, at its offset {hex_address(inside)}."
        ), {"offset": inside, "priority": region.priority, "type": region.type}))
        return region, inside
    if here:
        steps.append(Step("empty", depth, name, f"Nothing in {name} answers there."))
    return None


def _through(
    region: MemoryRegion, target: MemoryRegion, address: int, depth: int, steps: list[Step]
) -> Hit | None:
    """Follow an alias to its target."""
    there = address - region.addr + region.alias_offset
    box = f" of {region.container.name}" if region.container is not None else ""
    starts, offset = hex_address(region.addr), hex_address(region.alias_offset)
    steps.append(Step("alias", depth, region.name, (
        f"{region.name} is an alias that starts at {starts}{box} and shows {target.name} from offset "
        f"{offset} on: {hex_address(address)} - {starts} + {offset} = {hex_address(there)} in {target.name}."
    ), {"target": target.name, "address": address, "addr": region.addr,
        "alias_offset": region.alias_offset, "offset_in_target": there, "priority": region.priority}))
    if not target.enabled:
        steps.append(_disabled([target], depth + 1))
    elif there >= target.size:
        steps.append(Step("outside", depth + 1, target.name, (
            f"That is behind the end of {target.name} ({human(target.size)}), so nothing is there."
        ), {"size": target.size}))
    else:
        return _walk(target, there + target.addr, depth + 1, steps)
    return None


def _covering(region: MemoryRegion, inside: int) -> list[MemoryRegion]:
    """The subregions that cover an offset in ``region``, the first to be asked first."""
    return [s for s in region.subregions if s.addr <= inside < s.addr + s.size]


def _leads_to(region: MemoryRegion, address: int) -> MemoryRegion | None:
    """Whoever would answer if ``region`` alone were asked, or None."""
    inside = address - region.addr
    if not region.enabled or not 0 <= inside < region.size:
        return None
    if region.alias is not None:
        return _leads_to(region.alias, inside + region.alias_offset + region.alias.addr)
    found = (_leads_to(child, inside) for child in region.subregions)
    return next((f for f in found if f is not None), region if region.terminates else None)


def _container(region: MemoryRegion, inside: int, here: Sequence[MemoryRegion], depth: int) -> Step:
    names = [f"{c.name} (priority {c.priority}{'' if c.enabled else ', disabled'})" for c in here]
    held = f"holds {', '.join(names) or 'nothing'}"
    if len(here) > 1:
        held = f"holds, the highest priority first: {', '.join(names)}"
    what = f"{KINDS[region.type]} with others in front" if region.terminates else "a container"
    return Step(
        "container", depth, region.name,
        f"{region.name} is {what}; at offset {hex_address(inside)} it {held}.",
        {"offset": inside, "subregions": [c.name for c in here]},
    )


def _disabled(regions: Sequence[MemoryRegion], depth: int) -> Step:
    names = [r.name for r in regions]
    skipped = "is disabled, so it is skipped" if len(names) == 1 else "are disabled, so they are skipped"
    return Step("disabled", depth, names[0], f"{listed(names)} {skipped}.", {"regions": names})


def _hidden(winner: MemoryRegion, loser: MemoryRegion, address: int, depth: int) -> Step:
    """Why ``loser`` was not asked, and who would have answered there."""
    other = _leads_to(loser, address)
    ends = "has nothing there" if other is None else (
        "would have answered" if other is loser else f"would have led to {other.name}")
    if loser.priority < winner.priority:
        front = (f"{winner.name} (priority {winner.priority}) lies in front of {loser.name} "
                 f"(priority {loser.priority})")
    else:
        front = (f"{winner.name} was added after {loser.name} with the same priority {loser.priority}, "
                 "so it lies in front of it")
    which = ", which" if loser.priority < winner.priority else f"; {loser.name}"
    return Step("passed", depth, loser.name, f"{front}{which} {ends}.", {
        "winner": winner.name, "priority": loser.priority, "winner_priority": winner.priority,
        "leads_to": other.name if other is not None else None,
    })
