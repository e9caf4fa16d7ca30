"""Our PKGBUILDs under the real bash, shellcheck and makepkg."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host.users import require_builder
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.srcinfo import render_srcinfo
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from tests.unit.packaging.hostile import BYPASSED, HOSTILE, MARKER, ONE_LINE, bypassed
from tests.unit.packaging.pkgbuilds import GOLDEN, second_round

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

DATA = Path(__file__).resolve().parents[2] / "data/pkgbuild"
# The variables of a PKGBUILD are makepkg's: it reads what we only set, and sets what we only read.
SHELLCHECK = ("shellcheck", "--shell=bash", "--exclude=SC2034,SC2154")
_SOURCE_IT = (
    'source "$1"; for one in $(compgen -A function); do declare -f "$one" > /dev/null; done'
)


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def runner() -> LocalRunner:
    try:
        user = require_builder(os.geteuid())
    except HostError as error:
        pytest.skip(str(error))
    return LocalRunner(env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, builder=user)


@pytest.fixture
def folder(runner: LocalRunner) -> Iterator[Path]:
    # pytest's own temporary folder is private to root, where the build user cannot go.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def printsrcinfo(runner: LocalRunner, folder: Path) -> str:
    command = Command(argv=("makepkg", "--printsrcinfo"), cwd=folder, run_as=RunAs.BUILDER)
    return runner.query(command).stdout


@pytest.mark.parametrize("name", GOLDEN)
def test_bash_and_shellcheck_have_nothing_to_say(runner: LocalRunner, name: str) -> None:
    needs("shellcheck")
    path = str(DATA / f"{name}.PKGBUILD")
    for argv in (("bash", "-n", path), (*SHELLCHECK, path)):
        result = runner.query(Command(argv=argv))
        assert result.stdout + result.stderr == ""


@pytest.mark.parametrize("name", GOLDEN)
def test_srcinfo_is_what_makepkg_prints(runner: LocalRunner, folder: Path, name: str) -> None:
    needs("makepkg")
    (folder / "PKGBUILD").write_text(render_pkgbuild(GOLDEN[name]()))
    assert printsrcinfo(runner, folder) == render_srcinfo(GOLDEN[name]())


@pytest.mark.parametrize("field", BYPASSED)
def test_bash_runs_no_value_even_without_validation(
    runner: LocalRunner, folder: Path, field: str
) -> None:
    rendered = 0
    for number, value in enumerate(HOSTILE):
        try:
            text = render_pkgbuild(bypassed(field, value))
        except ValueError:  # it cannot be quoted, and so is not written
            continue
        rendered += 1
        path = folder / f"PKGBUILD-{number}"
        path.write_text(text)
        for argv in (
            ("bash", "-n", path.name),
            ("bash", "-c", _SOURCE_IT, "bash", f"./{path.name}"),
        ):
            runner.run(Command(argv=argv, cwd=folder, run_as=RunAs.BUILDER))
    assert rendered >= len(ONE_LINE) or field == "pkgbase"
    assert not list(folder.glob(f"**/{MARKER}*"))


def test_makepkg_runs_no_value_even_without_validation(runner: LocalRunner, folder: Path) -> None:
    needs("makepkg")
    for field in ("description", "url", "maintainer", "patch.name", "source.url"):
        (folder / "PKGBUILD").write_text(render_pkgbuild(bypassed(field, ONE_LINE[0])))
        command = Command(
            argv=("makepkg", "--printsrcinfo"),
            cwd=folder,
            accept=frozenset(range(256)),
            run_as=RunAs.BUILDER,
        )
        runner.query(command)
        assert not (folder / MARKER).exists()


def test_the_hostile_values_do_run_where_nothing_quotes_them(
    runner: LocalRunner, folder: Path
) -> None:
    text = render_pkgbuild(second_round()).replace("pkgrel=2", f"pkgrel={ONE_LINE[0]}")
    (folder / "PKGBUILD").write_text(text)
    runner.run(Command(argv=("bash", "PKGBUILD"), cwd=folder, run_as=RunAs.BUILDER))
    assert (folder / MARKER).exists()
