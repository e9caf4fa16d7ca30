"""Profile-optimised Linux kernels as pacman packages."""
