"""Comparing kernels by counts."""
