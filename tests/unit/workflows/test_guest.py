"""Getting a kernel ready for the VM."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.artifacts import Toolchain
from pkgafdo.config.model import Config
from pkgafdo.host.facts import read_facts
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.pipeline.workdir import locked
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.plugin import Native
from pkgafdo.workflows.guest import guest_needs, prepared
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.session import Session
from tests.fakes.runner import FakeRunner
from tests.unit.vm.guests import SUITE
from tests.unit.workflows.entries import finished


class Host(FakeRunner):
    """A fake runner whose programs lie in one folder."""

    folder: Path

    def which(self, program: str) -> str | None:
        return str(self.folder / program.rsplit("/", 1)[-1])


@pytest.fixture
def session(tmp_path: Path):
    """Make a session in a work folder whose modprobe knows one module."""
    (tmp_path / "brd.ko").write_bytes(b"module")

    def modprobe(command: Command) -> Result:
        known = command.argv[-1] == "brd"
        text = f"insmod {tmp_path}/brd.ko \n" if known else ""
        return Result(returncode=0 if known else 1, stdout=text)

    def bsdtar(command: Command) -> Result:
        Path(command.argv[4]).write_text("archive")
        return Result(returncode=0)

    host = Host(answers={"modprobe": modprobe, "ldd": Result(returncode=1), "bsdtar": bsdtar})
    host.folder = tmp_path / "bin"
    host.folder.mkdir()
    for name in ("busybox", "tool"):
        (host.folder / name).write_bytes(b"\x7fELF")
    (tmp_path / "window").write_bytes(b"")
    with locked(tmp_path / "w") as workdir:
        yield Session(
            config=Config(),
            host=read_facts({"HOME": str(tmp_path)}, filesystem=tmp_path),
            runner=host,  # type: ignore[arg-type]
            workdir=workdir,
            builder=None,
            toolchain=Toolchain(make_value="1", version=(19, 1, 7), tools={}),
        )


@pytest.fixture
def native(tmp_path: Path) -> Native:
    return Native(plugin=tmp_path / "vlbr.so", window=tmp_path / "window", api=1)


def inputs(session: Session, which: Round) -> Inputs:
    return Inputs(needs=guest_needs(which), entries=finished(session.workdir.path))


def test_a_guest_needs_only_its_own_rounds_installation() -> None:
    for which in Round:
        assert {need.partition(".")[0] for need in guest_needs(which)} == {f"install-{which}"}


def test_a_guest_is_the_rounds_kernel_with_the_suite_packed(session, native) -> None:
    with prepared(session, inputs(session, Round.BASELINE), Round.BASELINE, SUITE, native) as guest:
        assert guest.name == "baseline-two"
        assert guest.image.name == "vmlinuz"
        assert guest.vmlinux.release == "7.2.13-pkgafdo-base"
        assert guest.initramfs.read_text() == "archive"
        assert (guest.folder / "modules/brd.ko").read_bytes() == b"module"
        mtree = (guest.folder / "two.mtree").read_text()
        assert "./modules/brd.ko type=file" in mtree
        asked = [command.argv for command in session.runner.queried if "modprobe" in command.argv]
        assert {"7.2.13-pkgafdo-base"} == {argv[argv.index("--set-version") + 1] for argv in asked}


def test_a_guest_that_worked_leaves_only_its_console(session, native) -> None:
    with prepared(
        session, inputs(session, Round.OPTIMISED), Round.OPTIMISED, SUITE, native
    ) as guest:
        (guest.folder / f"{guest.name}.console").write_text("hello\n")
    assert not guest.folder.exists()
    assert (session.workdir.logs / "optimised-two.console").read_text() == "hello\n"


def test_a_guest_that_failed_is_kept_to_be_looked_at_and_replaced_by_the_next(
    session, native
) -> None:
    def fail() -> None:
        with prepared(
            session, inputs(session, Round.BASELINE), Round.BASELINE, SUITE, native
        ) as guest:
            (guest.folder / f"{guest.name}.console").write_text("panic\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    folder = session.workdir.path / "guest/baseline-two"
    assert (folder / "two.mtree").exists()
    assert (session.workdir.logs / "baseline-two.console").read_text() == "panic\n"
    (folder / "stale").touch()
    with prepared(session, inputs(session, Round.BASELINE), Round.BASELINE, SUITE, native):
        assert not (folder / "stale").exists()
        assert (folder / files.MARK).exists()
    assert not folder.exists()
