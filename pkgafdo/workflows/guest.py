"""Getting a kernel ready for the VM: modules, packed suite, the virtual LBR."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.artifacts import Vmlinux
from pkgafdo.vm.initramfs import make_initramfs
from pkgafdo.vm.lbr import Guest
from pkgafdo.vm.modules import find_modules, unpack_modules
from pkgafdo.vm.plugin import build_native

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.vm.plugin import Native
    from pkgafdo.vm.suites import Suite
    from pkgafdo.workflows.session import Session

_GUEST_KIND = "pkgafdo guest"
TWIN: Final = "twin"
"""A kernel beside the rounds: the baseline with another layout. It is counted, never packaged."""


def kernel_stage(which: str) -> str:
    """Return the stage that has a kernel ready to boot: a round's, or the baseline's twin."""
    return TWIN if which == TWIN else f"install-{which}"


def guest_needs(which: str) -> tuple[str, ...]:
    """Return what of a round, or of the twin, a guest is made of."""
    outputs = ("vmlinux", "image", "release", "build_id", "root")
    return tuple(f"{kernel_stage(which)}.{output}" for output in outputs)


def native_of(session: Session) -> Native:
    """Return the compiled virtual LBR for the QEMU that the configuration names."""
    return build_native(
        session.runner, session.toolchain, qemu=session.config.vm.qemu, cache=session.cache
    )


@contextmanager
def prepared(
    session: Session, inputs: Inputs, which: str, suite: Suite, native: Native
) -> Iterator[Guest]:
    """Yield a guest of a kernel with a suite packed; its console stays among the logs."""
    folder = session.workdir.path / "guest" / f"{which}-{suite.name}"
    files.remake_marked(folder, _GUEST_KIND)
    try:
        yield _guest(session, inputs, which, suite, native, folder)
    finally:
        for console in folder.glob("*.console"):
            session.workdir.logs.mkdir(exist_ok=True)
            shutil.copyfile(console, session.workdir.logs / console.name)
    files.remove_marked(folder)


def _guest(
    session: Session, inputs: Inputs, which: str, suite: Suite, native: Native, folder: Path
) -> Guest:
    config = session.config
    name = kernel_stage(which)
    release = inputs.fact(f"{name}.release")
    usr = Path(inputs.fact(f"{name}.root")) / "usr"
    found = find_modules(session.runner, usr, release, config.vm.modules)
    initramfs = make_initramfs(
        session.runner,
        suite,
        window=native.window,
        modules=unpack_modules(session.runner, found, folder / "modules"),
        step_timeout=config.workload.step_timeout,
        folder=folder,
    )
    return Guest(
        image=inputs.file(f"{name}.image"),
        vmlinux=Vmlinux(
            path=inputs.file(f"{name}.vmlinux"),
            build_id=inputs.fact(f"{name}.build_id"),
            release=release,
        ),
        initramfs=initramfs,
        suite=suite,
        folder=folder,
        name=f"{which}-{suite.name}",
    )
