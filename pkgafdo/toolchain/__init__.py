"""Which LLVM to use, and what it can do, found by trying."""
