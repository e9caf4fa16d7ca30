"""A generated PKGBUILD builds the toy kernel with plain makepkg, in both rounds."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import elf, files
from pkgafdo.errors import CommandError, HostError
from pkgafdo.host.users import require_builder
from pkgafdo.kernel import kconfig
from pkgafdo.packaging import pkginfo
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.workflows.pkgbuild import new_pkgbuild
from pkgafdo.workflows.pkgbuild_given import Order
from tests.fakes.toy_in_tree import make_toy_in_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

CONFIG = "CONFIG_64BIT=y\nCONFIG_MODULES=y\nCONFIG_LTO_CLANG_FULL=y\n"
PROFILE = "work:1000:10\n 1: 10\n 2: 90\n"
RELEASE = "7.2.13-1-toy"
MODULES = f"usr/lib/modules/{RELEASE}"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A folder that the build user reaches, with a toy kernel's tarball, config and profile."""

    folder: Path
    runner: LocalRunner
    llvm: str

    @property
    def package(self) -> Path:
        return self.folder / "linux-toy"

    def tarball(self, **toy: Any) -> Path:
        make_toy_in_tree(self.folder / "tree/linux-7.2.13", **toy)
        path = self.folder / "linux-7.2.13.tar.gz"
        argv = ("bsdtar", "-czf", str(path), "-C", str(self.folder / "tree"), "linux-7.2.13")
        self.runner.run(Command(argv=argv))
        return path

    def new(
        self,
        *,
        profile: bool = False,
        layout: bool = False,
        symbol_order: bool = False,
        patches: tuple[Path, ...] = (),
        plain: dict[str, Any] | None = None,
        **toy: Any,
    ) -> None:
        """Write the PKGBUILD; its tarball lies beside it, where makepkg finds it."""
        tarball = self.tarball(**toy)
        (self.folder / "config").write_text(CONFIG)
        (self.folder / "kernel.afdo").write_text(PROFILE)
        (self.folder / "p_cc_profile.txt").write_text("!entry\n!!0\n")
        (self.folder / "p_ld_profile.txt").write_text("work\n")
        new_pkgbuild(
            Order(
                folder=self.package,
                name="toy",
                version="7.2.13",
                config_file=self.folder / "config",
                profile=self.folder / "kernel.afdo" if profile else None,
                layout=self.folder / "p" if layout else None,
                symbol_order=self.folder / "p_ld_profile.txt" if symbol_order else None,
                source="https://example.org/linux-7.2.13.tar.gz",
                tarball=tarball,
                patches=patches,
                plain={"llvm": self.llvm, "description": "Jane's toy"} | (plain or {}),
            )
        )
        shutil.move(tarball, self.package)
        self.give(self.package)

    def give(self, *folders: Path) -> None:
        """Make folders the build user's, with all that is in them."""
        if (user := self.runner.builder) is not None:
            argv = ("chown", "-R", f"{user.uid}:{user.gid}", *(str(one) for one in folders))
            self.runner.run(Command(argv=argv))

    def makepkg(self, *options: str, **env: str) -> None:
        argv = ("makepkg", "--nodeps", "--nocheck", *options)
        env |= {"PKGEXT": ".pkg.tar.gz", "LC_ALL": "C.UTF-8", "CFLAGS": "--nonsense"}
        self.runner.run(
            Command(argv=argv, cwd=self.package, env=env, run_as=RunAs.BUILDER, log="makepkg")
        )

    def failure(self, *options: str) -> str:
        with pytest.raises(CommandError) as caught:
            self.makepkg(*options)
        assert not list(self.package.glob("*.pkg.tar*"))
        return caught.value.details

    def edit(self, old: str, new: str) -> None:
        path = self.package / "PKGBUILD"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def recorded(self) -> str:
        """Return the compiler's command as Kbuild records it."""
        (path,) = self.package.rglob(".kernel.o.cmd")
        return path.read_text()

    def unpacked(self) -> Path:
        """Unpack all packages into one folder, as pacman would."""
        root = self.folder / "root"
        root.mkdir()
        packages = [pkginfo.read_package(self.runner, path) for path in self._packages()]
        assert {package.pkgname for package in packages} == {
            "linux-toy", "linux-toy-headers", "linux-toy-debug",
        }  # fmt: skip
        for package in packages:
            assert (package.pkgbase, package.pkgver) == ("linux-toy", "7.2.13-1")
            argv = ("bsdtar", "-xf", str(package.path), "-C", str(root))
            self.runner.run(Command(argv=argv))
        return root

    def _packages(self) -> list[Path]:
        return sorted(self.package.glob("*.pkg.tar.gz"))


@pytest.fixture
def bench() -> Iterator[Bench]:
    for program in ("make", "makepkg", "bsdtar", "fakeroot"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        env = {"PATH": os.environ["PATH"], "HOME": name}
        try:
            user = require_builder(os.geteuid())
            runner = LocalRunner(env=env, logs=folder / "logs", builder=user)
            llvm = select(runner, ToolchainSettings()).make_value
        except HostError as error:
            pytest.skip(str(error))
        yield Bench(folder=folder, runner=runner, llvm=llvm)


def test_the_first_round_makes_three_packages_of_an_unprofiled_kernel(bench: Bench) -> None:
    bench.new()
    bench.makepkg()
    root = bench.unpacked()
    modules = root / MODULES
    assert (modules / "pkgbase").read_text() == "linux-toy\n"
    assert (modules / "vmlinuz").is_file()
    # LLVM= reaches modules_install, and the link into the build folder does not reach the package.
    assert (modules / "stripped-by").read_text() == f"LLVM={bench.llvm} STRIP=1\n"
    assert not (modules / "build").is_symlink()
    assert (modules / "build/Makefile").is_file()
    assert (modules / "build/.config").read_text() == (modules / "config").read_text()
    options = kconfig.parse_config((modules / "config").read_text())
    assert options["AUTOFDO_CLANG"] == options["LTO_CLANG_THIN"] == "y"
    assert options["LTO_CLANG_FULL"] == "n"
    vmlinux = root / "usr/src/debug/linux-toy/vmlinux"
    assert (modules / "build/vmlinux").resolve() == vmlinux.resolve()
    assert elf.build_salt(vmlinux) == kconfig.salt(None)
    assert elf.has_line_tables(vmlinux)
    provenance = (root / "usr/share/doc/linux-toy/provenance.txt").read_text()
    assert f"salt: {kconfig.salt(None)}\n" in provenance


def test_the_second_round_is_built_with_the_profile(bench: Bench) -> None:
    bench.new(profile=True)
    bench.makepkg()
    root = bench.unpacked()
    digest = files.sha256_file(bench.folder / "kernel.afdo")
    assert elf.build_salt(root / "usr/src/debug/linux-toy/vmlinux") == kconfig.salt(digest)
    provenance = (root / "usr/share/doc/linux-toy/provenance.txt").read_text()
    assert f"profile sha256: {digest}\n" in provenance


def test_one_variable_and_its_sum_turn_the_first_round_into_the_second(bench: Bench) -> None:
    bench.new()
    profile = bench.package / "mine.afdo"
    profile.write_text(PROFILE)
    bench.edit("_profile=''", "_profile=mine.afdo")
    assert "mine.afdo ... FAILED" in bench.failure()
    sums = bench.runner.query(Command(argv=("b2sum", str(profile)))).stdout.split()[0]
    bench.edit("_profile_sum=''", f"_profile_sum={sums}")
    bench.makepkg()
    vmlinux = bench.unpacked() / "usr/src/debug/linux-toy/vmlinux"
    assert elf.build_salt(vmlinux) == kconfig.salt(files.sha256_file(profile))


def test_without_its_name_the_profile_is_left_out(bench: Bench) -> None:
    bench.new(profile=True)
    name = f"kernel-{files.sha256_file(bench.folder / 'kernel.afdo')[:16]}.afdo"
    bench.edit(f"_profile={name}", "_profile=")
    bench.makepkg()
    vmlinux = bench.unpacked() / "usr/src/debug/linux-toy/vmlinux"
    assert elf.build_salt(vmlinux) == kconfig.salt(None)


def test_a_changed_profile_is_stopped_by_its_checksum(bench: Bench) -> None:
    bench.new(profile=True)
    (profile,) = bench.package.glob("*.afdo")
    profile.write_text(PROFILE + "other:1:1\n")
    assert "did not pass the validity check" in bench.failure()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("AUTOFDO_CLANG", "CONFIG_AUTOFDO_CLANG is n in the resulting .config and must be y"),
        ("LTO_CLANG_THIN", "CONFIG_LTO_CLANG_THIN is n in the resulting .config and must be y"),
        ("BUILD_SALT", "CONFIG_BUILD_SALT is n in the resulting .config and must be"),
    ],
)
def test_a_configuration_that_lost_an_option_stops_the_build(
    bench: Bench, option: str, sentence: str
) -> None:
    bench.new(refused=f"CONFIG_{option}=")
    assert sentence in bench.failure()
    assert not list(bench.package.rglob("vmlinux"))


def test_the_profile_is_not_lost_when_only_the_build_is_repeated(bench: Bench) -> None:
    bench.new(profile=True)
    bench.makepkg("--nobuild")
    bench.makepkg("--noextract")
    assert "-fprofile-sample-use=" in bench.recorded()


def test_another_round_without_prepare_is_stopped(bench: Bench) -> None:
    bench.new(profile=True)
    bench.makepkg("--nobuild")
    name = f"kernel-{files.sha256_file(bench.folder / 'kernel.afdo')[:16]}.afdo"
    bench.edit(f"_profile={name}", "_profile=")
    assert "CONFIG_BUILD_SALT is " in bench.failure("--noextract")


def test_a_profile_that_went_missing_is_said(bench: Bench) -> None:
    bench.new(profile=True)
    bench.makepkg("--nobuild")
    name = f"kernel-{files.sha256_file(bench.folder / 'kernel.afdo')[:16]}.afdo"
    bench.edit(f"_profile={name}", "_profile=other.afdo")
    assert "The profile other.afdo is not in " in bench.failure("--noextract")


def test_a_build_that_did_not_use_the_profile_is_no_package(bench: Bench) -> None:
    bench.new(profile=True)
    bench.makepkg("--nobuild")
    (makefile,) = (bench.package / "src").rglob("linux-7.2.13/Makefile")
    makefile.write_text(makefile.read_text().replace("$(profile) '-DSALT", "'-DSALT"))
    assert "No file was compiled with kernel-" in bench.failure("--noextract")


@pytest.mark.parametrize(
    ("march", "processors", "option", "flags"),
    [
        ("v3", (), None, "-march=x86-64-v3"),
        ("znver4", ("X86_NATIVE_CPU",), None, "-march=znver4 -mtune=znver4"),
        ("native", (), None, "-march=native -mtune=native"),
        ("native", ("X86_NATIVE_CPU",), ("X86_NATIVE_CPU", "y"), None),
        ("v3", ("X86_64_VERSION", "MZEN4"), ("X86_64_VERSION", "3"), None),
        ("znver4", ("X86_64_VERSION", "MZEN4"), ("MZEN4", "y"), None),
    ],
)
def test_the_processor_is_an_option_of_the_tree_or_else_a_flag(
    bench: Bench, march: str, processors: tuple[str, ...], option: Any, flags: str | None
) -> None:
    bench.new(plain={"march": march}, processors=processors)
    bench.makepkg("--noarchive")
    config = bench.package / "src/linux-7.2.13/.config"
    options = kconfig.parse_config(config.read_text())
    if option is not None:
        assert options[option[0]] == option[1]
    assert (options["X86_NATIVE_CPU"] == "y") == (option == ("X86_NATIVE_CPU", "y"))
    assert (flags in bench.recorded()) if flags else ("-march" not in bench.recorded())


def test_a_processor_that_kconfig_refuses_stops_the_build(bench: Bench) -> None:
    bench.new(plain={"march": "v4"}, processors=("X86_64_VERSION",), refused="CONFIG_X86_64_V")
    assert "CONFIG_X86_64_VERSION is n in the resulting .config and must be 4" in bench.failure()


def test_a_processor_that_is_none_stops_the_build(bench: Bench) -> None:
    bench.new()
    bench.edit("_march=generic", "_march=v9")
    assert "_march is v9 and must be generic" in bench.failure()


def test_propellers_lists_lay_out_the_kernel_that_says_so(bench: Bench) -> None:
    bench.new(profile=True, layout=True)
    bench.makepkg()
    digests = [files.sha256_file(bench.folder / f"p_{one}_profile.txt") for one in ("cc", "ld")]
    salt = kconfig.salt(files.sha256_file(bench.folder / "kernel.afdo"), files.sha256_json(digests))
    root = bench.unpacked()
    assert elf.build_salt(root / "usr/src/debug/linux-toy/vmlinux") == salt
    options = kconfig.parse_config((root / MODULES / "config").read_text())
    assert options["PROPELLER_CLANG"] == "y"
    assert "-fbasic-block-sections=list=" in bench.recorded()
    provenance = (root / "usr/share/doc/linux-toy/provenance.txt").read_text()
    assert all(f"profile sha256: {digest}\n" in provenance for digest in digests)


def test_a_changed_list_of_propeller_is_stopped_by_its_checksum(bench: Bench) -> None:
    bench.new(profile=True, layout=True)
    (clusters,) = bench.package.glob("*_cc_profile.txt")
    clusters.write_text("!other\n")
    assert "did not pass the validity check" in bench.failure()


def test_a_tree_without_propeller_stops_the_build(bench: Bench) -> None:
    bench.new(profile=True, layout=True, refused="CONFIG_PROPELLER_CLANG=")
    assert "CONFIG_PROPELLER_CLANG is n in the resulting .config and must be y" in bench.failure()


def test_tuning_and_order_reach_the_linker_in_the_second_round_only(bench: Bench) -> None:
    bench.new(profile=True, symbol_order=True)
    bench.makepkg("--noarchive")
    log = (bench.runner.logs or Path()) / "makepkg.log"
    linked = [line for line in log.read_text().splitlines() if "-o" in line and "ld.lld" in line]
    assert linked
    assert all("--mllvm=-import-hot-multiplier=60" in line for line in linked)
    assert all("--symbol-ordering-file=" in line for line in linked)


def test_the_documentation_gets_a_package_of_its_own(bench: Bench) -> None:
    sphinx = bench.folder / "bin/sphinx-build"
    sphinx.parent.mkdir()
    sphinx.write_text("#!/bin/sh\n")
    sphinx.chmod(0o755)
    bench.new(plain={"docs": True})
    bench.makepkg(PATH=f"{sphinx.parent}:{os.environ['PATH']}")
    names = [path.name for path in bench.package.glob("linux-toy-docs-*.pkg.tar.gz")]
    assert names == ["linux-toy-docs-7.2.13-1-x86_64.pkg.tar.gz"]
    listed = bench.runner.query(Command(argv=("bsdtar", "-tf", str(bench.package / names[0]))))
    assert "usr/share/doc/linux-toy/html/index.html" in listed.stdout.splitlines()


def test_documentation_without_sphinx_is_refused_before_anything_is_compiled(bench: Bench) -> None:
    if shutil.which("sphinx-build") is not None:
        pytest.skip("sphinx-build is installed")
    bench.new(plain={"docs": True})
    assert "sphinx-build is missing" in bench.failure()
    assert not list(bench.package.rglob("*.o"))


def test_patches_are_applied(bench: Bench) -> None:
    patch = bench.folder / "0001-new-file.patch"
    patch.write_text("--- /dev/null\n+++ b/patched\n@@ -0,0 +1 @@\n+yes\n")
    bench.new(patches=(patch,))
    bench.makepkg("--nobuild")
    assert (bench.package / "src/linux-7.2.13/patched").read_text() == "yes\n"


def test_a_patch_that_does_not_apply_stops_the_build(bench: Bench) -> None:
    patch = bench.folder / "0001-stale.patch"
    patch.write_text("--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-nowhere\n+there\n")
    bench.new(patches=(patch,))
    assert "A failure occurred in prepare()" in bench.failure()


def test_a_git_tag_is_built_like_a_tarball(bench: Bench) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    if "--origin=origin ---mirror" in Path("/usr/share/makepkg/source/git.sh").read_text():
        pytest.skip("this makepkg fetches no git source: it gives git the option ---mirror")
    tree = make_toy_in_tree(bench.folder / "tree/linux")
    (bench.folder / "config").write_text(CONFIG)
    identity = ("-c", "user.name=A", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "A"), ("tag", "v7.2-rc3")):
        bench.runner.run(Command(argv=("git", *identity, *words), cwd=tree))
    new_pkgbuild(
        Order(
            folder=bench.package,
            name="toy",
            version="7.2-rc3",
            config_file=bench.folder / "config",
            source="git+https://example.org/linux.git#tag=v7.2-rc3",
            plain={"llvm": bench.llvm},
        )
    )
    bench.give(bench.package, tree)
    bench.makepkg(
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{tree}.insteadOf",
        GIT_CONFIG_VALUE_0="https://example.org/linux.git",
    )
    packages = sorted(path.name for path in bench.package.glob("*.pkg.tar.gz"))
    assert packages == [
        "linux-toy-7.2rc3-1-x86_64.pkg.tar.gz",
        "linux-toy-debug-7.2rc3-1-x86_64.pkg.tar.gz",
        "linux-toy-headers-7.2rc3-1-x86_64.pkg.tar.gz",
    ]
