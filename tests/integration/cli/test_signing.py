"""Signed packages of a run, with a key that is thrown away: made by makepkg, published by repo-add."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import CommandError
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows.repo import Addition, add
from pkgafdo.workflows.repo_check import check
from tests.integration.cli.signer import ADDRESS, Signer, signing_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.cli.program import Pkgafdo

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def signer(able: None) -> Iterator[Signer]:
    yield from signing_user()


def built(
    pkgafdo: Pkgafdo, signer: Signer, toy: Path, key: str = ADDRESS
) -> tuple[int, str, list[str]]:
    """Build the toy with signed packages; returns exit code, what was said, and the packages."""
    settings = {"package.gpgkey": key, "package.gnupghome": str(signer.home)}
    sets = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    words = ["--sign", *(word for one in sets for word in ("--set", one))]
    ended = pkgafdo.run("build", "--json", "--source", toy, "-w", pkgafdo.folder / "work", *words)
    packages = json.loads(ended.stdout)["baseline"]["packages"] if ended.code == 0 else []
    return ended.code, ended.stderr, packages


def test_packages_of_a_run_are_signed_and_published_with_their_signatures(
    pkgafdo: Pkgafdo, signer: Signer, toy: Path
) -> None:
    code, said, packages = built(pkgafdo, signer, toy)
    assert code == 0, said
    assert len(packages) == 3
    for package in packages:
        signer.require_signed(package)
    database = pkgafdo.folder / "repo/toy.db.tar.gz"
    database.parent.mkdir()
    before = {path: Path(f"{path}.sig").read_bytes() for path in packages}
    _publish(pkgafdo, signer, database, packages)
    for path, signature in before.items():
        assert (database.parent / f"{Path(path).name}.sig").read_bytes() == signature
    signer.require_signed(str(database))


def _publish(pkgafdo: Pkgafdo, signer: Signer, database: Path, packages: list[str]) -> None:
    """Add the packages with repo-add, and have the repository checked."""
    runner = LocalRunner(env={"PATH": os.environ["PATH"], "HOME": str(pkgafdo.folder / "home")})
    order = Addition(
        database=database, packages=tuple(map(Path, packages)), key=ADDRESS,
        gnupghome=str(signer.home),
    )  # fmt: skip
    assert add(runner, order)["signed"]
    env = {"GNUPGHOME": str(signer.home)}
    assert check(runner, database, env=env)["faults"] == []


def test_a_key_that_is_not_there_stops_the_build_before_it_compiles(
    pkgafdo: Pkgafdo, signer: Signer, toy: Path
) -> None:
    code, said, _ = built(pkgafdo, signer, toy, key="nobody@example.org")
    assert code == CommandError.exit_code
    assert "nobody@example.org" in said
    log = (pkgafdo.folder / "work/logs/build-baseline.log").read_text()
    assert "  CC      " not in log
