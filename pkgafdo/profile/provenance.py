"""Where a profile comes from: a JSON file beside it, bound to it by its digest."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files
from pkgafdo.branches.origin import RUNTIME_ADDRESSES, foreign_build_ids, tells_build_id
from pkgafdo.branches.store import table_digest
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.artifacts import Vmlinux
    from pkgafdo.profile.conversion import Conversion

_FORMAT: Final = 1
_HINT: Final = "Convert or merge again; the profile and its .json belong together."


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What is known about the making of one profile.

    profile_sha256 and table_sha256 are digests of the profile's bytes and of the table's content.
    samples, lost, dropped, event and period are the recording's; functions and counts the
    profile's; found_share is the part of the recorded branches that began in a function of vmlinux.
    command is the workload's where it is a user's own, suite_digest that of the steps that ran.
    tools maps names to versions, converter names the one that made it. modules maps the kernel
    modules that were profiled to their samples, modules_left_out the others to the reason. mismatch
    says that foreign build-ids, addresses of an unknown place, or profiles of several releases were
    allowed; build_id_checked that every recording told its build-id, so that it was compared with
    build_id. merged_from lists the digests (with weights) of the profiles that a merged one was made
    of, unknown_origins those that went in, now or earlier, without anybody knowing where they come
    from.
    """

    profile_sha256: str
    functions: int
    counts: int
    kernelrelease: str = ""
    build_id: str = ""
    config_digest: str = ""
    workload: str = ""
    command: str = ""
    suite_digest: str = ""
    cpu: str = ""
    event: str = ""
    period: int = 0
    samples: int = 0
    lost: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    table_sha256: str = ""
    found_share: float = 0.0
    mismatch: bool = False
    build_id_checked: bool = True
    tools: Mapping[str, str] = field(default_factory=dict)
    converter: str = ""
    modules: Mapping[str, int] = field(default_factory=dict)
    modules_left_out: Mapping[str, str] = field(default_factory=dict)
    merged_from: tuple[tuple[str, int], ...] = ()
    unknown_origins: tuple[str, ...] = ()
    created_by: str = ""


def provenance_of(
    conversion: Conversion,
    vmlinux: Vmlinux,
    *,
    tools: Mapping[str, str],
    created_by: str,
    config_digest: str = "",
) -> Provenance:
    """Return the provenance of a conversion; the workload is the one that the table names."""
    meta = conversion.table.meta
    return Provenance(
        profile_sha256=conversion.profile.sha256,
        functions=conversion.profile.functions,
        counts=conversion.profile.samples,
        kernelrelease=meta.kernelrelease or vmlinux.release,
        build_id=vmlinux.build_id,
        config_digest=config_digest,
        workload=meta.extra.get("workload", ""),
        command=meta.extra.get("workload-command", ""),
        suite_digest=meta.extra.get("suite", ""),
        cpu=meta.cpu,
        event=meta.event,
        period=meta.period,
        samples=meta.samples,
        lost=meta.lost,
        dropped={str(reason): count for reason, count in meta.dropped.items()},
        source=meta.source,
        table_sha256=table_digest(conversion.table),
        found_share=round(conversion.quality.found.share, 6),
        mismatch=bool(foreign_build_ids(meta, vmlinux.build_id)) or RUNTIME_ADDRESSES in meta.extra,
        build_id_checked=tells_build_id(meta),
        tools=dict(tools) | {name: meta.extra[name] for name in ("qemu",) if name in meta.extra},
        converter=conversion.tool,
        modules={one.name: one.samples for one in conversion.modules if not one.why_not},
        modules_left_out={one.name: one.why_not for one in conversion.modules if one.why_not},
        created_by=created_by,
    )


def provenance_path(profile: Path) -> Path:
    """Return where the provenance of a profile lies: beside it, with .json appended."""
    return profile.with_name(profile.name + ".json")


def write_provenance(profile: Path, provenance: Provenance) -> Path:
    """Write the JSON beside the profile; returns its path."""
    path = provenance_path(profile)
    files.write_json(path, {"format": _FORMAT, **asdict(provenance)})
    return path


def find_provenance(profile: Path) -> Provenance | None:
    """Read the provenance of a profile, or return None when it has none."""
    return read_provenance(profile) if provenance_path(profile).is_file() else None


def read_provenance(profile: Path) -> Provenance:
    """Read the provenance of a profile.

    Raises ArtifactError when it is absent, damaged, or of other bytes than the profile now has.
    """
    path = provenance_path(profile)
    try:
        provenance = _from_plain(files.read_json(path))
        digest = files.sha256_file(profile)
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"The provenance of {profile} cannot be read",
            details=f"{path}: {error}",
            hint=_HINT,
        ) from error
    if digest != provenance.profile_sha256:
        raise ArtifactError(
            f"{profile} was changed after its provenance was written",
            details=f"sha256 now: {digest}\nsha256 then: {provenance.profile_sha256}",
            hint=_HINT,
        )
    return provenance


def _from_plain(plain: Any) -> Provenance:  # noqa: ANN401  JSON is any of its types
    if not isinstance(plain, dict) or plain.pop("format", None) != _FORMAT:
        raise ValueError(f"it is not of format {_FORMAT}")
    defaults = asdict(Provenance(profile_sha256="", functions=0, counts=0))
    unknown = sorted(set(plain) - {known.name for known in fields(Provenance)})
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    plain["merged_from"] = tuple((str(name), int(n)) for name, n in plain.get("merged_from", ()))
    plain["unknown_origins"] = tuple(map(str, plain.get("unknown_origins", ())))
    for name, value in plain.items():
        if type(value) is not type(defaults[name]):
            raise TypeError(f"{name} is {value!r}")
    return Provenance(**plain)


def llvm_major(provenance: Provenance) -> int | None:
    """Return the major version of the LLVM that made a profile, when its provenance tells."""
    for name in ("llvm-profgen", "clang"):
        major = provenance.tools.get(name, "").partition(".")[0]
        if major.isdigit():
            return int(major)
    return None
