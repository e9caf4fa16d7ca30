"""Building pacman packages of a kernel."""
