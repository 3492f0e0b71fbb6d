"""The monitor: what QEMU prints about memory, written and read."""
