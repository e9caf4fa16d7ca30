"""Propeller: the layout of a kernel's basic blocks and functions, worked out from branch counts."""
