"""check, adapt and update on PKGBUILDs, with the real bwrap, bash, makepkg and shellcheck."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.cli.main import main
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.host.users import require_builder
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_values import read_values
from pkgafdo.packaging.sandbox import Sandbox, read_inside, require_sandbox
from pkgafdo.packaging.srcinfo import render_srcinfo
from pkgafdo.packaging.update_template import model_of
from pkgafdo.profile.provenance import Provenance, write_provenance
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows.pkgbuild_reading import read_folder
from tests.integration.packaging.kernel_tree import pack
from tests.unit.packaging.hostile import MARKER, ONE_LINE
from tests.unit.packaging.kernel_pkgbuilds import (
    ARCH,
    AUR,
    BY_ARCH,
    PLAIN_OPTIONS,
    PROPELLED,
    SWITCHED,
    WRAPPED,
)
from tests.unit.packaging.pkgbuilds import GOLDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

PROFILE = b"main:100:1\n 1: 100\n"
LISTS = {"cc": b"!work\n!!0\n", "ld": b"work\n"}
FAMILIES = {
    "switched": SWITCHED,
    "options": PLAIN_OPTIONS,
    "arch": ARCH,
    "by-arch": BY_ARCH,
    "wrapped": WRAPPED,
}


@pytest.fixture
def runner() -> LocalRunner:
    for program in ("bwrap", "makepkg"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    try:
        builder = require_builder(os.geteuid())
        runner = LocalRunner(env={"PATH": os.environ["PATH"], "HOME": "/tmp"}, builder=builder)
        require_sandbox(Sandbox(runner=runner))
    except HostError as error:
        pytest.skip(str(error))
    return runner


@pytest.fixture
def place(runner: LocalRunner) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pkgafdo-test-", dir="/var/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def profile(place: Path) -> Path:
    path = place / "recorded.afdo"
    path.write_bytes(PROFILE)
    return path


def write(place: Path, text: str, *, srcinfo: bool = True) -> Path:
    folder = place / "linux-x"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "PKGBUILD").write_text(text)
    (folder / "config").write_text("CONFIG_64BIT=y\n")
    if srcinfo:
        (folder / ".SRCINFO").write_text("stale\n")
    return folder


def printed(runner: LocalRunner, folder: Path) -> str:
    command = Command(argv=("makepkg", "--printsrcinfo"), cwd=folder, run_as=RunAs.BUILDER)
    return runner.query(command).stdout


def verb(name: str, folder: Path, *options: object) -> int:
    return main(["pkgbuild", name, str(folder), *(str(one) for one in options)])


def findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    verb("check", folder, "--json")
    every = json.loads(capsys.readouterr().out)["findings"]
    return {one["rule"]: one["severity"] for one in every}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapted_pkgbuild_is_read_by_makepkg_and_has_no_errors(
    runner, place, profile, family, capsys
) -> None:
    folder = write(place, FAMILIES[family])
    assert verb("adapt", folder, "--profile", profile, "--write") == 0
    assert (folder / ".SRCINFO").read_text() == printed(runner, folder)
    assert (folder / next(iter(folder.glob("kernel-*.afdo")))).read_bytes() == PROFILE
    left = findings(folder, capsys)
    assert "error" not in left.values(), left
    assert not set(left) & {"gcc-with-autofdo", "flags-lost", "profile-without-sum", "gnu-strip",
                            "stripped-vmlinux", "ci-variable", "no-autofdo"}  # fmt: skip


def test_lists_of_propeller_become_sources_with_sums_and_go_again(
    runner, place, profile, capsys
) -> None:
    folder = write(place, PROPELLED)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, content in LISTS.items():
        (place / f"made_{name}_profile.txt").write_bytes(content)
    options = ("--profile", profile, "--propeller", place / "made", "--write")
    assert verb("adapt", folder, *options) == 0
    for name, content in LISTS.items():
        assert (folder / f"propeller_{name}_profile.txt").read_bytes() == content
        assert hashlib.blake2b(content).hexdigest() in (folder / "PKGBUILD").read_text()
    printed_now = printed(runner, folder)
    assert (folder / ".SRCINFO").read_text() == printed_now
    assert "\tsource = propeller_cc_profile.txt\n" in printed_now
    assert not set(findings(folder, capsys)) & {"profile-without-sum", "sums-count", "flags-lost"}
    assert verb("adapt", folder, *options) == 0
    assert capsys.readouterr().out == ""
    assert verb("adapt", folder, "--revert") == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def release(content: bytes) -> int:
    """Return the pkgrel that a PKGBUILD sets."""
    (found,) = re.findall(rb"^pkgrel=(\d+)$", content, re.MULTILINE)
    return int(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_changes_nothing_and_revert_undoes_to_the_byte(
    place, profile, family, capsys
) -> None:
    folder = write(place, FAMILIES[family])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for options in ((), ("--profile", profile)):
        assert verb("adapt", folder, *options, "--write") == 0
        assert capsys.readouterr().out.startswith("--- a/PKGBUILD")
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert verb("adapt", folder, *options, "--write") == 0
        assert capsys.readouterr().out == ""
        assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == after
        # Both rounds are built: their packages have a version each.
        assert release(after["PKGBUILD"]) == release(before["PKGBUILD"]) + bool(options)
    assert verb("adapt", folder, "--revert") == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_write_nothing_is_written(place, profile, capsys) -> None:
    folder = write(place, ARCH)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert verb("adapt", folder, "--profile", profile, "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["written"] is False
    assert plain["diff"].startswith("--- a/PKGBUILD")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_source_that_thin_lto_brings_needs_its_sum(place, capsys) -> None:
    folder = write(place, PLAIN_OPTIONS)
    assert verb("adapt", folder, "--lto", "thin") == 5
    assert "https://example.org/7.2/lto.patch" in capsys.readouterr().err
    (folder / "lto.patch").write_text("patch\n")
    assert verb("adapt", folder, "--lto", "thin", "--write") == 0
    assert "error" not in findings(folder, capsys).values()


def makepkg(runner: LocalRunner, folder: Path, *options: str) -> list[str]:
    env = {name: str(folder / "out") for name in ("PKGDEST", "SRCPKGDEST", "LOGDEST")}
    command = Command(
        argv=("makepkg", "--nodeps", "--skippgpcheck", "--force", *options),
        cwd=folder, env=env | {"BUILDDIR": str(folder / "build")}, run_as=RunAs.BUILDER,
    )  # fmt: skip
    runner.run(command)
    return next((folder / "build").glob("*/src/made")).read_text().splitlines()


def prepared(runner: LocalRunner, place: Path, text: str) -> Path:
    """Return a folder whose sources are there, with the sums that update has put in."""
    patch = hashlib.blake2b(b"patch\n").hexdigest()
    folder = write(place, text.replace("ef" * 64, patch))
    for name in ("linux-7.2.1-1", "linux-7.2.1"):
        pack(folder, name)
    (folder / "linux-7.2.1.tar.sign").touch()
    (folder / "linux-7.2.1.tar.xz").write_bytes((folder / "linux-7.2.1.tar.gz").read_bytes())
    (folder / "lto.patch").write_text("patch\n")
    for path in folder.iterdir():
        path.chmod(0o666)
    (folder / "build").mkdir()
    (folder / "build").chmod(0o777)
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)
    assert verb("update", folder, "--version", "7.2.1") == 0
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_makepkg_builds_with_the_profile_also_with_e(runner, place, profile, family) -> None:
    if shutil.which("fakeroot") is None:
        pytest.skip("fakeroot is not installed")
    folder = prepared(runner, place, FAMILIES[family])
    assert verb("adapt", folder, "--profile", profile, "--write") == 0
    (name,) = (path.name for path in folder.glob("kernel-*.afdo"))
    made = makepkg(runner, folder)
    (built,) = (line for line in made if line.startswith("all "))
    assert "LLVM=1 " in built
    assert built.endswith(f"/src/{name}")
    assert all("LLVM=1 " in line for line in made)
    assert [line for line in made if line.startswith("modules_install LLVM=1")]
    (again,) = (line for line in makepkg(runner, folder, "-e")[len(made) :] if line[:4] == "all ")
    assert again == built


@pytest.mark.parametrize("text", [ARCH, WRAPPED])
def test_a_build_stops_when_kconfig_drops_autofdo(runner, place, text) -> None:
    folder = prepared(runner, place, text)
    (folder / "config").write_text("# KCONFIG_DROPS\n")
    assert verb("update", folder, "--version", "7.2.1") == 0
    assert verb("adapt", folder, "--write") == 0
    with pytest.raises(Exception, match="makepkg failed"):
        makepkg(runner, folder)


def test_update_sets_version_release_tag_sums_and_srcinfo(runner, place) -> None:
    folder = prepared(runner, place, SWITCHED)
    text = (folder / "PKGBUILD").read_text()
    for line in ("_major=7.2\n", "_minor=1\n", "_tagrel=1\n", "pkgrel=1\n"):
        assert f"\n{line}" in text
    assert (folder / ".SRCINFO").read_text() == printed(runner, folder)
    command = Command(
        argv=("makepkg", "--verifysource", "--skippgpcheck", "--nodeps"),
        cwd=folder, env={"BUILDDIR": str(folder / "build")}, run_as=RunAs.BUILDER,
    )  # fmt: skip
    runner.query(command)


def test_update_to_the_same_version_raises_the_release_for_a_profile_alone(
    runner, place, profile, capsys
) -> None:
    folder = prepared(runner, place, SWITCHED)
    assert verb("adapt", folder, "--write") == 0
    capsys.readouterr()
    assert verb("update", folder, "--version", "7.2.1") == 0
    assert capsys.readouterr().out == ""
    assert verb("update", folder, "--version", "7.2.1", "--profile", profile) == 0
    assert "+pkgrel=2" in capsys.readouterr().out.splitlines()
    assert "error" not in findings(folder, capsys).values()


def test_update_says_what_stays_of_another_version(runner, place, profile, capsys) -> None:
    folder = prepared(runner, place, PROPELLED)
    for name, content in LISTS.items():
        (place / f"made_{name}_profile.txt").write_bytes(content)
    options = ("--profile", profile, "--propeller", place / "made", "--write")
    assert verb("adapt", folder, *options) == 0
    pack(folder, "linux-7.2.2-1")
    capsys.readouterr()
    assert verb("update", folder, "--version", "7.2.2") == 0
    err = capsys.readouterr().err
    assert "[propeller-stays]" in err
    assert "[profile-unknown]" in err
    pack(folder, "linux-7.2.3-1")
    profile.write_bytes(PROFILE * 2)
    assert verb("update", folder, "--version", "7.2.3", "--profile", profile) == 0
    assert capsys.readouterr().err.count("lists stay") == 1
    profile.write_bytes(PROFILE)
    assert verb("update", folder, "--version", "7.2.3", "--profile", profile) == 0
    assert capsys.readouterr().err.count("lists stay") == 1


def test_update_names_what_it_cannot_get(place, capsys) -> None:
    folder = write(place, ARCH)
    before = (folder / "PKGBUILD").read_bytes()
    assert verb("update", folder, "--version", "7.3") == 5
    assert "https://example.org/linux-7.3.tar.xz" in capsys.readouterr().err
    assert (folder / "PKGBUILD").read_bytes() == before


ESCAPES = """
touch @MARKER@ /var/tmp/@MARKER@ /usr/@MARKER@ /tmp/@MARKER@ "$HOME/@MARKER@"
cat /etc/shadow /root/.bashrc > /build/@MARKER@
(echo hello > /dev/tcp/127.0.0.1/@PORT@)
echo "secret=$PKGAFDO_TEST_SECRET shadow=$(cat /etc/shadow 2>/dev/null | wc -c) uid=$(id -u)" > /tmp/seen
_seen=$(cat /tmp/seen)
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        yield server


def test_code_of_a_pkgbuild_reaches_neither_files_nor_network(
    runner, place, listener, monkeypatch
) -> None:
    monkeypatch.setenv("PKGAFDO_TEST_SECRET", "hunter2")
    text = ESCAPES.replace("@MARKER@", MARKER).replace("@PORT@", str(listener.getsockname()[1]))
    folder = write(place, text + ARCH)
    values = read_values(Sandbox(runner=runner), folder, ["_seen"])
    # It did run, and saw nothing.
    assert values.scalar("_seen") == "secret= shadow=0 uid=1000"
    assert verb("check", folder) in {0, 5}
    assert verb("adapt", folder) == 0
    assert not list(place.rglob(f"{MARKER}*"))
    for spot in ("/var/tmp", "/usr", "/tmp", os.environ.get("HOME", "/root")):
        assert not Path(spot, MARKER).exists()
    with pytest.raises(TimeoutError):
        listener.accept()


def test_the_same_code_does_reach_them_where_the_folder_is_trusted(runner, place) -> None:
    folder = write(place, f"touch {MARKER}\n{ARCH}")
    assert verb("check", folder, "--trust") in {0, 5}
    assert (folder / MARKER).exists()


def test_a_pkgbuild_that_never_ends_is_ended(runner, place) -> None:
    folder = write(place, "while :; do :; done\n" + ARCH)
    with pytest.raises(ArtifactError, match="does not let itself be read"):
        read_values(Sandbox(runner=runner, seconds=2), folder, [])


def test_a_pkgbuild_that_prints_without_end_is_cut(runner, place) -> None:
    folder = write(place, ARCH)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_inside(Sandbox(runner=runner, seconds=50), ("yes",), folder)


@pytest.mark.parametrize("value", ONE_LINE[::3])
def test_hostile_names_of_folder_and_profile_run_nothing(place, value, capsys, monkeypatch) -> None:
    monkeypatch.chdir(place)
    value = value.replace("/", "_")
    folder = write(place, ARCH)
    hostile = folder.rename(place / value)
    profile = place / f"{value}.afdo"
    profile.write_bytes(PROFILE)
    assert verb("adapt", hostile.absolute(), "--profile", profile, "--write") == 0
    assert verb("update", hostile.absolute(), "--version", value) == 2
    assert verb("update", hostile.absolute(), "--version", "7.3", "--profile", value) == 5
    assert verb("check", hostile.absolute()) in {0, 5}
    assert value not in (hostile / "PKGBUILD").read_text()
    assert not list(place.rglob(f"{MARKER}*"))
    assert "a bug in pkgafdo" not in capsys.readouterr().err


@pytest.mark.parametrize("value", ONE_LINE[::3])
def test_hostile_values_in_the_pkgbuild_itself_run_nothing_outside(place, value, capsys) -> None:
    text = SWITCHED.replace("pkgrel=3", f"pkgrel={value}").replace('"config"\n', f'"{value}"\n')
    folder = write(place, text)
    for name, options in (("check", ()), ("adapt", ("--write",)), ("update", ("--version", "7.3"))):
        assert verb(name, folder, *options) in {0, 5}
    assert not list(place.rglob(f"{MARKER}*"))
    assert "a bug in pkgafdo" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["-rf", "--trust", "--help"])
def test_a_folder_called_like_an_option_is_a_folder(place, name, monkeypatch, capsys) -> None:
    folder = write(place, ARCH)
    folder.rename(place / name)
    monkeypatch.chdir(place)
    assert main(["pkgbuild", "check", "--", name]) in {0, 5}
    assert "2 warnings" in capsys.readouterr().out


BAD = {
    "syntax": ("build() {\n  if x; then\n}\n", "PKGBUILD:3: "),
    "not a kernel": ("pkgname=x\npkgver=1\nbuild() {\n  make\n}\n", "not a kernel's PKGBUILD"),
    "no build": (ARCH.replace("build() {", "compile() {"), "there is no build()"),
    "it leaves": (f"exit 0\n{ARCH}", "ends before its end"),
    "it fails": (f"exit 3\n{ARCH}", "cannot be read"),
    "compiler": (AUR, "make gets LLVM=$_LLVM here"),
    "NUL": ("a\0b", "NUL bytes"),
    "missing sums": (ARCH.replace("b2sums=", "_sums="), "have no checksums"),
    "dynamic": (ARCH.replace("b2sums=('ab", 'b2sums=("$(x)ab'), ""),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_adapted_is_refused_and_left_as_it_is(place, profile, what, capsys) -> None:
    text, message = BAD[what]
    folder = write(place, text)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert verb("adapt", folder, "--profile", profile, "--write") in {5} | (
        {0} if not message else set()
    )
    err = capsys.readouterr().err
    assert message in err
    assert "a bug in pkgafdo" not in err
    if message:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "content", [b"", b"PERFILE2" + bytes(64), b"\x7fELF" + bytes(64), b"hello\n", b"PAR1"]
)
def test_a_profile_of_another_format_is_refused(place, content, capsys) -> None:
    folder = write(place, ARCH)
    bad = place / "bad.afdo"
    bad.write_bytes(content)
    for name, options in (("adapt", ("--write",)), ("update", ("--version", "7.3"))):
        assert verb(name, folder, "--profile", bad, *options) == 5
    assert (folder / "PKGBUILD").read_text() == ARCH


def test_a_syntax_error_is_a_finding_with_its_line(place, capsys) -> None:
    folder = write(place, "pkgver=1\nbuild() {\n  if x; then\n}\n")
    assert verb("check", folder, "--json") == 5
    every = json.loads(capsys.readouterr().out)["findings"]
    assert [one["line"] for one in every if one["rule"] == "syntax"] == [4]


def test_why_a_pkgbuild_cannot_be_read_is_said_on_one_line(place, capsys) -> None:
    folder = write(place, f"error 'no such tool: frobnicate'\nexit 1\n{ARCH}")
    assert verb("check", folder, "--json") == 5
    every = json.loads(capsys.readouterr().out)["findings"]
    (message,) = (one["message"] for one in every if one["rule"] == "unreadable")
    assert message.endswith(": it ended with exit code 1: no such tool: frobnicate")
    assert verb("adapt", folder) == 5
    assert "no such tool: frobnicate" in capsys.readouterr().err


def test_a_stale_srcinfo_fails_a_check(place, capsys) -> None:
    folder = write(place, ARCH)
    assert verb("check", folder) == 5
    assert "srcinfo-stale" in capsys.readouterr().out


def test_a_folder_without_a_pkgbuild_is_refused(place) -> None:
    for name, options in (("check", ()), ("adapt", ()), ("update", ("--version", "7.3"))):
        assert verb(name, place / "nowhere", *options) == 2


def test_a_read_only_folder_is_refused_and_left_as_it_is(runner, place, profile) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a folder read-only")
    folder = write(place, ARCH)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    pkgafdo = (sys.executable, "-m", "pkgafdo", "pkgbuild", "adapt", str(folder))
    command = Command(
        argv=("unshare", "--mount", "sh", "-c", script, "sh", str(folder), *pkgafdo, "--write",
              "--profile", str(profile)),
        cwd=Path(__file__).resolve().parents[3], accept=frozenset({2, 3}),
    )  # fmt: skip
    result = runner.query(command)
    assert "a bug" not in result.stderr
    assert str(folder) in result.stderr
    assert (folder / "PKGBUILD").read_text() == ARCH


@pytest.mark.parametrize("name", GOLDEN)
def test_what_pkgafdo_wrote_is_read_back_and_has_no_findings(runner, place, name, capsys) -> None:
    folder = place / "linux-x"
    folder.mkdir()
    model = GOLDEN[name]()
    text = render_pkgbuild(model)
    (folder / "PKGBUILD").write_text(text)
    (folder / ".SRCINFO").write_text(render_srcinfo(model))
    reading = read_folder(Sandbox(runner=runner), folder)
    assert model_of(reading.script, reading.values) == model
    # The golden models name profiles that are not there.
    assert set(findings(folder, capsys)) <= ({"profile"} if model.profile else set())


def test_ours_takes_a_profile_with_its_provenance_and_today_s_template(
    runner, place, profile, capsys
) -> None:
    folder = place / "linux-x"
    folder.mkdir()
    folder.chmod(0o777)
    model = GOLDEN["first-round"]()
    (folder / "PKGBUILD").write_text(render_pkgbuild(model).replace("# Kconfig", "# Mine", 1))
    (folder / ".SRCINFO").write_text(render_srcinfo(model))
    (folder / "config").write_text("CONFIG_64BIT=y\n")
    digest = hashlib.sha256(PROFILE).hexdigest()
    made = Provenance(profile_sha256=digest, functions=1, counts=1, kernelrelease=model.pkgver)
    write_provenance(profile, made)
    assert verb("adapt", folder, "--profile", profile, "--write") == 0
    assert len(list(folder.glob("kernel-*.afdo.json"))) == 1
    assert not findings(folder, capsys)
    newer = place / "newer.afdo"
    newer.write_bytes(PROFILE * 2)
    for options in ((), ("--template",)):  # offered, and taken
        assert verb("update", folder, "--version", model.pkgver, *options, "--dry-run") == 0
        told = capsys.readouterr()
        lines = (told.out if options else told.err).splitlines()
        comments = [line[:8] for line in lines if line[:2] in {"-#", "+#"}]
        assert comments == ["-# Mine ", "+# Kconf"]
    with_profile = ("--version", model.pkgver, "--profile", newer, "--dry-run")
    assert verb("update", folder, *with_profile) == 0
    assert capsys.readouterr().out.count("--- a/PKGBUILD") == 1
    assert verb("update", folder, *with_profile, "--json") == 0
    told = capsys.readouterr()
    assert "-# Mine " in json.loads(told.out)["template_diff"]
    assert "otherwise, template_diff says how\n" in told.err
