"""Sessions whose runner starts nothing, on machines that are folders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from pkgafdo.artifacts import Toolchain
from pkgafdo.config.load import build_config
from pkgafdo.host.facts import folders_of
from pkgafdo.pipeline.workdir import Workdir
from pkgafdo.workflows.session import Session
from tests.fakes.runner import FakeRunner
from tests.unit.host.test_doctor import FACTS
from tests.unit.host.test_running import note

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.local import LocalRunner

BUILT = "ab" * 20
"""The build-id of the baseline kernel."""
OTHER = "cd" * 20
"""The build-id of the kernel that was there before."""
RELEASE = "7.2.13-pkgafdo-base"


@dataclass(kw_only=True)
class SessionRunner(FakeRunner):
    """A fake runner with what the journal asks of a real one."""

    spent: list[float] = field(default_factory=list)


def make_session(folder: Path, runner: FakeRunner, **sections: Any) -> Session:
    """Return a session in a folder, with sections of the configuration."""
    workdir = folder / "work"
    workdir.mkdir(parents=True, exist_ok=True)
    host = replace(FACTS, folders=folders_of({}, home=str(folder / "home")))
    return Session(
        config=build_config(sections, origin="the test"),
        host=host,
        runner=cast("LocalRunner", runner),
        workdir=Workdir(path=workdir),
        builder=None,
        toolchain=Toolchain(make_value="1", version=(19, 1, 7), tools={"clang": "/usr/bin/clang"}),
    )


def boot(root: Path, build_id: str, *, boot_id: str = "boot-1") -> None:
    """Let a kernel run on a machine."""
    path = root / "sys/kernel/notes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(note(b"GNU", 3, bytes.fromhex(build_id)))
    identity = root / "proc/sys/kernel/random/boot_id"
    identity.parent.mkdir(parents=True, exist_ok=True)
    identity.write_text(boot_id + "\n", encoding="ascii")


def install(root: Path, release: str = RELEASE, pkgbase: str = "linux-pkgafdo-base") -> Path:
    """Install a kernel on a machine, as Arch's packages do; returns its image."""
    folder = root / "usr/lib/modules" / release
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pkgbase").write_text(pkgbase + "\n", encoding="utf-8")
    (folder / "vmlinuz").write_bytes(b"kernel")
    return folder / "vmlinuz"
