"""The door to a real QEMU: start one, look at its memory, end it."""
