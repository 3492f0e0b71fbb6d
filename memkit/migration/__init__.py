"""Migration: what becomes of a guest's memory on its way to another QEMU."""
