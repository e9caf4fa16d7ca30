"""What this machine is and has: tools, memory, disk, users."""
