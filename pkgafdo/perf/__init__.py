"""Linux perf and its files."""
