"""A real wheel, and a real editable install: both have the templates and the native sources."""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from pathlib import Path

import pytest

from pkgafdo.errors import CommandError
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

CHECKOUT = Path(__file__).resolve().parents[2]
_NEW = (
    "pkgbuild", "new", "--version", "6.18.54", "--sum", "ab" * 64, "--config-file", "config", "out",
)  # fmt: skip


@pytest.fixture
def runner(tmp_path: Path) -> LocalRunner:
    if importlib.util.find_spec("pip") is None or importlib.util.find_spec("hatchling") is None:
        pytest.skip("pip and hatchling are not installed")
    (tmp_path / "config").write_text("CONFIG_64BIT=y\n")
    return LocalRunner(env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


def pip(*arguments: str) -> Command:
    options = ("--no-deps", "--disable-pip-version-check")
    return Command(argv=(sys.executable, "-m", "pip", *arguments, *options))


def new_pkgbuild(runner: LocalRunner, tmp_path: Path, code: str) -> str:
    """Run pkgbuild new in a program that first makes an installation importable."""
    program = f"{code}; import sys; from pkgafdo.cli.main import main; sys.exit(main(sys.argv[1:]))"
    runner.run(Command(argv=(sys.executable, "-I", "-c", program, *_NEW), cwd=tmp_path))
    return (tmp_path / "out/PKGBUILD").read_text()


def test_the_wheel_has_the_templates_and_the_native_sources(
    runner: LocalRunner, tmp_path: Path
) -> None:
    offline = ("--no-build-isolation", "--no-index")
    runner.run(pip("wheel", "--wheel-dir", str(tmp_path), *offline, str(CHECKOUT)))
    (wheel,) = tmp_path.glob("pkgafdo-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    template = site / "pkgafdo/pkgbuild-templates/PKGBUILD.j2"
    assert template.read_bytes() == (CHECKOUT / "pkgbuild-templates/PKGBUILD.j2").read_bytes()
    assert (site / "pkgafdo/vm/native/vlbr.c").is_file()
    assert (site / "pkgafdo/report/files/report.html.j2").is_file()
    assert not (site / "tests").exists()
    # What is read is the wheel's, not the checkout's.
    template.write_text("# of the wheel\n")
    text = new_pkgbuild(runner, tmp_path, f"import sys; sys.path.insert(0, {str(site)!r})")
    assert text == "# of the wheel\n"


def test_an_editable_install_finds_the_checkouts_templates(
    runner: LocalRunner, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    try:
        runner.run(pip("install", "--target", str(site), "--editable", str(CHECKOUT)))
    except CommandError as error:
        # As in scripts/setup, pip fetches what an editable build needs beside hatchling.
        if "No matching distribution found" in error.details:
            pytest.skip("there is no network to fetch the build's requirements from")
        raise
    code = (
        f"import site, sys; sys.path[:] = [p for p in sys.path if {str(CHECKOUT)!r} != p]; "
        f"site.addsitedir({str(site)!r}); import pkgafdo; "
        f"assert pkgafdo.__file__.startswith({str(CHECKOUT)!r})"
    )
    assert "pkgbase=linux-afdo\n" in new_pkgbuild(runner, tmp_path, code)
