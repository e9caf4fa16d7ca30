"""pkgafdo's own PKGBUILD under the real makepkg: what it prints, and what it packs."""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host.users import require_builder
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

CHECKOUT = Path(__file__).resolve().parents[3]
TEMPLATE = CHECKOUT / "pkgbuild-templates/pkgafdo"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def runner(folder: Path) -> LocalRunner:
    for program in ("makepkg", "fakeroot", "bsdtar"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    try:
        builder = require_builder(os.geteuid())
    except HostError as error:
        pytest.skip(str(error))
    # The interpreter of the tests may lie where the build user cannot go; the system's reads its modules.
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to("/usr/bin/python3")
    modules = (os.environ.get("PYTHONPATH", ""), sysconfig.get_path("purelib"))
    env = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(one for one in modules if one),
    }
    return LocalRunner(env=env, logs=folder / "logs", builder=builder)


def printed(runner: LocalRunner, folder: Path) -> str:
    command = Command(argv=("makepkg", "--printsrcinfo"), cwd=folder, run_as=RunAs.BUILDER)
    return runner.query(command).stdout


def test_the_srcinfo_is_what_makepkg_prints(runner: LocalRunner, folder: Path) -> None:
    shutil.copy(TEMPLATE / "PKGBUILD", folder)
    assert printed(runner, folder) == (TEMPLATE / ".SRCINFO").read_text()


def test_bash_and_shellcheck_have_nothing_to_say(runner: LocalRunner) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    options = ("--shell=bash", "--exclude=SC2034,SC2154")
    for argv in (
        ("shellcheck", *options, str(TEMPLATE / "PKGBUILD")),
        ("shellcheck", str(CHECKOUT / "scripts/own-package")),
    ):
        assert runner.query(Command(argv=argv)).stdout == ""


def test_the_script_writes_a_folder_that_makepkg_builds(runner: LocalRunner, folder: Path) -> None:
    place = folder / "pkgafdo"
    runner.run(Command(argv=(str(CHECKOUT / "scripts/own-package"), str(place))))
    place.chmod(0o777)
    assert "SKIP" not in (place / "PKGBUILD").read_text()
    assert printed(runner, place) == (place / ".SRCINFO").read_text()
    able = Command(
        argv=("python", "-c", "import build, click, hatchling, installer, numpy"),
        run_as=RunAs.BUILDER,
        accept=frozenset({0, 1}),
    )
    if runner.query(able).returncode != 0:
        pytest.skip("the build user's python lacks build or installer")
    env = {"PKGEXT": ".pkg.tar.gz"}
    argv = ("makepkg", "--nodeps", "--nocheck")
    runner.run(Command(argv=argv, cwd=place, env=env, run_as=RunAs.BUILDER, log="makepkg"))
    (package,) = place.glob("pkgafdo-*-any.pkg.tar.gz")
    listed = runner.query(Command(argv=("bsdtar", "-tf", str(package)))).stdout.splitlines()
    for end in (
        "/bin/pkgafdo", "/pkgafdo/pkgbuild-templates/PKGBUILD.j2", "/pkgafdo/vm/native/vlbr.c",
        "usr/share/doc/pkgafdo/README.md", "usr/share/bash-completion/completions/pkgafdo",
        "usr/share/zsh/site-functions/_pkgafdo", "usr/share/fish/vendor_completions.d/pkgafdo.fish",
    ):  # fmt: skip
        assert any(line.endswith(end) for line in listed), end
    assert not any("/tests/" in line for line in listed)
    require_completions(runner, package)
    require_manual(runner, package, listed)


def content(runner: LocalRunner, package: Path, name: str) -> str:
    """Return the text of a file in a package, also of a compressed one."""
    argv = ("sh", "-c", 'bsdtar -xOqf "$1" "$2" | gzip -cdf', "sh", str(package), name)
    return runner.query(Command(argv=argv)).stdout


def require_completions(runner: LocalRunner, package: Path) -> None:
    """Have each shell read the completion that is packed for it, where that shell is."""
    places = {
        "bash": "usr/share/bash-completion/completions/pkgafdo",
        "zsh": "usr/share/zsh/site-functions/_pkgafdo",
        "fish": "usr/share/fish/vendor_completions.d/pkgafdo.fish",
    }
    for shell, place in places.items():
        script = content(runner, package, place)
        assert f"_PKGAFDO_COMPLETE={shell}_complete" in script
        if shutil.which(shell):
            runner.query(Command(argv=(shell, "-n"), stdin=script))


def require_manual(runner: LocalRunner, package: Path, listed: list[str]) -> None:
    """Have man read the pages, which are where it looks: one for each verb."""
    pages = {line for line in listed if line.startswith("usr/share/man/man1/pkgafdo")}
    wanted = ("pkgafdo", "pkgafdo-run", "pkgafdo-measure-host", "pkgafdo-pkgbuild-adapt")
    assert {f"usr/share/man/man1/{name}.1.gz" for name in wanted} <= pages
    for name in wanted:
        page = content(runner, package, f"usr/share/man/man1/{name}.1.gz")
        assert page.startswith(".TH") or "\n.TH" in page
        if shutil.which("man"):
            shown = runner.query(
                Command(argv=("man", "--warnings", "-l", "-"), stdin=page, env={"MANWIDTH": "80"})
            )
            assert shown.stderr == ""
            assert name in shown.stdout


def test_a_folder_that_exists_is_not_touched(runner: LocalRunner, folder: Path) -> None:
    (folder / "PKGBUILD").write_text("mine")
    command = Command(
        argv=(str(CHECKOUT / "scripts/own-package"), str(folder)), accept=frozenset({2})
    )
    assert "nothing is overwritten" in runner.query(command).stderr
    assert (folder / "PKGBUILD").read_text() == "mine"
