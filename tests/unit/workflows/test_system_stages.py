"""Installing a kernel on the way into this system."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.artifacts import PackageFile
from pkgafdo.errors import CommandError
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.runner.command import Result
from pkgafdo.workflows.installed_record import read_record, record_path
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.system_stages import system_round_stage
from tests.unit.host import machines
from tests.unit.pacman.local_db import FakeRoot
from tests.unit.pipeline.stages import entry
from tests.unit.workflows import sessions
from tests.unit.workflows.sessions import RELEASE, SessionRunner, install

if TYPE_CHECKING:
    from pkgafdo.workflows.session import Session

PACKAGE = PackageFile(
    path=Path("/w/linux-pkgafdo-base-7.2.13-1-x86_64.pkg.tar.zst"),
    pkgname="linux-pkgafdo-base", pkgbase="linux-pkgafdo-base", pkgver="7.2.13-1", arch="x86_64",
)  # fmt: skip
FILES = f".PKGINFO\nusr/lib/modules/{RELEASE}/vmlinuz\n"


def runner(code: int = 0) -> SessionRunner:
    return SessionRunner(
        answers={
            "bsdtar": Result(returncode=0, stdout=FILES),
            "-U": Result(returncode=code),
        }
    )


def inputs() -> Inputs:
    facts = {"packages": [asdict(PACKAGE) | {"path": str(PACKAGE.path)}], "release": RELEASE}
    needs = ("build-baseline.packages", "build-baseline.release")
    return Inputs(needs=needs, entries={"build-baseline": entry("build-baseline", facts=facts)})


def recorded(session: Session) -> dict[str, str]:
    kernels = read_record(record_path(session.host))
    return {name: version for one in kernels for name, version in one.packages.items()}


def test_what_an_interrupted_installation_may_have_left_is_known(tmp_path: Path) -> None:
    session = sessions.make_session(tmp_path, runner(code=1))
    with pytest.raises(CommandError):
        system_round_stage(session, Round.BASELINE, filesystem=tmp_path).run(inputs())
    assert recorded(session) == {"linux-pkgafdo-base": "7.2.13-1"}


def test_the_installed_image_is_an_output_so_that_its_removal_is_noticed(tmp_path: Path) -> None:
    system = FakeRoot(tmp_path / "system")
    done = runner()
    done.answers["pacman-conf"] = Result(
        returncode=0, stdout=str(system.path / "var/lib/pacman") + "\n"
    )
    done.answers["-Q"] = Result(returncode=1)  # asked where pyalpm is not installed
    session = sessions.make_session(tmp_path, done)
    image = install(tmp_path)
    produced = system_round_stage(session, Round.BASELINE, filesystem=tmp_path).run(inputs())
    assert produced.files == {"image": image}


def test_a_plan_shows_installation_and_one_shot_boot(tmp_path: Path) -> None:
    machines.announce(tmp_path, "Limine 12.4.0", features=machines.ONE_SHOT)
    session = sessions.make_session(tmp_path, runner())
    stage = system_round_stage(session, Round.BASELINE, filesystem=tmp_path)
    assert stage.preview is not None
    unknown = Inputs(needs=stage.needs, entries={}, planned=True)
    install_line, oneshot, after = stage.preview(unknown)
    assert install_line.endswith("‹packages of linux-pkgafdo-base›")
    assert oneshot == "sudo bootctl set-oneshot '‹entry of linux-pkgafdo-base›'"
    assert "same command" in after
