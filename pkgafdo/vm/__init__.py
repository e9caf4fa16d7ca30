"""QEMU with the virtual LBR: exact branch records and counts on any machine."""
