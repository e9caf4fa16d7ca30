"""Which file system holds a path."""

from __future__ import annotations


def mounted_on(mountinfo: str, path: str) -> tuple[str, str]:
    """Return type and source of the file system that holds a path (proc_pid_mountinfo(5)); pure."""
    best = ("", "", "")
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, details = before.split(), after.split()
        if len(fields) < 5 or len(details) < 2:
            continue
        place = fields[4]
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best[0]):
            best = (place, details[0], details[1])
    return best[1], best[2]


def disk_of(mountinfo: str, path: str) -> str:
    """Return what a path's file system shares its free space with, or nothing where that is itself; pure.

    Subvolumes of one btrfs, and datasets of one ZFS pool, are file systems of their own on one disk.
    """
    kind, source = mounted_on(mountinfo, path)
    if kind == "zfs":
        return f"zfs {source.partition('/')[0]}"
    return source if source.startswith("/dev/") else ""
