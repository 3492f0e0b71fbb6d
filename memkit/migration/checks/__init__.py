"""The checks of QEMU on the way of a migration, one concept a file."""
