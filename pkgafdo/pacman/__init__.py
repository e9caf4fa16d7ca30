"""Pacman's databases and packages: reading with pyalpm or pacman, installing with pacman."""
