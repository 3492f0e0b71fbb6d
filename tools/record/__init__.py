"""Record what a real QEMU says: facts for data/, and captures.  See docs/adding-a-qemu.md."""
