"""A pyalpm that was built for another libalpm than the one that is here."""

from __future__ import annotations

import sys

import pytest

from pkgafdo.pacman import alpm, database
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner

NO_FILE = "libalpm.so.15: cannot open shared object file: No such file or directory"
BROKEN = {
    "after-a-soname-bump": ImportError(NO_FILE),
    "newer-than-libalpm": ImportError("pyalpm.so: undefined symbol: alpm_pkg_get_xdata"),
    "symbol-lookup": OSError("pyalpm.so: undefined symbol: alpm_pkg_get_xdata"),
    "for-another-python": ImportError("No module named 'pyalpm'"),
    "initialised-wrongly": SystemError("initialization of pyalpm failed"),
}


@pytest.mark.parametrize("error", BROKEN.values(), ids=BROKEN)
def test_a_pyalpm_that_does_not_load_gives_way_to_pacman(tmp_path, monkeypatch, error):
    (tmp_path / "pyalpm.py").write_text(f"raise {error!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pyalpm", raising=False)
    entry = tmp_path / "root/var/lib/pacman/local/linux-t-1-1"
    entry.mkdir(parents=True)
    (entry / "desc").write_text("%NAME%\nlinux-t\n\n%BASE%\nlinux-t\n")
    runner = FakeRunner(answers={"pacman": Result(returncode=0, stdout="linux-t 1-1\n")})
    assert not alpm.usable()
    assert alpm.why_not() == str(error)
    found = database.installed(runner, root=tmp_path / "root")
    assert [package.name for package in found] == ["linux-t"]
    assert runner.queried[0].argv[0] == "pacman"
