"""The kernel tree: fetching, identity, configuration, make, images."""
