"""scripts/test-modern where it cannot work, and when it is killed; debootstrap is played."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen  # noqa: TID251  the runner cannot be asked to kill itself
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.cli.program import can_mount, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

SCRIPT: Final = Path(__file__).parents[2] / "scripts/test-modern"
# The root that it makes has one program, which tells that it runs, and then never ends.
_DEBOOTSTRAP: Final = """\
#!/bin/sh
echo "$*" >> {folder}/asked
[ -z "{failure}" ] || {{ echo "E: {failure}"; exit 1; }}
for last; do root=$previous; previous=$last; done
mkdir -p $root/proc $root/sys $root/dev $root/etc/apt $root/usr/bin $root/tmp
ln -s usr/bin $root/bin
cp /bin/busybox $root/usr/bin/busybox
printf '#!/bin/busybox sh\\n: > /tmp/here\\nexec /bin/busybox sleep 1000\\n' > $root/usr/bin/env
chmod +x $root/usr/bin/env
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A folder for roots, and a debootstrap of our own on PATH."""

    folder: Path

    @property
    def roots(self) -> Path:
        return self.folder / "roots"

    def debootstrap(self, failure: str = "") -> None:
        path = self.folder / "bin/debootstrap"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_DEBOOTSTRAP.format(folder=self.folder, failure=failure))
        path.chmod(0o755)

    def start(self, *before: str, suite: str = "sid") -> Popen[str]:
        env = dict(os.environ, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}")
        words = [*before, str(SCRIPT), suite, "--short", "--roots", str(self.roots)]
        return Popen(words, env=env, stdout=PIPE, stderr=PIPE, text=True)

    def refusal(self, code: int, *before: str, suite: str = "sid") -> str:
        with self.start(*before, suite=suite) as process:
            _, said = process.communicate(timeout=600)
        assert process.returncode == code, said
        assert "Traceback" not in said
        return said

    def users(self) -> list[str]:
        """Return the processes that see a mount below the roots, or are inside of one."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                seen = (place / "mountinfo").read_text() + str((place / "root").readlink())
            except OSError:  # it has ended meanwhile
                continue
            if str(self.roots) in seen:
                found.append((place / "cmdline").read_text().replace("\0", " "))
        return found


@pytest.fixture
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="pkgafdo-modern-", dir="/var/tmp") as name:
        made = Bench(folder=Path(name))
        made.folder.chmod(0o755)
        made.debootstrap()
        yield made


needs_mounts = pytest.mark.skipif(not can_mount(), reason="mounts are not allowed here")
needs_busybox = pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is missing")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing")
def test_without_root_it_says_so(bench: Bench) -> None:
    drop = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    said = bench.refusal(3, *drop)
    assert "only by root" in said
    assert "sudo" in said


@needs_mounts
def test_without_a_network_the_next_move_is_said_and_the_half_made_root_is_made_anew(bench):
    bench.debootstrap(failure="Failed getting release file")
    said = bench.refusal(3)
    assert "no root of sid can be made" in said
    assert "Failed getting release file" in said
    assert "Is there a network" in said
    assert "half-made" in bench.refusal(3)
    assert len((bench.folder / "asked").read_text().splitlines()) == 2


@needs_mounts
def test_somebody_elses_folder_is_left_alone(bench: Bench) -> None:
    (bench.roots / "sid").mkdir(parents=True)
    (bench.roots / "sid/thesis.tex").touch()
    assert "was not made by pkgafdo" in bench.refusal(2)
    assert (bench.roots / "sid/thesis.tex").exists()
    assert not (bench.folder / "asked").exists()


def test_an_unknown_suite_is_refused_before_anything_is_installed(bench: Bench) -> None:
    said = bench.refusal(2, suite="lenny")
    assert "invalid choice" in said
    assert "setup" not in said


@needs_mounts
@needs_busybox
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_it_is_killed_no_mount_and_no_process_is_left(bench: Bench, number) -> None:
    process = bench.start()
    try:
        here = bench.roots / "sid/root/tmp/here"
        wait_until(here.exists, "it works inside", 600, ended=lambda: process.poll() is not None)
        assert any("sleep 1000" in line for line in bench.users())
        second = bench.refusal(2)
        assert "another run is at work" in second
        process.send_signal(number)
        process.wait(60)
        wait_until(lambda: not bench.users(), "nothing is left", 60)
    finally:
        process.kill()
        process.communicate()
    # Nothing is mounted there any more: what is deleted is the root's own.
    assert not list((bench.roots / "sid/root/proc").iterdir())
    bench.debootstrap(failure="again")
    assert "half-made" in bench.refusal(3)
    assert not (bench.roots / "sid/root/tmp/here").exists()
    assert Path("/proc/self/status").exists()
