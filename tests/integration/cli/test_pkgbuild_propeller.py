"""Three kernels by makepkg from one PKGBUILD's folder, the last laid out by Propeller, all signed."""

from __future__ import annotations

import json
import os
import shutil
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
from tests.integration.cli.program import Pkgafdo
from tests.integration.cli.signer import ADDRESS, Signer, signing_user

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

KERNELS = ("baseline", "optimised", "propeller")
MAP = ".llvm_bb_addr_map"


@pytest.fixture(scope="module")
def signer(able: None) -> Iterator[Signer]:
    yield from signing_user()


@pytest.fixture(scope="module")
def package(shared_folder: Path) -> Path:
    """A folder that `pkgbuild new` wrote; the tarball lies in it, where makepkg finds it."""
    facts = read_facts()
    runner = LocalRunner(env=facts.environment, builder=require_builder(facts.euid))
    source = NOTES_C + tiny_kernel.source()
    tree = make_toy_in_tree(shared_folder / "tree/linux-7.2.13", source=source, blocks=True)
    tarball = shared_folder / "linux-7.2.13.tar.gz"
    argv = ("bsdtar", "-czf", str(tarball), "-C", str(tree.parent), tree.name)
    runner.run(Command(argv=argv))
    config = shared_folder / "config"
    config.write_text("CONFIG_64BIT=y\nCONFIG_MODULES=y\n")
    folder = shared_folder / "linux-toy"
    llvm = select(runner, ToolchainSettings()).make_value
    new_pkgbuild(
        Order(
            folder=folder, name="toy", version="7.2.13", config_file=config,
            source="https://example.org/linux-7.2.13.tar.gz", tarball=tarball,
            plain={"llvm": llvm},
        )
    )  # fmt: skip
    shutil.move(tarball, folder)
    return folder


@pytest.fixture(scope="module")
def data(shared_folder: Path, package: Path, signer: Signer) -> dict[str, Any]:
    """What a run made, up to the proof of the third kernel."""
    settings = {
        "package.route": "pkgbuild",
        "package.folder": str(package),
        "package.gpgkey": ADDRESS,
        "package.gnupghome": str(signer.home),
        "build.sign": True,
        "propeller.enable": True,
        "vm.qemu": str(toy_qemu.install(shared_folder / "bin")),
    }
    words = [w for name, one in settings.items() for w in ("--set", f"{name}={json.dumps(one)}")]
    ended = Pkgafdo(folder=shared_folder).run(
        "rebuild", "-w", shared_folder / "work", "--json", *words, timeout=600
    )
    result: dict[str, Any] = ended.data()
    return result


def sections(vmlinux: str | Path) -> set[str]:
    return {section.name for section in elf.sections(Path(vmlinux))}


def test_three_kernels_come_from_one_folder(data: dict[str, Any]) -> None:
    assert [data[which]["release"] for which in KERNELS] == [
        "7.2.13-0.1-toy", "7.2.13-0.2-toy", "7.2.13-1-toy"
    ]  # fmt: skip
    assert len({data[which]["build_id"] for which in KERNELS}) == 3


def test_the_third_names_profile_and_layout_and_was_compiled_with_both(
    data: dict[str, Any], shared_folder: Path
) -> None:
    lists = [shared_folder / f"work/profiles/propeller_{name}_profile.txt" for name in ("cc", "ld")]
    layout = files.sha256_json([files.sha256_file(one) for one in lists])
    salt = kconfig.salt(data["profile"]["sha256"], layout)
    assert elf.build_salt(Path(data["propeller"]["vmlinux"])) == salt
    said = "\n".join(data["verify_layout"])
    assert "compile commands with clusters" in said
    assert "order of functions" in said


def test_only_the_second_has_a_map_and_none_is_packaged(
    data: dict[str, Any], shared_folder: Path
) -> None:
    kept = shared_folder / "work/packages/optimised.vmlinux.unstripped"
    assert MAP in sections(kept)
    assert not any(MAP in sections(data[which]["vmlinux"]) for which in KERNELS)


def test_what_the_third_has_more_can_be_copied_back(
    data: dict[str, Any], shared_folder: Path, package: Path
) -> None:
    kept = shared_folder / "work/pkgbuild/propeller"
    names = {path.name for path in kept.iterdir()}
    assert {"PKGBUILD", ".SRCINFO"} <= names
    assert {name.partition("_")[2] for name in names if name.startswith("propeller-")} == {
        "cc_profile.txt", "ld_profile.txt"
    }  # fmt: skip
    folder = shared_folder / "published"
    shutil.copytree(package, folder)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    folder.chmod(0o777)
    runner = LocalRunner(env={"PATH": os.environ["PATH"]}, builder=require_builder(os.geteuid()))
    argv = ("makepkg", "--verifysource", "--skippgpcheck", "--nodeps")
    runner.run(Command(argv=argv, cwd=folder, run_as=RunAs.BUILDER))
    printed = Command(argv=("makepkg", "--printsrcinfo"), cwd=folder, run_as=RunAs.BUILDER)
    assert runner.query(printed).stdout == (folder / ".SRCINFO").read_text()


def test_every_package_has_a_good_signature(data: dict[str, Any], signer: Signer) -> None:
    for which in KERNELS:
        assert len(data[which]["packages"]) == 3
        for package in data[which]["packages"]:
            signer.require_signed(package)
