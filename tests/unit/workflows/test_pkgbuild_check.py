"""How a profile's origin is compared with the version that is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.check_finding import Severity, finding
from pkgafdo.workflows.pkgbuild_check import Outcome, compare_releases, require_good

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


def test_only_errors_fail_a_check() -> None:
    warning, error = (finding("r", kind, 1, "x") for kind in (Severity.WARNING, Severity.ERROR))
    good = Outcome(folder=FOLDER, findings=(warning,))
    require_good(good)
    bad = Outcome(folder=FOLDER, findings=(warning, error))
    with pytest.raises(ArtifactError, match=r"PKGBUILD has 1 error$"):
        require_good(bad)
    assert bad.text().endswith("1 error, 1 warning, 0 notes")
    assert bad.plain()["errors"] == 1
