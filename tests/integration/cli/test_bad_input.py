"""Everything that a user can get wrong: one sentence, the evidence, the next move, the exit code."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.kernel_tree import PKGBUILD, make_tree, write_files
from tests.fakes.toy_kernel import BROKEN_C, KERNEL_C, make_toy
from tests.integration.cli.program import Pkgafdo, Refusal, can_mount, finished, half_written

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

LLVM_TOOLS = (
    *("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump", "llvm-readelf"),
    *("llvm-strip", "llvm-profgen", "llvm-profdata"),
)


def refused(
    pkgafdo: Pkgafdo,
    code: int,
    *arguments: object,
    verb: str = "build",
    after: tuple[str, ...] = (),
) -> Refusal:
    """Run into a refusal; nothing half-written may be left, and only the stages before it are done."""
    work = pkgafdo.folder / "work"
    refusal = pkgafdo.run(verb, "--json", *arguments, "-w", work).refusal(code)
    assert refusal.hint
    assert finished(work) == set(after)
    assert half_written(work, pkgafdo.cache) == []
    assert not list((work / "running").glob("*"))
    return refusal


def program(folder: Path, name: str, script: str) -> Path:
    """Write a program for a PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def without(folder: Path, *beginnings: str) -> str:
    """Return a PATH with this machine's programs, without those that begin so."""
    if Path("/usr/sbin").resolve() == Path("/usr/bin"):
        pytest.skip("here /usr/sbin, which is always searched, holds every program")
    folder.mkdir()
    for place in (Path("/usr/bin"), Path("/usr/local/bin")):
        for path in place.iterdir():
            if not path.name.startswith(beginnings) and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)
    return str(folder)


# --- the source -------------------------------------------------------------------------------


def test_a_tree_without_autofdo_is_refused_by_what_it_lacks(pkgafdo, folder):
    tree = make_tree(folder / "linux", autofdo=False)
    refusal = refused(pkgafdo, 5, "--source", tree)
    assert refusal.message == f"Linux 7.2.13 in {tree} has no CONFIG_AUTOFDO_CLANG"
    assert "scripts/Makefile.autofdo" in refusal.details
    assert "6.13" in refusal.hint
    assert "6.12/base-autofdo" in refusal.hint


def linux_612(folder: Path, *, autofdo: bool) -> Path:
    """Write what pkgafdo asks for of Linux 6.12: pacman-pkg with a debug package, no AutoFDO."""
    tree = make_tree(folder, autofdo=autofdo, pkgbuild=PKGBUILD)
    kconfig = (tree / "arch/Kconfig").read_text().partition("config PROPELLER_CLANG")
    (tree / "arch/Kconfig").write_text(kconfig[0] + ("" if not autofdo else "".join(kconfig[1:])))
    head = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n"
    (tree / "Makefile").write_text(head + "NAME = Baby Opossum Posse\n")
    return tree


def test_linux_6_12_is_refused_and_its_autofdo_branch_is_not(pkgafdo, folder):
    refusal = refused(pkgafdo, 5, "--source", linux_612(folder / "debian", autofdo=False))
    assert "Linux 6.12.117" in refusal.message
    assert "has no CONFIG_AUTOFDO_CLANG" in refusal.message
    # The tree is asked, not its version; this one then stops for it cannot be configured.
    branch = linux_612(folder / "cachyos", autofdo=True)
    assert refused(pkgafdo, 4, "--source", branch, after=("source",)).message.startswith("make ")


def test_a_tree_without_pacman_pkg_is_refused(pkgafdo, folder):
    tree = make_tree(folder / "linux", pacman_pkg=False)
    refusal = refused(pkgafdo, 5, "--source", tree)
    assert refusal.message == f"Linux 7.2.13 in {tree} cannot make pacman packages"
    assert "pacman-pkg" in refusal.details
    assert "6.11" in refusal.hint


def test_a_release_that_is_too_long_is_refused_before_anything_is_built(pkgafdo, folder):
    tree = make_tree(folder / "linux")
    localversion = "-" + "x" * 50
    settings = ("--set", f"kernel.localversion={localversion}")
    refusal = refused(pkgafdo, 2, "--source", tree, *settings)
    assert refusal.message == (
        f"the release 10.10.100{localversion}-base has 65 characters, more than 64"
    )
    assert refusal.hint == "Shorten kernel.localversion."


@pytest.mark.parametrize(
    ("contents", "evidence"),
    [
        ({}, "It has no Makefile and no Kconfig."),
        ({"Makefile": "all:\n"}, "It has no Kconfig."),
        ({"Makefile": "all:\n", "Kconfig": ""}, "Its Makefile sets no VERSION and PATCHLEVEL."),
    ],
)
def test_a_folder_that_is_no_kernel_is_refused(pkgafdo, folder, contents, evidence):
    tree = write_files(folder / "project", contents)
    tree.mkdir(exist_ok=True)
    refusal = refused(pkgafdo, 5, "--source", tree)
    assert refusal.message == f"{tree} is not a Linux kernel source tree"
    assert refusal.details == evidence


@pytest.mark.parametrize("name", ["nowhere", "nowhere.tar.xz"])
def test_a_source_that_is_not_there_is_refused(pkgafdo, folder, name):
    refusal = refused(pkgafdo, 2, "--source", folder / name)
    assert refusal.message.startswith("there is no ")
    assert str(folder / name) in refusal.message
    looked = refused(pkgafdo, 2, "--dry-run", "--source", folder / name, verb="run")
    assert looked == refusal
    assert not (folder / "work/journal").exists()


def test_a_tree_that_was_built_in_is_refused_with_the_way_to_clean_it(pkgafdo, folder):
    tree = make_tree(folder / "linux", dirty=True)
    refusal = refused(pkgafdo, 5, "--source", tree)
    assert "has been built in" in refusal.message
    assert ".config" in refusal.details
    assert f"make -C {tree} mrproper" in refusal.hint


def test_a_source_that_the_build_user_cannot_read_is_refused(pkgafdo, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root has a build user")
    tree = make_toy(tmp_path / "linux")
    assert tmp_path.stat().st_mode & 0o077 == 0
    refusal = refused(pkgafdo, 5, "--source", tree)
    assert refusal.message == f"the build user cannot read all of {tree}"
    assert "chmod -R a+rX" in refusal.hint


# --- tarballs ---------------------------------------------------------------------------------


def pack(tree: Path, path: Path) -> Path:
    """Pack a tree as kernel.org does: one top folder."""
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree, arcname="linux-7.2.13")
    return path


@pytest.fixture
def web(folder) -> Iterator[str]:
    """A web server on the loopback interface that serves the folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args) -> None:
            """Keep the tests' output clean."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.mark.parametrize("place", ["file", "url"])
def test_a_tarball_with_another_digest_is_refused(pkgafdo, folder, toy, web, place):
    tarball = pack(toy, folder / "linux.tar.gz")
    source = tarball if place == "file" else f"{web}/linux.tar.gz"
    wrong = "0" * 64
    refusal = refused(pkgafdo, 5, "--source", source, "--set", f"source.sha256={wrong}")
    assert wrong in refusal.details
    assert hashlib.sha256(tarball.read_bytes()).hexdigest() in refusal.details
    assert "sha256" in refusal.hint
    assert not list((pkgafdo.cache / "pkgafdo/sources").rglob("Makefile"))


def test_a_url_without_a_digest_is_refused_before_any_download(pkgafdo):
    refusal = refused(pkgafdo, 2, "--source", "http://127.0.0.1:9/linux.tar.xz")
    assert "a tarball from a URL needs its sha256" in refusal.details


def test_a_server_that_is_not_there_is_the_machines_fault(pkgafdo):
    digest = f"source.sha256={'0' * 64}"
    refusal = refused(pkgafdo, 3, "--source", "http://127.0.0.1:9/linux.tar.xz", "--set", digest)
    assert "could not be downloaded" in refusal.message


def test_a_file_that_is_no_tarball_is_refused(pkgafdo, folder):
    tarball = folder / "linux.tar.xz"
    tarball.write_bytes(os.urandom(5000))
    refusal = refused(pkgafdo, 5, "--source", tarball)
    assert refusal.message == f"{tarball} could not be unpacked"
    assert "bsdtar: Error" in refusal.details


def test_a_tarball_without_a_kernel_is_refused_and_leaves_no_folder(pkgafdo, folder):
    tree = write_files(folder / "project", {"Makefile": "all:\n", "README": "hello\n"})
    refusal = refused(pkgafdo, 5, "--source", pack(tree, folder / "project.tar.gz"))
    assert "holds no Linux kernel source tree" in refusal.message
    assert not list((pkgafdo.cache / "pkgafdo/sources").rglob("README"))


def test_a_git_repository_that_is_not_there_is_a_failed_program(pkgafdo, folder):
    refusal = refused(pkgafdo, 4, "--source", f"file://{folder}/nowhere.git")
    assert "git" in refusal.message
    assert "does not exist" in refusal.details or "not appear to be" in refusal.details


# --- the toolchain and this machine -----------------------------------------------------------


def test_without_clang_its_packages_are_named(folder, toy):
    path = without(folder / "bin", "clang", "ld.lld", "lld", "llvm")
    refusal = refused(Pkgafdo(folder=folder, path=path), 3, "--source", toy)
    assert refusal.message == "no LLVM is installed"
    assert "Arch: clang, lld, llvm" in refusal.hint
    assert "Debian: clang-19" in refusal.hint


def test_an_old_clang_is_refused_with_its_version(pkgafdo, folder, toy):
    for tool in LLVM_TOOLS:
        says = "LLD 16.0.6" if tool == "ld.lld" else "clang version 16.0.6"
        program(folder / "llvm", tool, f"echo '{says}'")
    llvm = f"toolchain.llvm={folder}/llvm"
    refusal = refused(pkgafdo, 3, "--source", toy, "--set", llvm)
    assert "clang 16.0.6 is too old: AutoFDO needs 17 or newer" in refusal.message
    assert f"LLVM={folder}/llvm/" in refusal.details
    assert "clang-19" in refusal.hint


def test_an_llvm_that_cannot_convert_is_refused_before_the_first_build(pkgafdo, folder, toy):
    for tool in LLVM_TOOLS:
        says = "LLD 18.1.8" if tool == "ld.lld" else "version 18.1.8"
        program(folder / "llvm", tool, f"echo '{says}'")
    unknown = "Unknown command line argument '--kernel'.  Try: '--help'"
    program(folder / "llvm", "llvm-profgen", f'echo "{unknown}" >&2; echo version 18.1.8')
    llvm = f"toolchain.llvm={folder}/llvm"
    refusal = refused(pkgafdo, 3, "--source", toy, "--set", llvm, verb="run")
    assert "llvm-profgen is too old: it lacks --kernel" in refusal.message
    assert "LLVM 19" in refusal.hint


def test_a_missing_build_tool_is_named_with_its_packages(folder, toy):
    path = without(folder / "bin", "flex", "bison")
    refusal = refused(Pkgafdo(folder=folder, path=path), 3, "--source", toy)
    assert refusal.message == "flex, bison are not installed"
    assert "flex: builds Kconfig" in refusal.details
    assert "bison, flex" in refusal.hint


def test_root_without_a_build_user_is_refused(pkgafdo, toy):
    if os.geteuid() != 0:
        pytest.skip("only root has a build user")
    refusal = refused(pkgafdo, 3, "--source", toy, "--set", "build.user=nosuchuser")
    assert "as root" in refusal.message
    assert "“nosuchuser”" in refusal.message
    assert "scripts/setup" in refusal.hint


def test_a_small_disk_is_noticed_before_anything_is_fetched(folder, toy):
    if not can_mount():
        pytest.skip("a small disk cannot be mounted here")
    work = folder / "work"
    work.mkdir()
    refusal = refused(Pkgafdo(folder=folder, small_disk=work), 3, "--source", toy)
    assert refusal.message.startswith("the disk is too small for the baseline build")
    assert "1.6 GiB needed, 0.1 GiB free" in refusal.message
    assert str(work) in refusal.details
    assert "--workdir" in refusal.hint
    assert "build.disk_gib" in refusal.hint
    assert not (folder / "cache/pkgafdo/sources").exists()


def fake_qemu(folder: Path) -> Path:
    says = "qemu-system-x86_64: -plugin: invalid option"
    script = f'[ "$1" = --version ] && echo "QEMU emulator version 9.0" && exit; echo "{says}" >&2; exit 1'
    return program(folder / "bin", "qemu", script)


def test_a_qemu_without_plugins_is_refused_before_the_first_build(pkgafdo, folder, toy):
    qemu = fake_qemu(folder)
    refusal = refused(pkgafdo, 3, "--source", toy, "--set", f"vm.qemu={qemu}", verb="record")
    assert refusal.message == f"{qemu} cannot load plugins, so it has no virtual LBR"
    assert "-plugin: invalid option" in refusal.details
    assert "--enable-plugins" in refusal.hint


def test_a_missing_qemu_is_named_with_its_packages(pkgafdo, toy):
    refusal = refused(pkgafdo, 3, "--source", toy, "--set", "vm.qemu=qemu-none", verb="record")
    assert refusal.message == "qemu-none is not installed"
    assert "Arch: qemu-system-x86" in refusal.hint


def test_missing_workload_programs_are_all_named_before_the_first_build(pkgafdo, toy):
    command = ("--set", "workload.command=one; two")
    files = ("--set", 'workload.files=["no-one", "/no/two"]')
    refusal = refused(pkgafdo, 3, "--source", toy, *command, *files, verb="record")
    assert refusal.message == "the workload needs programs that are not here: no-one, /no/two"
    assert "/no/two: no such file" in refusal.details


def test_an_own_command_that_the_guest_cannot_start_is_refused_before_the_first_build(pkgafdo, toy):
    command = "workload.command=/usr/bin/nosuch --quick"
    refusal = refused(pkgafdo, 2, "--source", toy, "--set", command, verb="record")
    assert "begins with /usr/bin/nosuch, which the guest will not have" in refusal.message
    command = "workload.command=/usr/bin/pacman -Q"
    refusal = refused(pkgafdo, 2, "--source", toy, "--set", command, verb="record")
    assert 'workload.files = ["/usr/bin/pacman"]' in refusal.hint


# --- configuring and building -----------------------------------------------------------------


@pytest.mark.parametrize("lto", ["full", "thin-dist"])
def test_an_lto_that_never_sees_the_profile_is_refused(pkgafdo, toy, lto):
    refusal = refused(pkgafdo, 2, "--source", toy, "--set", f"kernel.lto={lto}")
    assert refusal.message == f"LTO “{lto}” does not get the profile in Linux 7.2.13"
    assert "passes --lto-sample-profile for thin" in refusal.details
    assert '"thin" or "none"' in refusal.hint


def test_an_lto_that_kconfig_does_not_grant_is_refused_with_its_dependencies(pkgafdo, folder):
    tree = make_toy(folder / "linux", refused="CONFIG_LTO_CLANG_THIN=")
    refusal = refused(pkgafdo, 2, "--source", tree, after=("source",))
    assert refusal.message == "the kernel's configuration did not take LTO_CLANG_THIN"
    assert "depends on HAS_LTO_CLANG" in refusal.details
    assert "HAS_LTO_CLANG depends on CC_IS_CLANG" in refusal.details
    assert "kernel.lto" in refusal.hint


def test_a_compile_error_is_shown_and_its_log_named_and_a_mended_tree_builds(pkgafdo, folder):
    tree = make_toy(folder / "linux", source=BROKEN_C)
    refusal = refused(pkgafdo, 4, "--source", tree, after=("source",))
    assert refusal.message == "the kernel did not build"
    assert "kernel.c:3:9: error: use of undeclared identifier 'nonsense'" in refusal.details
    log = folder / "work/logs/build-baseline.log"
    assert refusal.hint == f"The whole output is in {log}."
    assert "nonsense" in log.read_text()
    assert not (folder / "work/packages").exists()
    (tree / "kernel.c").write_text(KERNEL_C)
    data = pkgafdo.run("build", "--json", "--source", tree, "-w", folder / "work").data()
    assert len(data["baseline"]["packages"]) == 3


def test_a_build_that_leaves_no_package_is_refused(pkgafdo, folder):
    tree = make_toy(folder / "linux", package=False)
    refusal = refused(pkgafdo, 5, "--source", tree, after=("source",))
    assert "left no package “linux-pkgafdo-base”" in refusal.message
    assert refusal.details == "Found there: nothing."


def test_a_base_configuration_that_is_not_there_is_refused(pkgafdo, toy, folder):
    base = f"kernel.base={folder}/none.config"
    refusal = refused(pkgafdo, 2, "--source", toy, "--set", base)
    assert f"{folder}/none.config cannot be read as a kernel configuration" in refusal.message
    for verb, *more in (("plan",), ("run", "--dry-run")):
        assert refused(pkgafdo, 2, *more, "--source", toy, "--set", base, verb=verb) == refusal


# --- the work folder --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["build", "plan", "status"])
def test_a_work_folder_of_somebody_else_is_left_alone(pkgafdo, folder, toy, verb):
    work = folder / "work"
    write_files(work, {"thesis.txt": "ten years of work\n"})
    source = () if verb == "status" else ("--source", toy)
    refusal = pkgafdo.run(verb, *source, "-w", work).refusal(2)
    assert str(work) in refusal.message
    assert refusal.hint
    assert [path.name for path in work.iterdir()] == ["thesis.txt"]
    if verb != "status":
        assert "It holds thesis.txt." in refusal.details


def test_a_folder_of_another_kind_is_not_taken_for_a_work_folder(pkgafdo, folder, toy):
    work = write_files(folder / "work", {".pkgafdo": "pacman root\n"})
    refusal = pkgafdo.run("build", "--source", toy, "-w", work).refusal(2)
    assert refusal.message == f"{work} belongs to something else"
    assert "pacman root" in refusal.details


def test_a_file_is_no_work_folder(pkgafdo, folder, toy):
    (folder / "work").write_text("x")
    refusal = pkgafdo.run("build", "--source", toy, "-w", folder / "work").refusal(2)
    assert refusal.message == f"{folder}/work is not a folder"
    assert (folder / "work").read_text() == "x"


# --- configuration and usage ------------------------------------------------------------------


def test_all_faults_of_a_configuration_are_told_at_once_with_what_was_meant(pkgafdo, folder, toy):
    config = folder / "pkgafdo.toml"
    config.write_text('[kernal]\nlto = "thin"\n[build]\njob = 4\n[vm]\nmemory = "much"\n')
    refusal = refused(pkgafdo, 2, "-c", config, "--source", toy, "--set", "kernel.lto=fat")
    assert refusal.message == f"{config} and the command line have 4 faults"
    lines = refusal.details.splitlines()
    assert "kernal: unknown key; did you mean kernel?" in lines
    assert "build.job: unknown key; did you mean jobs?" in lines
    assert [line for line in lines if line.startswith("vm.memory: ")]
    assert [line for line in lines if line.startswith("kernel.lto: ") and '"fat"' in line]
    assert "pkgafdo config schema" in refusal.hint
    assert not (folder / "work").exists()


@pytest.mark.parametrize(
    ("text", "sentence"), [(None, "cannot be read"), ("[kernel\n", "is not valid TOML")]
)
def test_a_configuration_file_that_is_none_is_refused(pkgafdo, folder, text, sentence):
    config = folder / "pkgafdo.toml"
    if text is not None:
        config.write_text(text)
    refusal = pkgafdo.run("run", "-c", config, "-w", folder / "work").refusal(2)
    assert refusal.message == f"{'the configuration ' if text is None else ''}{config} {sentence}"
    assert refusal.details
    assert not (folder / "work").exists()


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("kernel.base.x=1", "kernel.base: Input should be a valid string"),
        ("kernel=1", "kernel: Input should be an object (it is 1)"),
        ("nothing.at.all=1", "nothing: unknown key"),
        ("vm.memory=12", "vm.memory: Input should be greater than or equal to 256 (it is 12)"),
        ("build.pkgbase=../x", "build.pkgbase: a package name has lower case letters"),
    ],
)
def test_a_setting_that_cannot_be_is_told_with_its_name(pkgafdo, folder, setting, fault):
    refusal = pkgafdo.run("plan", "--set", setting, "-w", folder / "work").refusal(2)
    assert refusal.details.startswith(fault)


def test_a_setting_that_is_text_needs_no_quotes(pkgafdo):
    texts = ("--set", "toolchain.llvm=19", "--set", "workload.command=true")
    shown = pkgafdo.run("config", "show", *texts).data()
    assert shown["toolchain"]["llvm"] == "19"
    assert shown["workload"]["command"] == "true"


@pytest.mark.parametrize("words", [("rum",), ("run", "--workdri", "x"), ("run", "surplus")])
def test_wrong_usage_ends_with_two_and_shows_the_way(pkgafdo, words):
    ended = pkgafdo.run(*words)
    assert ended.code == 2
    assert ended.stdout == ""
    assert "Try 'pkgafdo" in ended.stderr or "--help" in ended.stderr


def test_a_suite_cannot_be_its_own_held_out_one(pkgafdo, folder, toy):
    same = ("--set", "measure.heldout=train")
    refusal = pkgafdo.run("run", "--source", toy, *same, "-w", folder / "work").refusal(2)
    assert refusal.message == "“train” cannot be both the training and the held-out suite"


def test_an_unknown_suite_is_refused_with_those_that_ship(pkgafdo, folder, toy):
    suite = ("--set", "workload.suite=trian")
    refusal = pkgafdo.run("record", "--source", toy, *suite, "-w", folder / "work").refusal(2)
    assert refusal.message == "there is no workload suite “trian”"
    assert "train" in refusal.hint


def test_doctor_still_prints_json_when_the_machine_lacks_something(folder):
    path = without(folder / "bin", "clang", "ld.lld", "lld", "llvm")
    ended = Pkgafdo(folder=folder, path=path).run("doctor", "--json")
    assert ended.code == 3
    findings = json.loads(ended.stdout)["findings"]
    assert "LLVM" in {one["name"] for one in findings if one["level"] == "missing"}
