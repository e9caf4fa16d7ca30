"""Whether profiles may be merged, by what is known about their making, and what is known then."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.provenance import Provenance, llvm_major

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pkgafdo.artifacts import SampleProfile

MISMATCH: Final = "made although build-id, addresses or release were not known to fit"
"""What a provenance with `mismatch` says, as the end of a sentence; which of them, it does not tell."""


def require_same_origin(origins: Mapping[str, Provenance | None], *, allow_mismatch: bool) -> None:
    """Refuse to merge profiles of several kernels or LLVM majors; profile paths map to origins.

    Raises ArtifactError; with `allow_mismatch`, warns instead. What is unknown is only warned of.
    """
    for path, origin in origins.items():
        if origin is None:
            log.warn(f"{path} has no provenance: nobody knows which kernel and LLVM it is of")
        elif origin.unknown_origins:
            log.warn(f"{path} {render_unknown(origin)}")
    known = {path: origin for path, origin in origins.items() if origin is not None}
    for what, values in (
        ("kernels", {path: origin.kernelrelease for path, origin in known.items()}),
        ("LLVM majors", {path: str(llvm_major(o) or "") for path, o in known.items()}),
    ):
        told = {path: value for path, value in values.items() if value}
        if len(set(told.values())) <= 1:
            continue
        sentence = f"The profiles are of different {what}"
        details = "\n".join(f"{path}: {value}" for path, value in told.items())
        if not allow_mismatch:
            raise ArtifactError(
                sentence,
                details=details,
                hint="Convert their recordings anew, each with its own vmlinux and one LLVM; or "
                "allow it with --allow-mismatch.",
            )
        log.warn(f"{sentence}: {', '.join(sorted(set(told.values())))}")


def merged_provenance(
    profile: SampleProfile,
    origins: Sequence[tuple[str, int, Provenance | None]],
    *,
    created_by: str,
) -> Provenance:
    """Return the provenance of a merged profile; origins are (sha256, weight, provenance)."""
    known = [origin for _, _, origin in origins if origin is not None]
    kernels = {origin.kernelrelease for origin in known if origin.kernelrelease}
    unknown = [
        name
        for digest, _, origin in origins
        for name in ((digest,) if origin is None else origin.unknown_origins)
    ]
    dropped: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for origin in known:
        dropped.update(origin.dropped)
        modules.update(origin.modules)
    return Provenance(
        profile_sha256=profile.sha256,
        functions=profile.functions,
        counts=profile.samples,
        kernelrelease=_joined(origin.kernelrelease for origin in known),
        build_id=_common(origin.build_id for origin in known),
        config_digest=_common(origin.config_digest for origin in known),
        workload=_joined(origin.workload for origin in known),
        command=_joined(origin.command for origin in known),
        suite_digest=_common(origin.suite_digest for origin in known),
        cpu=_joined(origin.cpu for origin in known),
        event=_joined(origin.event for origin in known),
        period=known[0].period if len({origin.period for origin in known}) == 1 else 0,
        samples=sum(origin.samples for origin in known),
        lost=sum(origin.lost for origin in known),
        dropped=dict(dropped),
        source=_joined(origin.source for origin in known),
        found_share=min((origin.found_share for origin in known), default=0.0),
        mismatch=any(origin.mismatch for origin in known) or len(kernels) > 1,
        build_id_checked=all(
            origin is not None and origin.build_id_checked for *_, origin in origins
        ),
        tools=_common_tools(known),
        converter=_joined(origin.converter for origin in known),
        modules=dict(modules),
        merged_from=tuple((digest, weight) for digest, weight, _ in origins),
        unknown_origins=tuple(dict.fromkeys(unknown)),
        created_by=created_by,
    )


def render_unknown(origin: Provenance) -> str:
    """Return what of a profile's making nobody knows, as the end of a sentence."""
    count = len(origin.unknown_origins)
    profiles = "a profile" if count == 1 else f"{count} profiles"
    return f"was made of {profiles} without provenance, of a kernel and LLVM that nobody knows"


def _joined(values: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(value for value in values if value))


def _common(values: Iterable[str]) -> str:
    """Return the value that all have, or nothing."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _common_tools(known: Sequence[Provenance]) -> dict[str, str]:
    """Return the versions that no other profile contradicts."""
    names = {name for origin in known for name in origin.tools}
    versions = {name: {o.tools[name] for o in known if name in o.tools} for name in sorted(names)}
    return {name: found.pop() for name, found in versions.items() if len(found) == 1}
