from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pkgafdo.kernel.settings import KernelSettings, SourceKind, SourceSettings

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("location", "branch", "kind"),
    [
        ("auto", "", SourceKind.AUTO),
        ("/src/linux", "", SourceKind.FOLDER),
        ("linux", "", SourceKind.FOLDER),
        ("/src/linux-6.18.tar.xz", "", SourceKind.TARBALL),
        ("linux.tgz", "", SourceKind.TARBALL),
        ("/src/linux-6.18.txz", "", SourceKind.TARBALL),
        ("git+https://example.org/linux.git", "v7.2", SourceKind.GIT),
        ("https://example.org/linux.git", "", SourceKind.GIT),
        ("https://example.org/linux", "6.12/base-autofdo", SourceKind.GIT),
        ("git@example.org:kernel/linux.git", "master", SourceKind.GIT),
        ("file:///src/linux", "", SourceKind.GIT),
    ],
)
def test_the_text_of_a_location_tells_its_kind(location, branch, kind):
    assert SourceSettings(location=location, branch=branch).kind is kind


def test_a_repository_as_makepkg_names_it_is_named_to_git_as_git_knows_it():
    settings = SourceSettings(location="git+https://example.org/linux.git")
    assert settings.repository == "https://example.org/linux.git"


def test_a_tarball_url_is_a_url_when_its_checksum_is_given():
    settings = SourceSettings(location="https://example.org/linux.tar.xz", sha256=SHA.upper())
    assert (settings.kind, settings.sha256) == (SourceKind.URL, SHA)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location": "https://example.org/linux.tar.xz"}, "needs its sha256"),
        ({"location": "/src/linux", "sha256": SHA}, "belongs to a tarball"),
        ({"location": "/src/linux", "branch": "master"}, "belongs to a git URL"),
        ({"location": "/src/linux.tar", "sha256": "abc"}, "64 hexadecimal digits"),
        ({"location": ""}, "empty"),
        ({"location": "https://example.org/linux", "branch": "--upload-pack=x"}, "begin with"),
        ({"location": "-x"}, "begin with"),
        ({"location": "git+https://example.org/linux#tag=v7.2"}, "source.branch"),
    ],
)
def test_sources_that_contradict_themselves_are_refused(fields, reason):
    with pytest.raises(ValidationError, match=reason):
        SourceSettings(**fields)


@pytest.mark.parametrize("value", ["-pkgafdo", "-", "-a.b_c+d~e-f", "-1"])
def test_a_localversion_may_hold_what_packages_and_the_kernel_allow(value):
    assert KernelSettings(localversion=value).localversion == value


@pytest.mark.parametrize(
    "value", ["", "pkgafdo", "-a b", "-ä", '-"', "-" + "x" * 60, "-a/b", "-\n"]
)
def test_other_localversions_are_refused(value):
    with pytest.raises(ValidationError):
        KernelSettings(localversion=value)


def test_a_module_list_does_not_go_with_the_small_configuration():
    with pytest.raises(ValidationError, match="localmodconfig"):
        KernelSettings(base="small", localmodconfig="/etc/modules")


def test_an_unknown_lto_is_refused():
    with pytest.raises(ValidationError):
        TypeAdapter(KernelSettings).validate_python({"lto": "fat"})
