"""The whole job on the toy kernel, built by makepkg from a PKGBUILD's folder that stays as it is."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import elf, files
from pkgafdo.host.facts import read_facts
from pkgafdo.host.users import require_builder
from pkgafdo.kernel import kconfig
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.workflows.pkgbuild import new_pkgbuild
from pkgafdo.workflows.pkgbuild_given import Order
from tests.fakes import toy_qemu
from tests.fakes.toy_in_tree import make_toy_in_tree
from tests.fakes.toy_kernel import NOTES_C
from tests.integration import tiny_kernel
from tests.integration.cli.program import Ended, Pkgafdo, finished

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.real

KERNELS = ("baseline", "optimised")
URL = "https://example.org/linux-7.2.13.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Maintainer:
    """Somebody with a folder that `pkgbuild new` wrote, and a run that builds from it."""

    folder: Path
    pkgafdo: Pkgafdo
    qemu: Path
    runner: LocalRunner

    @property
    def package(self) -> Path:
        return self.folder / "linux-toy"

    def write(self) -> None:
        """Write the PKGBUILD's folder; the tarball lies beside it, where makepkg finds it."""
        source = NOTES_C + tiny_kernel.source()
        make_toy_in_tree(self.folder / "tree/linux-7.2.13", source=source)
        tarball = self.folder / "linux-7.2.13.tar.gz"
        argv = ("bsdtar", "-czf", str(tarball), "-C", str(self.folder / "tree"), "linux-7.2.13")
        self.runner.run(Command(argv=argv))
        config = self.folder / "config"
        config.write_text("CONFIG_64BIT=y\nCONFIG_MODULES=y\n")
        llvm = select(self.runner, ToolchainSettings()).make_value
        new_pkgbuild(
            Order(
                folder=self.package, name="toy", version="7.2.13", config_file=config, source=URL,
                tarball=tarball, plain={"llvm": llvm},
            )
        )  # fmt: skip
        shutil.move(tarball, self.package)

    def words(self, work: str, *more: str) -> Sequence[object]:
        settings = {
            "package.route": "pkgbuild",
            "package.folder": self.package,
            "vm.qemu": self.qemu,
        }
        sets = [f"{name}={json.dumps(str(value))}" for name, value in settings.items()]
        return (
            "-w",
            self.folder / work,
            "--json",
            *(w for one in (*sets, *more) for w in ("--set", one)),
        )

    def run(self, verb: str, work: str, *more: str) -> Ended:
        return self.pkgafdo.run(verb, *self.words(work, *more), timeout=600)

    def printed(self, folder: Path) -> str:
        """Return what makepkg prints for .SRCINFO."""
        command = Command(argv=("makepkg", "--printsrcinfo"), cwd=folder, run_as=RunAs.BUILDER)
        return self.runner.query(command).stdout


@pytest.fixture(scope="module")
def maintainer(shared_folder: Path) -> Maintainer:
    facts = read_facts()
    maintainer = Maintainer(
        folder=shared_folder,
        pkgafdo=Pkgafdo(folder=shared_folder),
        qemu=toy_qemu.install(shared_folder / "bin"),
        runner=LocalRunner(env=facts.environment, builder=require_builder(facts.euid)),
    )
    maintainer.write()
    return maintainer


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def data(maintainer: Maintainer) -> dict[str, Any]:
    """What a whole run made; the folder is as it was."""
    before = state_of(maintainer.package)
    conf = maintainer.folder / "makepkg.conf"
    conf.write_text(
        Path("/etc/makepkg.conf").read_text()
        + f"\nPKGDEST={maintainer.folder}/out\nPACKAGER='Jane <jane@example.org>'\n"
        f"BUILDDIR={maintainer.folder}/objects\nPKGEXT=.pkg.tar.gz\n"
    )
    for name in ("out", "objects"):
        (maintainer.folder / name).mkdir()
        (maintainer.folder / name).chmod(0o777)
    ended = maintainer.run("run", "work", f"package.makepkg_conf={json.dumps(str(conf))}")
    result: dict[str, Any] = ended.data()
    assert state_of(maintainer.package) == before
    return result


def test_both_rounds_come_from_one_folder_and_the_second_has_the_profile(
    data: dict[str, Any], maintainer: Maintainer
) -> None:
    assert data["baseline"]["release"] == "7.2.13-0.1-toy"
    assert data["optimised"]["release"] == "7.2.13-1-toy"
    assert data["baseline"]["build_id"] != data["optimised"]["build_id"]
    profile = data["profile"]["sha256"]
    assert elf.build_salt(Path(data["baseline"]["vmlinux"])) == kconfig.salt(None)
    assert elf.build_salt(Path(data["optimised"]["vmlinux"])) == kconfig.salt(profile)
    assert any("compile commands" in line for line in data["verify"])
    for part in ("train", "heldout"):
        assert set(data["measure"][part]["instructions"]) == set(KERNELS)


def test_the_packages_are_those_of_the_pkgbuild(
    data: dict[str, Any], maintainer: Maintainer
) -> None:
    for which, version in zip(KERNELS, ("7.2.13-0.1", "7.2.13-1"), strict=True):
        names = {Path(path).name for path in data[which]["packages"]}
        assert names == {
            f"linux-toy{part}-{version}-x86_64.pkg.tar.gz" for part in ("", "-headers", "-debug")
        }
        for path in data[which]["packages"]:
            info = Command(argv=("bsdtar", "-xOqf", path, ".PKGINFO"))
            text = maintainer.runner.query(info).stdout
            assert "packager = Jane <jane@example.org>\n" in text
            assert (maintainer.folder / "out" / Path(path).name).read_bytes() == Path(
                path
            ).read_bytes()


def test_what_differs_in_the_second_round_can_be_copied_back(
    data: dict[str, Any], maintainer: Maintainer
) -> None:
    kept = maintainer.folder / "work/pkgbuild/optimised"
    second = maintainer.folder / "second"
    shutil.copytree(maintainer.package, second)
    second.chmod(0o777)
    for path in kept.glob("[!.]*"):
        shutil.copy(path, second)
    shutil.copy(kept / ".SRCINFO", second)
    assert (kept / ".SRCINFO").read_text() == maintainer.printed(second)
    name = f"kernel-{data['profile']['sha256'][:16]}.afdo"
    assert files.sha256_file(kept / name) == data["profile"]["sha256"]
    assert f"\n_profile={name}\n" in (kept / "PKGBUILD").read_text().replace("'", "")
    assert "\npkgrel=1\n" in (kept / "PKGBUILD").read_text()


def test_makepkgs_configuration_decides_where_it_builds(
    data: dict[str, Any], maintainer: Maintainer
) -> None:
    folders = sorted(path.name for path in (maintainer.folder / "objects").iterdir())
    assert len(folders) == 2
    assert [name.rpartition("-")[2] for name in folders] == list(KERNELS)
    logs = maintainer.folder / "work/logs"
    assert all((logs / f"build-{which}.log").is_file() for which in KERNELS)


def test_a_second_run_does_nothing_until_the_pkgbuild_changes(
    data: dict[str, Any], maintainer: Maintainer
) -> None:
    conf = f"package.makepkg_conf={json.dumps(str(maintainer.folder / 'makepkg.conf'))}"
    again = maintainer.run("run", "work", conf)
    stages = len(finished(maintainer.folder / "work"))
    assert again.stderr.count("nothing it depends on has changed") == stages
    path = maintainer.package / "PKGBUILD"
    before, status = path.read_text(), path.stat()
    path.write_text(before.replace("pkgrel=1\n", "pkgrel=2\n"))
    plan = maintainer.run("plan", "work", conf).data()["stages"]
    path.write_text(before)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert plan[0]["verdict"] == "run"
    assert "digest changed" in plan[0]["reason"]


def test_a_folder_without_a_pkgbuild_is_refused_at_once(
    maintainer: Maintainer, tmp_path: Path
) -> None:
    refusal = maintainer.run(
        "run", "nowhere", f"package.folder={json.dumps(str(tmp_path))}"
    ).refusal(2)
    assert "holds no PKGBUILD" in refusal.message


def test_a_pkgbuild_that_fails_is_said_with_its_log(maintainer: Maintainer) -> None:
    broken = maintainer.folder / "broken"
    shutil.copytree(maintainer.package, broken)
    (broken / "config").write_text("CONFIG_64BIT=y\n")
    refusal = maintainer.run(
        "build", "failing", f"package.folder={json.dumps(str(broken))}"
    ).refusal(4)
    assert "did not pass the validity check" in refusal.details
    assert "build-baseline.log" in refusal.hint
