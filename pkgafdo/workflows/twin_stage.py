"""The stage that makes the baseline's twin, by which layout's luck is measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.host.resources import Need, held_disk, require_room
from pkgafdo.kernel import image, make, twin
from pkgafdo.kernel.findings import describe
from pkgafdo.packaging.builder import give, make_folder
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.toolchain.select import program_name
from pkgafdo.workflows.guest import TWIN
from pkgafdo.workflows.session import toolchain_recipe

if TYPE_CHECKING:
    from pkgafdo.kernel.image import BuiltKernel
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.runner.command import Command
    from pkgafdo.workflows.session import Session

_KIND: Final = "pkgafdo twin, format 1"
_NEEDS: Final = (
    "source.path", "source.timestamp", "build-baseline.objects", "build-baseline.build_id",
    "install-baseline.vmlinux", "install-baseline.root",
)  # fmt: skip


def twin_stage(session: Session) -> Stage:
    """Return the stage that links the baseline's objects once more, in another order.

    It works on a copy of the object folder, which is removed again: the baseline stays as it is.
    Raises ConfigError where that cannot be done.
    """
    twin.require_twin(session.config.kernel.lto, session.config.package.route)
    return Stage(
        name=TWIN,
        title="link the baseline again with its functions in another order",
        recipe={
            "seed": twin.SEED,
            "run": twin.RUN,
            "toolchain": toolchain_recipe(session.toolchain),
        },
        needs=_NEEDS,
        run=lambda inputs: _make_twin(session, inputs),
        preview=lambda inputs: (shell(_link_command(session, inputs)),),
    )


def _place(session: Session) -> Path:
    return session.scratch / TWIN


def _link_command(session: Session, inputs: Inputs) -> Command:
    timestamp = inputs.fact("source.timestamp")
    kbuild = make.Kbuild(
        tree=Path(inputs.fact("source.path")),
        objects=_place(session) / "objects",
        toolchain=session.toolchain,
        jobs=session.jobs,
        timestamp=timestamp if isinstance(timestamp, int) else None,
    )
    # What the baseline's code was compiled with.
    variables = make.code_variables(session.toolchain, session.config.kernel.lto, ())
    variables = twin.reordered(variables, session.toolchain, _order(session))
    return make.make_command(kbuild, twin.TARGET, variables=variables, log=f"link-{TWIN}")


def _order(session: Session) -> Path:
    return _place(session) / f"order-{twin.SEED}.txt"


def _make_twin(session: Session, inputs: Inputs) -> Produced:
    baseline, copy = inputs.file("install-baseline.vmlinux"), _place(session) / "objects"
    _copy_objects(session, Path(inputs.fact("build-baseline.objects")), copy)
    names = twin.other_order(baseline, twin.SEED)
    files.write_text(_order(session), "".join(f"{name}\n" for name in names))
    linker = program_name("ld.lld", session.toolchain.make_value)
    twin.keep_code(copy, linker, twin.reordered({}, session.toolchain, _order(session))["LD"])
    session.runner.run(_link_command(session, inputs))
    built = image.read_kernel(copy, machine=session.host.machine)
    finding = twin.require_twins(baseline, built.vmlinux.path)
    log.note(finding.got)
    kept = _keep(built, session.workdir.path / TWIN)
    files.remove_marked(_place(session))
    return Produced(
        files=kept,
        facts={
            "release": built.release,
            "build_id": built.vmlinux.build_id,
            # Modules are the baseline's own: the kernel lays them out when it loads them.
            "root": inputs.fact("install-baseline.root"),
            "checks": [describe(finding)],
        },
    )


def _copy_objects(session: Session, objects: Path, copy: Path) -> None:
    image.read_kernel(objects, machine=session.host.machine)  # it must still be there, and whole
    place = copy.parent
    need = Need(path=place, size=held_disk(objects), what="the copy")
    require_room([need], purpose="a copy of the baseline's objects")
    files.remove_marked(place)
    make_folder(place, _KIND, session.builder)
    copy.mkdir()
    give(copy, session.builder)
    names = [path.name for path in objects.iterdir()]
    session.runner.run(twin.copy_command(objects, names, copy))


def _keep(built: BuiltKernel, folder: Path) -> dict[str, Path]:
    files.remake_marked(folder, _KIND)
    place = folder / built.release
    kept = {"vmlinux": place / "vmlinux", "image": place / "vmlinuz"}
    files.copy_file(built.vmlinux.path, kept["vmlinux"])
    files.copy_file(built.image, kept["image"])
    return kept
