"""The pieces of parsed monitor text put together: regions with RAMBlocks, trees with FlatViews.

What one command leaves open, another one may settle: ``info mtree`` has one word for containers and i/o, and
``info mtree -f`` shows which of them answer accesses.  Only what is certain is linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.flatview import AddressSpace, FlatRange, FlatView, render
from memkit.memory.ramblock import RAMBlock
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion
from memkit.monitor.parse_alias import reachable
from memkit.monitor.parse_flat import FlatLine, FlatText
from memkit.monitor.parse_mtree import Forest

__all__ = [
    "attach_flat_views", "find_frontends", "link_backends", "link_blocks", "regions_by_block", "settle_kinds",
]

# What QEMU makes as a pure container even when nothing is in it.
_CONTAINERS = frozenset({"bus master container", "device-memory", "pci", "system", "memory"})
_FRONTENDS = {"dimm": "pc-dimm", "nvdimm": "nvdimm", "virtio-mem": "virtio-mem-pci",
              "virtio-pmem": "virtio-pmem-pci"}
_MEMORY = ("ram", "rom", "romd", "ramd")
PAGE = 4096
# No host has larger pages of its own, so what is larger comes from hugetlbfs.
LARGEST_BASE_PAGE = 64 << 10
MOST_WORK = 2_500_000


def settle_kinds(forest: Forest, views: Sequence[FlatText], blocks: Sequence[RAMBlock] = ()) -> None:
    """Decide which vague regions are containers, and which of an old text are RAM: those with a block's name.

    With FlatViews: a region is a device where one of its ranges is shown, and a container where
    it would have to show.  Without: one with regions inside, or of 4 GiB and more, is a container.
    """
    answering = {(line.name, line.priority) for view in views for line in view.lines}
    named = _by_end(blocks) if forest.unsaid else {}
    for region in forest.unsaid:
        if not region.subregions and any(_fits(region, b) for b in named.get(region.name, ())):
            region.kind = "rom" if region.readonly else "ram"
    forest.vague = [r for r in forest.vague if r.kind not in _MEMORY]
    for region in forest.vague:
        if (region.name, region.priority) in answering:
            region.kind = "i/o"
            continue
        big = region.size >= 1 << 32 or region.name in _CONTAINERS
        holds = big or (region.subregions and region.name != "io")
        region.kind = "container" if holds else "i/o"
    vague = {id(r) for r in forest.vague}
    shown = _lines_by_space(views)
    settled: set[tuple[int, int]] = set()
    # Taking one container away shows what is below it: a few rounds, less where each is much work.
    rounds = min(MOST_WORK // (forest.work + 1) + 1, 40)
    for space in forest.spaces:
        lines = shown.get((space.name, space.root.name))
        if lines is None or (id(space.root), id(lines)) in settled:
            continue
        settled.add((id(space.root), id(lines)))
        names = {line.name for line in lines}
        for _ in range(rounds):
            wrong = [r.region for r in render(space.root).ranges
                     if r.region.name not in names and id(r.region) in vague]
            if not wrong:
                break
            for region in wrong:
                region.kind = "container"


def attach_flat_views(spaces: list[AddressSpace], views: Sequence[FlatText]) -> list[AddressSpace]:
    """The address spaces, each with the FlatView that QEMU printed for it.

    Spaces that only the FlatViews know are added; their trees are flat, too.
    """
    made: dict[int, FlatView] = {}
    left = [(name, root, view) for view in views for name, root in view.spaces]
    result = []
    for space in spaces:
        match = next(
            (e for e in left if e[0] == space.name and e[1] in (space.root.name, "", "(disabled)")), None
        )
        if match is not None:
            left.remove(match)
            view = match[2]
            if id(view) not in made:
                made[id(view)] = _flat_view(space.root, view)
            vars(space)["flat_view"] = made[id(view)]
        result.append(space)
    synthetic: dict[int, MemoryRegion] = {}
    for name, root_name, view in left:
        if any(s.name == name and not root_name for s in spaces):
            continue
        root = synthetic.setdefault(id(view), _flat_tree(root_name or name, view))
        space = AddressSpace(name, root)
        if id(view) not in made:
            made[id(view)] = _flat_view(root, view)
        vars(space)["flat_view"] = made[id(view)]
        result.append(space)
    return sorted(result, key=lambda s: s.name != "memory")


def _lines_by_space(views: Sequence[FlatText]) -> dict[tuple[str, str], list[FlatLine]]:
    return {key: view.lines for view in views for key in view.spaces}


def _flat_view(root: MemoryRegion, view: FlatText) -> FlatView:
    """The printed ranges, with the regions of the tree below ``root`` (gpa ranges)."""
    rendered = render(root)
    exact = {(r.start, r.size, r.region.name): r.region for r in rendered.ranges}
    named: dict[str, MemoryRegion] = {}
    for r in rendered.ranges:
        named.setdefault(r.region.name, r.region)
    ranges = []
    for line in view.lines:
        region = exact.get((line.start, line.size, line.name)) or named.get(line.name)
        if region is None:
            region = named[line.name] = _detached(line)
        ranges.append(FlatRange(
            line.start, line.size, region, line.offset,
            line.type == "rom", line.nonvolatile,
        ))
    if rendered.root is not None:
        real = rendered.root
    else:
        real = root
    return FlatView(real if view.lines or view.root else None, tuple(ranges))


def _flat_tree(name: str, view: FlatText) -> MemoryRegion:
    """A tree for a FlatView whose own tree is unknown: one window for every range."""
    root = MemoryRegion(name, ADDRESS_SPACE_SIZE)
    targets: dict[tuple[str, str, int], MemoryRegion] = {}
    for line in view.lines:
        key = (line.name, line.type, line.priority)
        region = targets.setdefault(key, _detached(line))
        region.size = max(region.size, line.offset + line.size)
    for line in view.lines:
        region = targets[line.name, line.type, line.priority]
        if line.offset or region.size != line.size or region.container is not None:
            region = MemoryRegion.window(line.name, region, line.offset, line.size)
            region.nonvolatile = line.nonvolatile
        region.addr, region.priority, region.container = line.start, line.priority, root
        root.subregions.append(region)
    root.subregions.sort(key=lambda r: -r.priority)
    return root


def _detached(line: FlatLine) -> MemoryRegion:
    kind = line.type if line.type in _MEMORY else "i/o"
    return MemoryRegion(
        line.name, line.offset + line.size, kind, priority=line.priority,  # type: ignore[arg-type]
        nonvolatile=line.nonvolatile,
    )


def link_backends(blocks: Iterable[RAMBlock], backends: Iterable[Backend]) -> None:
    """Give each RAMBlock its Backend, where the name and the size say so.

    A backend's block has the backend's id as its name, the object's path on old machine types,
    or both behind the path of the device that shows it.
    """
    by_id = {b.id: b for b in backends}
    for block in blocks:
        names = [block.idstr.rpartition("/objects/")[2], block.idstr.rpartition("/")[2]]
        for backend in filter(None, (by_id.get(n) for n in names)):
            if backend.size <= block.max_length < backend.size + max(block.page_size, PAGE):
                block.backend, block.shared, block.purpose = backend, backend.share, "ram"
                block.owner = backend.path
                if block.page_size > LARGEST_BASE_PAGE:
                    backend.filesystem = "hugetlbfs"
                backend.page_size = block.page_size
                break


def link_blocks(regions: Iterable[MemoryRegion], blocks: Sequence[RAMBlock]) -> None:
    """Give each ram, rom or romd region its RAMBlock, where name and size leave no choice."""
    named = _by_end(blocks)
    wanted: dict[tuple[str, int], list[MemoryRegion]] = {}
    for region in regions:
        if region.alias is None and region.kind in _MEMORY and region.name in named:
            wanted.setdefault((region.name, region.size), []).append(region)
    for (name, _), same in wanted.items():
        fit = [b for b in named[name] if _fits(same[0], b)]
        if len(fit) == 1 and len(same) == 1:
            same[0].block = fit[0]
            fit[0].region_name = name


def _by_end(blocks: Iterable[RAMBlock]) -> dict[str, list[RAMBlock]]:
    """Name of a region → the blocks that it may have: a block has its device's path in front."""
    found: dict[str, list[RAMBlock]] = {}
    for block in blocks:
        parts = block.idstr.split("/")
        ends = {block.idstr, *("/".join(parts[-count:]) for count in range(1, min(len(parts), 12)))}
        for end in ends - {""}:
            found.setdefault(end, []).append(block)
    return found


def _fits(region: MemoryRegion, block: RAMBlock) -> bool:
    """True if the block has the region's size, rounded up to whole pages."""
    return any(0 <= length - region.size < max(PAGE, block.page_size)
               for length in (block.max_length, block.used_length))


def find_frontends(
    spaces: Sequence[AddressSpace], blocks: Sequence[RAMBlock], devices: Sequence[MemoryDevice]
) -> list[Frontend]:
    """Who shows RAM, as far as it is certain: the machine (on a PC), and the memory devices."""
    found = []
    shown = regions_by_block(spaces)
    main = _main_ram(spaces)
    if main:
        known = tuple(dict.fromkeys(r.block for r in main if r.block is not None))
        if known:
            found.append(Frontend(
                "machine", None, "main RAM", known[0].backend if len(known) == 1 else None, known, tuple(main)
            ))
    for device in devices:
        name = device.memdev.rpartition("/")[2]
        mine = [b for b in blocks if b.backend is not None and b.backend.id == name]
        kind = _FRONTENDS.get(device.kind, device.kind)
        label = device.id or (f"{kind} in slot {device.slot}" if device.slot is not None else kind)
        regions = tuple(r for b in mine for r in shown.get(id(b), ()))
        backend = mine[0].backend if mine else None
        found.append(Frontend(kind, device.id, label, backend, tuple(mine), regions))
    return found


def regions_by_block(spaces: Sequence[AddressSpace]) -> dict[int, list[MemoryRegion]]:
    """id of a RAMBlock → the regions that own it, in any tree."""
    found: dict[int, list[MemoryRegion]] = {}
    for region in reachable([s.root for s in spaces]):
        if region.block is not None:
            found.setdefault(id(region.block), []).append(region)
    return found


def _main_ram(spaces: Sequence[AddressSpace]) -> list[MemoryRegion]:
    """The regions behind the alias through which PCs show their RAM, or none."""
    root = next((s.root for s in spaces if s.name == "memory"), None)
    alias = next((s for s in root.subregions if s.name == "ram-below-4g"), None) if root else None
    if alias is None or alias.alias is None:
        return []
    return [r for r in alias.alias.walk() if r.alias is None and r.kind in _MEMORY]
