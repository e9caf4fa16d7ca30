"""What a person sees: builds of the toy kernel in a terminal of 80 columns."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.fakes.toy_kernel import make_toy
from tests.integration.cli.program import Pkgafdo
from tests.integration.cli.terminal import COLUMNS, Screen, in_terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

ERASE = "\x1b[K"


def watch(pkgafdo: Pkgafdo, *words: object, **env: str) -> Screen:
    """Run the command line in a terminal."""
    (pkgafdo.cache / "pkgafdo").mkdir(parents=True, exist_ok=True)
    home = pkgafdo.folder / "home"
    home.mkdir(exist_ok=True)
    around = {
        "PATH": pkgafdo.path, "HOME": str(home), "XDG_CACHE_HOME": str(pkgafdo.cache),
        "LANG": "C.UTF-8", "TERM": "xterm",
    }  # fmt: skip
    return in_terminal(pkgafdo.command(*words), env=around | env, cwd=home)


@pytest.fixture(scope="module")
def toy_program(shared_folder: Path) -> Pkgafdo:
    return Pkgafdo(folder=shared_folder)


@pytest.fixture(scope="module")
def words(shared_folder: Path) -> tuple[object, ...]:
    """What the toy's build is started with."""
    return ("--source", make_toy(shared_folder / "src/linux"), "-w", shared_folder / "work")


@pytest.fixture(scope="module")
def first(toy_program: Pkgafdo, words: tuple[object, ...]) -> Screen:
    """A first build, watched."""
    screen = watch(toy_program, "build", *words)
    assert screen.code == 0, screen.raw
    return screen


@pytest.fixture(scope="module")
def second(first: Screen, toy_program: Pkgafdo, words: tuple[object, ...]) -> Screen:
    """Another build, of which it is known how the first one went; without colours."""
    sets = ("--set", "kernel.localversion=-next")
    screen = watch(toy_program, "build", *words, *sets, NO_COLOR="1")
    assert screen.code == 0, screen.raw
    return screen


def progress(screen: Screen) -> list[str]:
    """Return the states of the progress line while files are compiled."""
    return [line for line in screen.drawn if re.search(r"\d files compiled|% of \d+ files", line)]


def too_wide(lines: list[str]) -> list[str]:
    """Return the lines that leave the screen, but those of a path alone: it must not be broken."""
    return [line for line in lines if len(line) > COLUMNS and " " in line.strip()]


def test_a_first_build_counts_what_it_compiles(first: Screen) -> None:
    assert progress(first)
    assert all("files compiled" in line and "left" not in line for line in progress(first))


def test_the_next_build_says_how_far_it_is(second: Screen) -> None:
    assert all(re.search(r"\d+ % of 3 files", line) for line in progress(second))
    assert max(map(len, progress(second))) < COLUMNS


@pytest.mark.parametrize("which", ["first", "second"])
def test_nothing_of_the_progress_is_left_in_the_end(
    which: str, request: pytest.FixtureRequest
) -> None:
    screen = request.getfixturevalue(which)
    assert not [line for line in screen.lines if re.search("at work|files compiled|% of", line)]
    assert too_wide(screen.lines) == []


def test_steps_stand_out_unless_no_colour_is_wished(first: Screen, second: Screen) -> None:
    assert first.codes == {"\x1b[1m", "\x1b[0m", ERASE}
    assert second.codes == {ERASE}


def test_a_dumb_terminal_gets_no_control_sequence(
    first: Screen, toy_program: Pkgafdo, words: tuple[object, ...]
) -> None:
    work = toy_program.folder / "dumb"
    screen = watch(toy_program, "build", *words[:2], "-w", work, TERM="dumb")
    assert screen.code == 0
    assert screen.codes == set()
    assert "\r" not in screen.raw.replace("\r\n", "")


def test_json_is_the_last_on_the_screen_and_whole(
    first: Screen, toy_program: Pkgafdo, words: tuple[object, ...]
) -> None:
    screen = watch(toy_program, "status", *words[2:], "--json")
    assert json.loads(screen.raw)["baseline"]["packages"]


@pytest.mark.parametrize("verb", ["plan", "status", "doctor"])
def test_what_other_verbs_say_fits_the_screen(
    first: Screen, toy_program: Pkgafdo, words: tuple[object, ...], verb: str
) -> None:
    screen = watch(toy_program, verb, *(words[2:] if verb == "status" else words))
    assert screen.code == 0, screen.raw
    assert too_wide(screen.lines) == []
