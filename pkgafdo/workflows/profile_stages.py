"""The stages between the two builds: record branches in the VM, convert them to a profile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import elf, log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.store import read_table, write_table
from pkgafdo.branches.vlbr import read_stacks
from pkgafdo.errors import ArtifactError
from pkgafdo.files import sha256_json
from pkgafdo.perf.perfdata.write import Machine, Stacks, write_recording
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.profile.convert import Request, Tool, convert
from pkgafdo.profile.profgen import profgen_command
from pkgafdo.profile.provenance import provenance_of, write_provenance
from pkgafdo.profile.tools import tool_version
from pkgafdo.runner.command import shell
from pkgafdo.vm.lbr import preview_command, record, stacks_of
from pkgafdo.vm.plugin import native_source
from pkgafdo.vm.suites import suite_of
from pkgafdo.workflows.guest import guest_needs, native_of, prepared
from pkgafdo.workflows.kernel_stages import plain
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.session import toolchain_recipe
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.lbr import Guest
    from pkgafdo.vm.suites import Suite
    from pkgafdo.workflows.session import Session


def _stamp(session: Session, program: str) -> str:
    """Return what tells one version of a program or file from another, without reading it."""
    path = session.runner.which(program) if "/" not in program else program
    if path is None or not Path(path).is_file():
        return "absent"
    status = Path(path).stat()
    return f"{status.st_size} bytes of {status.st_mtime_ns}"


def vm_recipe(session: Session, suite: Suite) -> dict[str, Any]:
    """Return what decides the counts of a suite in the VM."""
    programs = ("busybox", session.config.vm.qemu, *suite.files)
    vm = plain(session.config.vm)
    del vm["timeout"], vm["lbr"]
    return {
        "vm": vm,
        "suite": plain(suite),
        "step_timeout": session.config.workload.step_timeout,
        "programs": {name: _stamp(session, name) for name in programs},
        "plugin": sha256_json([native_source(name) for name in ("vlbr.c", "window.c", "init.sh")]),
    }


def _modules_before(session: Session, which: Round) -> tuple[str, ...]:
    """Return the need that names the baseline's modules; nothing where it was not recorded in the VM."""
    before = which is not Round.BASELINE and session.config.record.road != "host"
    return ("record.modules",) if before and not session.config.profile.file else ()


def require_modules(before: Iterable[str], now: Iterable[str], which: Round) -> None:
    """Raise ArtifactError for modules that the baseline kernel loaded and this one did not."""
    if missing := sorted(set(before) - set(now)):
        raise ArtifactError(
            f"the {which} kernel does not load all modules that the baseline kernel loads",
            details=f"Not loaded: {', '.join(missing)}.",
            hint="The console among the run's logs says why. Without this kernel's profile or layout "
            "the modules load: please report it.",
        )


def record_stage(session: Session, which: Round = Round.BASELINE) -> Stage:
    """Return the stage that runs the workload under the virtual LBR on a round's kernel.

    The profile is made from the baseline's, Propeller's layout from the optimised kernel's.
    """
    suite = suite_of(session.config.workload)
    suffix = "" if which is Round.BASELINE else f"-{which}"
    output = session.workdir.path / "recordings" / f"{suite.name}{suffix}.parquet"
    before = _modules_before(session, which)
    needs = (*guest_needs(which), *before)

    def run(inputs: Inputs) -> Produced:
        native = native_of(session)
        log.note(f"suite {suite.name}: {suite.about}")
        with prepared(session, inputs, which, suite, native) as guest:
            table = record(session.runner, session.config.vm, native, guest)
            sampled = _write_perf_data(session, guest, table, output.with_suffix(".perf.data"))
        loaded = [module.name for module in table.meta.modules]
        for key in before:
            require_modules(inputs.fact(key), loaded, which)
        write_table(table, output)
        log.note(f"{table.branches:,} taken branches, {table.distinct_branches:,} distinct")
        log.note(f"modules in the guest: {', '.join(loaded) or 'none'}")
        return Produced(
            files={"table": output} | sampled,
            facts={
                "suite": suite.name,
                "branches": table.branches,
                "ranges": table.ranges,
                "distinct_branches": table.distinct_branches,
                "distinct_ranges": table.distinct_ranges,
                "modules": loaded,
                "event": table.meta.event,
                "cpu": table.meta.cpu,
            },
        )

    return Stage(
        name=f"record{suffix}",
        title=f"record branches of “{suite.name}” on the {which} kernel with the virtual LBR",
        recipe=vm_recipe(session, suite),
        needs=needs,
        run=run,
        preview=lambda inputs: (
            shell(
                preview_command(
                    session.config.vm, inputs.file(f"install-{which}.image"), suite, "record"
                )
            ),
        ),
    )


def _write_perf_data(
    session: Session, guest: Guest, table: BranchTable, output: Path
) -> dict[str, Path]:
    """Write the stacks that the virtual LBR sampled, if any, as perf would have recorded them."""
    period = session.config.vm.stack_period
    if not period:
        return {}
    rows, lengths = read_stacks(stacks_of(guest))
    bounds = elf.text_bounds(guest.vmlinux.path)
    meta = table.meta
    machine = Machine(
        text=bounds.text or 0,
        text_size=(bounds.etext or 0) - (bounds.text or 0),
        build_id=meta.build_id,
        kernelrelease=meta.kernelrelease,
        arch=session.host.machine,
        cpu=meta.cpu,
        event=meta.event,
        period=period,
        command=guest.suite.name,
        modules=[(module.name, module.base, module.size) for module in meta.modules],
    )
    write_recording(output, Stacks(rows=rows, lengths=lengths), machine)
    log.note(f"{len(lengths):,} samples for perf: {output}")
    return {"perf_data": output}


def _convert(session: Session, inputs: Inputs, folder: Path) -> Produced:
    for leftover in folder.glob(".convert.*"):
        shutil.rmtree(leftover)  # of a run that was killed while converting
    vmlinux = Vmlinux(
        path=inputs.file("install-baseline.vmlinux"),
        build_id=inputs.fact("install-baseline.build_id"),
        release=inputs.fact("install-baseline.release"),
    )
    request = Request(
        table=read_table(inputs.file("record.table")),
        vmlinux=vmlinux,
        settings=session.config.profile,
        cache=session.cache,
        tools=(Tool.PROFGEN,),
        objects=Path(inputs.fact("build-baseline.objects")),
    )
    conversion = convert(session.runner, session.toolchain, request, folder=folder)
    provenance = provenance_of(
        conversion,
        vmlinux,
        tools=tool_versions(session.runner, session.toolchain),
        created_by=f"pkgafdo {version()}",
        config_digest=inputs.digest("build-baseline.config"),
    )
    profile, quality = conversion.profile, conversion.quality
    log.note(
        f"{profile.functions:,} functions, {profile.samples:,} samples; "
        f"{quality.found.share:.1%} of the branches are in functions of vmlinux"
    )
    return Produced(
        files={
            "profile": profile.path,
            "provenance": write_provenance(profile.path, provenance),
        },
        facts={
            "functions": profile.functions,
            "samples": profile.samples,
            "found_share": quality.found.share,
            "modules": dict(provenance.modules),
        },
    )


def convert_stage(session: Session) -> Stage:
    """Return the stage that turns the recording into a sample profile and judges it."""
    settings = session.config.profile
    folder = session.workdir.path / "profiles"
    # Neither decides what llvm-profgen makes of a recording.
    recipe = {k: v for k, v in plain(settings).items() if k not in {"file", "create_llvm_prof_url"}}

    def preview(inputs: Inputs) -> tuple[str, ...]:
        command = profgen_command(
            session.toolchain.tools.get("llvm-profgen", "llvm-profgen"),
            binary=inputs.file("install-baseline.vmlinux"),
            counts=folder / "counts.txt",
            output=folder / "kernel.afdo",
        )
        return (shell(command),)

    return Stage(
        name="convert",
        title="convert the recording to a profile with llvm-profgen",
        recipe={"profile": recipe, "toolchain": toolchain_recipe(session.toolchain)},
        needs=(
            "record.table",
            "install-baseline.vmlinux",
            "install-baseline.build_id",
            "install-baseline.release",
            "build-baseline.config",
            "build-baseline.objects",
        ),
        run=lambda inputs: _convert(session, inputs, folder),
        preview=preview,
    )


def tool_versions(runner: Runner, toolchain: Toolchain) -> dict[str, str]:
    """Return the versions of the programs that a profile's provenance names."""
    return {
        name: tool_version(runner, toolchain.tools[name])
        for name in ("clang", "llvm-profgen")
        if name in toolchain.tools
    }
