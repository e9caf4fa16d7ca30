"""The refusal of recordings that contradict themselves."""

from __future__ import annotations

from pkgafdo.errors import ArtifactError


def damaged(evidence: str) -> ArtifactError:
    """Return the error for a recording whose bytes make no sense."""
    return ArtifactError(
        "The recording is damaged or was cut short",
        details=evidence,
        hint="Was perf stopped in the regular way, and the file copied whole? Else record again.",
    )
