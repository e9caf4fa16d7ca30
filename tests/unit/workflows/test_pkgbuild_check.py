"""How a profile's origin is compared with the version that is built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.check_finding import Severity, finding
from pkgafdo.profile.provenance import Provenance, write_provenance
from pkgafdo.workflows.pkgbuild_adapt import profile_files, profile_source
from pkgafdo.workflows.pkgbuild_check import (
    Outcome,
    compare_releases,
    judge_fit,
    require_good,
)

FOLDER = Path("/somewhere/linux-x")


@pytest.mark.parametrize(
    ("release", "version", "severity"),
    [
        ("7.2.13-1-mine", "7.2.13", None),
        ("7.2.0-cachyos", "7.2", None),
        ("7.2.4-arch1-1", "7.2.5.arch1", Severity.NOTE),
        ("7.1.9-1", "7.2.0", Severity.WARNING),
        ("6.18.54", "7.18.54", Severity.WARNING),
        ("", "7.2", None),
        ("unknown", "7.2", None),
    ],
)
def test_a_profile_of_another_version_is_found(release, version, severity) -> None:
    every = [one.severity for one in compare_releases(release, version, "x.afdo")]
    assert every == ([severity] if severity else [])


def test_a_profile_without_an_origin_is_said_to_be_one() -> None:
    origin = Provenance(profile_sha256="", functions=1, counts=1)
    path = FOLDER / "x.afdo"
    for known, why in ((None, "is not beside it"), (origin, "does not tell")):
        (one,) = judge_fit(path, known, vmlinux=None, version="7.2")
        assert (one.rule, one.severity, one.file) == ("profile-unknown", Severity.NOTE, "x.afdo")
        assert one.message.endswith(f": its .json {why}")
        assert "--vmlinux" in one.remedy
    fresh = replace(origin, kernelrelease="7.2.0-x")
    assert list(judge_fit(path, fresh, vmlinux=None, version="7.2")) == []


def test_a_profile_takes_its_provenance_along(tmp_path) -> None:
    profile = tmp_path / "x.afdo"
    profile.write_bytes(b"main:1:1\n 1: 1\n")
    name = profile_source(tmp_path, profile).name
    assert set(profile_files(profile_source(tmp_path, profile), profile)) == {name}
    digest = files.sha256_file(profile)
    write_provenance(profile, Provenance(profile_sha256=digest, functions=1, counts=1))
    found = profile_files(profile_source(tmp_path, profile), profile)
    assert set(found) == {name, f"{name}.json"}


def test_only_errors_fail_a_check() -> None:
    warning, error = (finding("r", kind, 1, "x") for kind in (Severity.WARNING, Severity.ERROR))
    good = Outcome(folder=FOLDER, findings=(warning,))
    require_good(good)
    bad = Outcome(folder=FOLDER, findings=(warning, error))
    with pytest.raises(ArtifactError, match=r"PKGBUILD has 1 error$"):
        require_good(bad)
    assert bad.text().endswith("1 error, 1 warning, 0 notes")
    assert bad.plain()["errors"] == 1
