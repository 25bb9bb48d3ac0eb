"""Drivers: they turn an IRP into commands for hardware, and back. They import the I/O manager, never each other."""
