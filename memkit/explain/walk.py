"""The walk to one address: the decisions that rendering a FlatView makes there, in their order.

From the root down, at each container the subregions in priority order, through aliases with
their offsets, until something answers.

Source: render_memory_region and memory_region_get_flatview_root in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.explain.story import Step
from memkit.memory.flatview import FlatRange, flatview_root
from memkit.memory.region import MemoryRegion
from memkit.units import hex_address, human

__all__ = ["decisions"]

_ANSWERS = {
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
            steps.append(Step("outside", 0, real.name, f"{real.name} ends before {hex_address(gpa)}."))
    answers = (found.region, found.offset_in_region + gpa - found.start) if found else None
    if (hit is None) != (answers is None) or (hit and answers and (
            hit[0] is not answers[0] or hit[1] != answers[1])):
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
        target = region.alias
        there = inside + region.alias_offset
        steps.append(Step("alias", depth, name, (
            f"{name} is an alias onto {target.name}: {hex_address(address)} - {hex_address(region.addr)} + "
            f"{hex_address(region.alias_offset)} = {hex_address(there)} in {target.name}."
        ), {"target": target.name, "address": address, "addr": region.addr,
            "alias_offset": region.alias_offset, "offset_in_target": there, "priority": region.priority}))
        if not target.enabled:
            steps.append(_disabled(target, depth + 1))
        elif there >= target.size:
            steps.append(Step("outside", depth + 1, target.name, (
                f"That is behind the end of {target.name} ({human(target.size)}), so nothing is there."
            ), {"size": target.size}))
        else:
            return _walk(target, there + target.addr, depth + 1, steps)
        return None
    here = _covering(region, inside)
    if here or not region.terminates:
        names = ", ".join(
            f"{c.name} (priority {c.priority}{'' if c.enabled else ', disabled'})" for c in here
        )
        held = f"holds {names or 'nothing'}" if len(here) < 2 else f"holds, the highest priority first: {names}"
        what = f"{_ANSWERS[region.type]} with others in front" if region.terminates else "a container"
        steps.append(Step(
            "container", depth, name, f"{name} is {what}; at offset {hex_address(inside)} it {held}.",
            {"offset": inside, "subregions": [c.name for c in here]},
        ))
    for index, child in enumerate(here):
        if not child.enabled:
            steps.append(_disabled(child, depth + 1))
            continue
        hit = _walk(child, inside, depth + 1, steps)
        if hit is not None:
            steps.extend(
                _passed(child, loser, inside, depth + 1) if loser.enabled else _disabled(loser, depth + 1)
                for loser in here[index + 1:]
            )
            if region.terminates:
                steps.append(Step("passed", depth + 1, name, (
                    f"{name} itself is passed over: its subregions come first; it would have answered."
                ), {"winner": child.name, "leads_to": name}))
            return hit
    if region.terminates:
        steps.append(Step("answer", depth, name, (
            f"{name} is {_ANSWERS[region.type]} and answers, at its offset {hex_address(inside)}."
        ), {"offset": inside, "priority": region.priority, "type": region.type}))
        return region, inside
    if here:
        steps.append(Step("empty", depth, name, f"Nothing in {name} answers there."))
    return None


def _covering(region: MemoryRegion, inside: int) -> list[MemoryRegion]:
    """The subregions that cover an offset in ``region``, the first to be asked first."""
    return [s for s in region.subregions if s.addr <= inside < s.addr + s.size]


def _leads_to(region: MemoryRegion, address: int) -> str | None:
    """The name of whoever would answer if ``region`` were asked, or None."""
    return hit[0].name if region.enabled and (hit := _walk(region, address, 0, [])) else None


def _disabled(region: MemoryRegion, depth: int) -> Step:
    return Step("disabled", depth, region.name, f"{region.name} is disabled, so it is skipped.",
                {"priority": region.priority})


def _passed(winner: MemoryRegion, loser: MemoryRegion, address: int, depth: int) -> Step:
    """Why ``loser`` was not asked, and who would have answered there."""
    if loser.priority < winner.priority:
        why = f"its priority {loser.priority} is below {winner.priority} of {winner.name}"
    else:
        why = f"it has the same priority as {winner.name}, which was added later"
    other = _leads_to(loser, address)
    ends = "it has nothing there anyway" if other is None else (
        "it would have answered" if other == loser.name else f"it would have led to {other}")
    return Step("passed", depth, loser.name, f"{loser.name} is passed over: {why}; {ends}.", {
        "winner": winner.name, "priority": loser.priority, "winner_priority": winner.priority,
        "leads_to": other,
    })
