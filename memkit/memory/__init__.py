"""QEMU's memory core: RAMBlocks, MemoryRegions, FlatViews, backends and frontends."""
