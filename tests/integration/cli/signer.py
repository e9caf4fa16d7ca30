"""A build user with a key that is thrown away."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.facts import read_facts
from pkgafdo.host.users import require_builder
from pkgafdo.packaging.builder import give
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "Toy Builder <toy@example.org>"
ADDRESS = "toy@example.org"


@dataclass(frozen=True, kw_only=True)
class Signer:
    """The build user with a key."""

    home: Path
    runner: LocalRunner

    def gpg(self, *words: str) -> str:
        """Run gpg with the key, as the build user."""
        command = Command(
            argv=("gpg", "--batch", *words), env={"GNUPGHOME": str(self.home)}, cwd=Path("/"),
            run_as=RunAs.BUILDER,
        )  # fmt: skip
        result = self.runner.query(command)
        return result.stdout + result.stderr

    def require_signed(self, package: str) -> None:
        said = self.gpg("--verify", f"{package}.sig", package)
        assert "Good signature" in said
        assert KEY in said


def signing_user() -> Iterator[Signer]:
    """Yield the build user with a new key; without gpg the test is skipped."""
    for program in ("gpg", "gpgconf", "repo-add"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    facts = read_facts()
    builder = require_builder(facts.euid)
    # GnuPG's socket needs a short path, and its folder is nobody else's.
    with tempfile.TemporaryDirectory(prefix="sign-") as name:
        Path(name).chmod(0o755)
        home = Path(name, "g")
        home.mkdir(mode=0o700)
        give(home, builder)
        runner = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, builder=builder)
        made = Signer(home=home, runner=runner)
        made.gpg("--passphrase", "", "--quick-gen-key", KEY, "default", "default")
        yield made
        kill = Command(
            argv=("gpgconf", "--kill", "all"), env={"GNUPGHOME": str(home)}, run_as=RunAs.BUILDER
        )
        runner.query(kill)
