"""scripts/setup on Arch and its relatives, with a pacman that writes down what it is asked."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from pkgafdo.host.facts import Family
from pkgafdo.runner.command import Command, Result
from pkgafdo.runner.local import LocalRunner
from tests.integration.setup_names import SCRIPT, named

pytestmark = pytest.mark.real

_PACMAN: Final = """\
#!/bin/sh
[ "$1" != --version ] || {{ echo "Pacman v7.1.0 - libalpm v{libalpm}"; exit; }}
echo "$*" >> "{record}"
case $1 in
    -T) shift; for one; do grep -qx "$one" "{installed}" || {{ echo "$one"; left=1; }}; done
        [ -z "$left" ] || exit 127 ;;
    -S) shift 3; printf '%s\\n' "$@" >> "{installed}"; echo "{says}" >&2; exit {ending} ;;
esac
"""
_SUDO: Final = '#!/bin/sh\necho "sudo $*" >> "{record}"\nexec "$@"\n'
PACKAGES: Final = named(Family.ARCH)
RELATIVES: Final = {
    "arch": "ID=arch\n",
    "cachyos": "NAME=CachyOS\nID=cachyos\nID_LIKE=arch\n",
    "endeavouros": 'ID="endeavouros"\nID_LIKE="arch"\n',
    "manjaro": "ID=manjaro\nID_LIKE=arch\n",
    "garuda": "ID=garuda\nID_LIKE=arch\n",
}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A checkout with a finished .venv, and programs that stand in for the distribution's."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def asked(self) -> list[str]:
        """What pacman and sudo were asked, in order."""
        record = self.folder / "record"
        return record.read_text().splitlines() if record.exists() else []

    def program(self, name: str, text: str, **values: object) -> None:
        path = self.folder / "bin" / name
        path.write_text(text.format(record=self.folder / "record", **values))
        path.chmod(0o755)

    def pacman(self, *, ending: int = 0, says: str = "", libalpm: str = "16.0.0") -> None:
        values = {"installed": self.folder / "installed", "ending": ending, "says": says}
        self.program("pacman", _PACMAN, libalpm=libalpm, **values)

    def installed(self, *names: str) -> None:
        (self.folder / "installed").write_text("".join(f"{name}\n" for name in names))

    def setup(self, *options: str, os_release: str = "ID=arch\n") -> Result:
        (self.folder / "os-release").write_text(os_release)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        runner = LocalRunner(env={"PATH": path, "HOME": str(self.folder), "PIP_NO_INDEX": "1"})
        script = str(self.checkout / "scripts/setup")
        release = f"--os-release={self.folder / 'os-release'}"
        return runner.query(Command(argv=(script, release, *options), accept=frozenset(range(256))))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(folder=tmp_path)
    (tmp_path / "bin").mkdir()
    (made.checkout / "scripts").mkdir(parents=True)
    (made.checkout / ".venv/bin").mkdir(parents=True)
    shutil.copy(SCRIPT, made.checkout / "scripts/setup")
    (made.checkout / "pyproject.toml").write_text("[project]\n")
    python = Path(sys.executable).resolve()
    cfg = f"home = {python.parent}\ninclude-system-site-packages = false\n"
    (made.checkout / ".venv/pyvenv.cfg").write_text(cfg)
    (made.checkout / ".venv/bin/python").symlink_to(python)
    made.pacman()
    made.program("sudo", _SUDO)
    made.program("useradd", '#!/bin/sh\necho "useradd $*" >> "{record}"\n')
    made.installed()
    stamp(made)
    return made


def stamp(machine: Machine) -> None:
    """Write what scripts/setup leaves when .venv is finished."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    digest = hashlib.sha256((machine.checkout / "pyproject.toml").read_bytes()).hexdigest()
    text = f"Python {version}\n{machine.checkout}\n{digest}  -\nlibalpm v16.0.0\n"
    (machine.checkout / ".venv/.pkgafdo-setup").write_text(text)


def installations(machine: Machine) -> list[str]:
    return [line for line in machine.asked if line.startswith("-S ")]


@pytest.mark.parametrize("name", RELATIVES)
def test_every_package_is_installed_once_by_name_with_pacman(machine, name) -> None:
    result = machine.setup(os_release=RELATIVES[name])
    assert result.returncode == 0, result.stderr
    assert installations(machine) == [f"-S --needed --noconfirm {' '.join(PACKAGES)}"]
    assert "qemu-system-x86" in PACKAGES
    again = machine.setup(os_release=RELATIVES[name])
    assert "all packages are installed" in again.stdout
    assert len(installations(machine)) == 1


def test_only_what_is_missing_is_installed(machine) -> None:
    machine.installed(*(name for name in PACKAGES if name not in {"lld", "rt-tests"}))
    assert machine.setup().returncode == 0
    assert installations(machine) == ["-S --needed --noconfirm lld rt-tests"]


def test_showing_what_would_be_done_installs_nothing(machine) -> None:
    assert "would run" in machine.setup("--print").stdout
    assert [line.split()[0] for line in machine.asked] == ["-T"]


def test_old_lists_of_packages_are_said_with_the_next_move(machine) -> None:
    machine.pacman(ending=1, says="error: failed retrieving file 'lld.pkg.tar.zst'")
    result = machine.setup()
    assert result.returncode == 3
    assert "failed retrieving file" in result.stderr
    assert "pacman did not install them" in result.stderr
    assert "pacman -Syu" in result.stderr


@pytest.mark.parametrize(
    "says",
    [
        "error: switching to sandbox user 'alpm' failed!",
        "error: restricting filesystem access failed because Landlock is not supported by the kernel!",
    ],
)
def test_a_pacman_that_cannot_lock_itself_in_is_told_from_old_lists(machine, says) -> None:
    machine.pacman(ending=1, says=says)
    result = machine.setup()
    assert result.returncode == 3
    assert says in result.stderr
    assert "setup: error: pacman cannot lock itself in" in result.stderr
    assert "--disable-sandbox" in result.stderr
    assert "-Syu" not in result.stderr


def test_another_libalpm_than_pyalpm_was_built_for_is_seen(machine) -> None:
    machine.installed(*PACKAGES)
    assert ".venv is up to date" in machine.setup().stdout
    machine.pacman(libalpm="17.0.0")
    assert ".venv is up to date" not in machine.setup().stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs no sudo")
def test_an_ordinary_user_installs_with_sudo(machine) -> None:
    assert machine.setup().returncode == 0
    assert any(line.startswith("sudo pacman -S ") for line in machine.asked)


def test_an_upgraded_python_gets_a_new_venv(machine) -> None:
    # python is there, but what was installed lies in another version's folder.
    machine.installed(*PACKAGES)
    (machine.checkout / ".venv/.pkgafdo-setup").unlink()
    result = machine.setup()
    assert "making .venv with" in result.stdout
    assert list(machine.checkout.glob(".venv/lib/python3.*/site-packages/pip"))
    # Without an index nothing can be installed into it; what matters is who says so.
    assert "No module named pip" not in result.stderr


def test_a_distribution_of_another_kind_is_refused(machine) -> None:
    result = machine.setup(os_release="ID=fedora\nID_LIKE=rhel\n")
    assert result.returncode == 3
    assert "uses neither pacman nor apt" in result.stderr
    assert machine.asked == []
