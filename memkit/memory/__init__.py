"""QEMU's memory core: RAMBlocks, MemoryRegions, FlatViews, backends and frontends.

All of them are made once, by one of the three doors, and only read afterwards.  What a line can have hundreds
of is no frozen dataclass, which would take ten times as long to make.
"""
