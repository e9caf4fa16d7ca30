"""A generated PKGBUILD builds the real kernel of a finished run in both rounds, with plain makepkg.

Only with $PKGAFDO_E2E_PKGBUILD, which names the run's work folder: tree, configuration and profile
come from there. Two builds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pkgafdo import elf, files
from pkgafdo.cli.main import main
from pkgafdo.errors import CommandError, HostError
from pkgafdo.host.users import require_builder
from pkgafdo.kernel import kconfig
from pkgafdo.packaging import pkginfo
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.workflows.install_stages import check_vmlinux
from pkgafdo.workflows.pkgbuild import new_pkgbuild
from pkgafdo.workflows.pkgbuild_given import Order

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel

PLACE: Final = "PKGAFDO_E2E_PKGBUILD"
PROGRAMS: Final = ("make", "makepkg", "bsdtar", "fakeroot", "bwrap")
NAMES: Final = {"linux-e2e", "linux-e2e-headers", "linux-e2e-debug"}


@dataclass(frozen=True, kw_only=True)
class Maintainer:
    """Somebody with a folder for a PKGBUILD, and what a finished run has left."""

    folder: Path
    runner: LocalRunner
    version: str
    tree: Path
    config: Path
    profile: Path

    @property
    def package(self) -> Path:
        return self.folder / "linux-e2e"

    def root(self, which: str) -> Path:
        """Return where the packages of a round are unpacked to."""
        return self.folder / which

    def vmlinux(self, which: str) -> Path:
        return self.root(which) / "usr/src/debug/linux-e2e/vmlinux"

    def write(self) -> None:
        """Write the PKGBUILD of the first round; its tarball lies beside it, where makepkg looks."""
        name = f"linux-{self.version.replace('-rc', 'rc')}"
        tarball = self.folder / f"{name}.tar.gz"
        # S: what links point to stays as it is.
        place = ("-C", str(self.tree), "-s", f",^[.],{name},S", ".")
        argv = ("bsdtar", "-czf", str(tarball), "--options", "gzip:compression-level=1", *place)
        self.runner.run(Command(argv=argv))
        new_pkgbuild(
            Order(
                folder=self.package,
                name="e2e",
                version=self.version.replace("-rc", "rc"),
                config_file=self.config,
                source=f"https://example.org/{tarball.name}",
                tarball=tarball,
                plain={"llvm": select(self.runner, ToolchainSettings()).make_value},
            )
        )
        shutil.move(tarball, self.package)

    def build(self, which: str) -> None:
        """Build the packages as the build user, from sources that are unpacked anew, and unpack them."""
        if (user := self.runner.builder) is not None:
            owner = f"{user.uid}:{user.gid}"
            self.runner.run(Command(argv=("chown", "-R", owner, str(self.package))))
        env = {"PKGEXT": ".pkg.tar.gz", "LC_ALL": "C.UTF-8", "MAKEFLAGS": f"-j{os.cpu_count()}"}
        argv = ("makepkg", "--nodeps", "--nocheck", "--force", "--cleanbuild")
        command = Command(
            argv=argv, cwd=self.package, env=env, run_as=RunAs.BUILDER, log=f"makepkg-{which}"
        )
        try:
            self.runner.run(command)
        except CommandError as error:
            pytest.fail(f"{error.message}\n{error.details}")
        self.root(which).mkdir()
        packages = [pkginfo.read_package(self.runner, one) for one in self._packages()]
        assert {package.pkgname for package in packages} == NAMES
        for package in packages:
            place = ("-C", str(self.root(which)))
            self.runner.run(Command(argv=("bsdtar", "-xf", str(package.path), *place)))
            package.path.unlink()  # the next round's have another pkgrel, and lie here too

    def _packages(self) -> list[Path]:
        return sorted(self.package.glob("*.pkg.tar.gz"))

    def printed(self) -> str:
        command = Command(
            argv=("makepkg", "--printsrcinfo"), cwd=self.package, run_as=RunAs.BUILDER
        )
        return self.runner.query(command).stdout

    def options(self, which: str) -> dict[str, str]:
        (path,) = self.root(which).glob("usr/lib/modules/*/config")
        return kconfig.parse_config(path.read_text())


@pytest.fixture(scope="module")
def maintainer() -> Iterator[Maintainer]:
    place = os.environ.get(PLACE)
    if not place:
        pytest.skip(f"{PLACE} does not name the work folder of a finished run")
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    entries = require_workdir(Path(place).absolute()).journal.read()
    source = entries["source"].facts
    with tempfile.TemporaryDirectory(prefix="pkgafdo-e2e-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            builder = require_builder(os.geteuid())
        except HostError as error:
            pytest.skip(str(error))
        env = {"PATH": os.environ["PATH"], "HOME": name}
        yield Maintainer(
            folder=folder,
            runner=LocalRunner(env=env, logs=folder / "logs", builder=builder),
            version=str(source["version"]),
            tree=Path(str(source["path"])),
            config=entries["build-baseline"].files["config"].path,
            profile=entries["convert"].files["profile"].path,
        )


@pytest.fixture(scope="module")
def first(maintainer: Maintainer) -> Maintainer:
    """The packages of the first round."""
    maintainer.write()
    maintainer.build("first")
    return maintainer


@pytest.fixture(scope="module")
def both(first: Maintainer) -> Maintainer:
    """The packages of the second round, too: the same PKGBUILD with the profile."""
    words = ["adapt", str(first.package), "--profile", str(first.profile), "--write"]
    assert main(["pkgbuild", *words]) == 0
    first.build("second")
    return first


def test_the_first_round_can_be_profiled(first):
    assert (first.package / ".SRCINFO").read_text() == first.printed()
    assert first.options("first")["AUTOFDO_CLANG"] == "y"
    vmlinux = first.vmlinux("first")
    assert elf.build_salt(vmlinux) == kconfig.salt(None)
    assert elf.has_line_tables(vmlinux)


def test_the_second_round_has_the_profile_in_it(both):
    assert (both.package / ".SRCINFO").read_text() == both.printed()
    digest = files.sha256_file(both.profile)
    findings = check_vmlinux(both.vmlinux("second"), digest, both.vmlinux("first"))
    assert len(findings) > 1
    assert [one for one in findings if not one.ok] == []
    words = ["verify", "--profile", str(both.profile), "--vmlinux"]
    assert main([*words, str(both.vmlinux("second"))]) == 0
    assert main([*words, str(both.vmlinux("first"))]) == 5


def test_no_module_is_lost(both):
    for which in ("first", "second"):
        modules = list(both.root(which).glob("usr/lib/modules/*/kernel/**/*.ko*"))
        listed = next(both.root(which).glob("usr/lib/modules/*/modules.order")).read_text().split()
        assert len(modules) == len(listed)
