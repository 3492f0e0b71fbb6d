"""Command lines in and out of text: options, objects, devices, nodes."""

from __future__ import annotations

from memkit.config.config import Config
from memkit.config.parse import parse
from memkit.config.specs import (
    BlockdevSpec,
    DeviceSpec,
    DriveSpec,
    MemoryOptions,
    NumaSpec,
    ObjectSpec,
    Option,
    SmpOptions,
)

__all__ = [
    "BlockdevSpec",
    "Config",
    "DeviceSpec",
    "DriveSpec",
    "MemoryOptions",
    "NumaSpec",
    "ObjectSpec",
    "Option",
    "SmpOptions",
    "parse",
]
