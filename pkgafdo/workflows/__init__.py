"""Whole jobs: the only place where rooms and pipeline meet."""
