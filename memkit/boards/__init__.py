"""Boards: what each machine type wires up."""
