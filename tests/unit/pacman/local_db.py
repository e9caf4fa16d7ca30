"""A pacman root made by hand: its database on disk and what the pacman program would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.runner.command import Command, Result
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path


class FakeRoot:
    """A root with packages; the files themselves are written by the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.packages: dict[str, str] = {}
        self.files: dict[str, list[str]] = {}
        local = path / "var/lib/pacman/local"
        local.mkdir(parents=True)
        (local / "ALPM_DB_VERSION").write_text("9\n")

    def add(self, name: str, *files: str, base: str | None = None, version: str = "1.0-1") -> None:
        """Add a package to the database; its files are relative paths."""
        entry = self.path / "var/lib/pacman/local" / f"{name}-{version}"
        entry.mkdir()
        blocks = {"NAME": name, "VERSION": version, "ARCH": "any", "VALIDATION": "none"}
        if base is not None:
            blocks["BASE"] = base
        text = "".join(f"%{key}%\n{value}\n\n" for key, value in blocks.items())
        (entry / "desc").write_text(text)
        (entry / "files").write_text("%FILES%\n" + "".join(f"{file}\n" for file in files) + "\n")
        self.packages[name] = version
        self.files[name] = list(files)

    def write(self, name: str, content: bytes) -> Path:
        """Write a file below the root."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def runner(self) -> FakeRunner:
        """Return a runner whose pacman knows this root."""
        return FakeRunner(answers={"-Q": self._list, "-Ql": self._list_files})

    def _list(self, _command: Command) -> Result:
        lines = (f"{name} {version}\n" for name, version in self.packages.items())
        return Result(returncode=0, stdout="".join(lines))

    def _list_files(self, command: Command) -> Result:
        names = command.argv[command.argv.index("--") + 1 :]
        lines = (f"{name} {self.path}/{file}\n" for name in names for file in self.files[name])
        return Result(returncode=0, stdout="".join(lines))
