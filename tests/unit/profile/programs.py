"""LLVM's profile programs as a fake runner answers for them."""

from __future__ import annotations

from pathlib import Path

from pkgafdo.artifacts import Toolchain
from pkgafdo.runner.command import Command, Result
from tests.fakes.runner import FakeRunner

DATA = Path(__file__).resolve().parents[2] / "data" / "profile"

TOOLCHAIN = Toolchain(
    make_value="-19",
    version=(19, 1, 7),
    tools={"llvm-profgen": "/usr/bin/llvm-profgen", "llvm-profdata": "/usr/bin/llvm-profdata"},
)


def recorded(name: str) -> str:
    """Return what a real program once printed."""
    return (DATA / name).read_text()


def writes_output(content: bytes = b"profile"):
    """Return an answer that writes the file which --output= names."""

    def answer(command: Command) -> Result:
        path = next(word for word in command.argv if word.startswith("--output="))
        Path(path.removeprefix("--output=")).write_bytes(content)
        return Result(returncode=0)

    return answer


def profile_tools(**changes: object) -> FakeRunner:
    """Return a runner whose LLVM converts, merges and shows; changes replace answers."""
    answers = {
        "--version": Result(returncode=0, stdout="Debian LLVM version 19.1.7\n"),
        "show": Result(returncode=0, stdout=recorded("llvm-profdata-19-summary.txt")),
        "merge": writes_output(),
        "llvm-profgen": writes_output(),
    }
    return FakeRunner(answers=answers | changes)
