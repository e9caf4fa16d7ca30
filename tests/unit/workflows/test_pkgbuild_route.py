"""The route by makepkg: copies of the folder, how makepkg is started, what the stages need."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from pkgafdo import files, log
from pkgafdo.artifacts import PackageFile, Toolchain
from pkgafdo.config.load import build_config
from pkgafdo.errors import ConfigError
from pkgafdo.host.facts import read_facts
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.pipeline.workdir import locked
from pkgafdo.runner.command import Result
from pkgafdo.workflows.guidance import guidance_needs
from pkgafdo.workflows.install_stages import private_root
from pkgafdo.workflows.kept_packages import keep_packages
from pkgafdo.workflows.pkgbuild_makepkg import makepkg_job
from pkgafdo.workflows.pkgbuild_round import (
    objects_guidance,
    prepare_folder,
    publish_packages,
)
from pkgafdo.workflows.pkgbuild_route import pkgbuild_build_stage, pkgbuild_source_stage
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.route import build_stage, source_stage
from pkgafdo.workflows.session import Session
from tests.fakes.runner import FakeRunner
from tests.unit.packaging.pkgbuilds import pkgbuild
from tests.unit.pipeline.stages import entry, file_record

SRCINFO = (
    "pkgbase = linux-mine\n\tpkgver = 6.18.54\n\tpkgrel = 1\n\n"
    "pkgname = linux-mine\n\npkgname = linux-mine-debug\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "linux-mine"
    folder.mkdir()
    (folder / "PKGBUILD").write_text(render_pkgbuild(pkgbuild(pkgrel=4)))
    (folder / "config").write_text("CONFIG_64BIT=y\n")
    return folder


@pytest.fixture
def session(tmp_path: Path, folder: Path):
    data = {"package": {"route": "pkgbuild", "folder": str(folder)}}
    runner = FakeRunner(answers={"makepkg": Result(returncode=0, stdout=SRCINFO)})
    with locked(tmp_path / "w") as workdir:
        made = Session(
            config=build_config(data, origin="a test"),
            host=read_facts({"HOME": str(tmp_path)}, filesystem=tmp_path),
            runner=runner,  # type: ignore[arg-type]
            workdir=workdir,
            builder=None,
            toolchain=Toolchain(make_value="1", version=(19, 1, 7), tools={}),
        )
        made.scratch.mkdir()
        yield made


def with_propeller(session: Session) -> Session:
    return replace(
        session,
        config=replace(session.config, propeller=replace(session.config.propeller, enable=True)),
    )


def guided(tmp_path: Path, which: Round) -> Inputs:
    """Return the outputs that guide a round."""
    place = tmp_path / "profiles"
    place.mkdir(exist_ok=True)
    names = ("k.afdo", "k.afdo.json", "p_cc_profile.txt", "p_ld_profile.txt")
    for name in names:
        (place / name).write_text(name)
    profile, provenance, clusters, symbols = (file_record(place / name) for name in names)
    return Inputs(
        needs=(*guidance_needs(which), "convert.provenance"),
        entries={
            "convert": entry("convert", files={"profile": profile, "provenance": provenance}),
            "layout": entry("layout", files={"cc_profile": clusters, "ld_profile": symbols}),
        },
    )


def lines_of(copy: Path) -> list[str]:
    return (copy / "PKGBUILD").read_text().splitlines()


def test_the_stages_are_those_of_this_route(session: Session) -> None:
    assert source_stage(session).title == "read the PKGBUILD"
    assert "makepkg" in build_stage(session, Round.BASELINE).title


def test_the_source_says_what_the_pkgbuild_makes(session: Session, folder: Path) -> None:
    facts = pkgbuild_source_stage(session).run(Inputs(needs=(), entries={})).facts
    assert (facts["version"], facts["pkgbase"], facts["makes_debug"]) == (
        "6.18.54", "linux-mine", True,
    )  # fmt: skip
    assert (facts["path"], facts["kind"]) == (str(folder), "pkgbuild")


def test_a_stale_srcinfo_is_said(session: Session, folder: Path) -> None:
    (folder / ".SRCINFO").write_text("pkgbase = other\n")
    said = StringIO()
    log.use(log.Terminal(stream=said))
    try:
        pkgbuild_source_stage(session).run(Inputs(needs=(), entries={}))
    finally:
        log.use(log.Terminal())
    assert "is not what makepkg --printsrcinfo prints" in said.getvalue()


def test_a_folder_without_a_pkgbuild_is_refused_when_the_stage_is_made(
    session: Session, folder: Path
) -> None:
    (folder / "PKGBUILD").unlink()
    with pytest.raises(ConfigError, match="holds no PKGBUILD"):
        pkgbuild_source_stage(session)


def test_a_build_does_not_depend_on_how_many_jobs_make_it(session: Session) -> None:
    recipe = pkgbuild_build_stage(session, Round.BASELINE).recipe
    more = replace(
        session, config=replace(session.config, build=replace(session.config.build, jobs=9))
    )
    assert pkgbuild_build_stage(more, Round.BASELINE).recipe == recipe


def test_only_later_rounds_need_the_profile(session: Session) -> None:
    assert not [
        one for one in pkgbuild_build_stage(session, Round.BASELINE).needs if "convert" in one
    ]
    needs = pkgbuild_build_stage(session, Round.OPTIMISED).needs
    assert {"convert.profile", "convert.provenance"} <= set(needs)


def test_the_first_round_is_older_than_what_is_published(session, folder, tmp_path) -> None:
    before = (folder / "PKGBUILD").read_bytes()
    copy = tmp_path / "copy"
    changed = prepare_folder(
        session, folder, copy, which=Round.BASELINE, inputs=Inputs(needs=(), entries={})
    )
    assert changed == ("PKGBUILD", ".SRCINFO")
    assert "pkgrel=0.1" in lines_of(copy)
    assert "_profile=''" in lines_of(copy)
    assert (copy / ".SRCINFO").read_text() == SRCINFO
    assert (folder / "PKGBUILD").read_bytes() == before
    assert not (folder / ".SRCINFO").exists()


def test_the_second_round_names_the_profile_with_its_sums(session, folder, tmp_path) -> None:
    inputs = guided(tmp_path, Round.OPTIMISED)
    copy = tmp_path / "copy"
    changed = prepare_folder(session, folder, copy, which=Round.OPTIMISED, inputs=inputs)
    name = f"kernel-{inputs.digest('convert.profile')[:16]}.afdo"
    assert changed[2:] == (name, f"{name}.json")
    assert (copy / name).read_text() == "k.afdo"
    assert {f"_profile='{name}'", "_address_map=no", "pkgrel=4"} <= set(lines_of(copy))
    sums = [
        line for line in lines_of(copy) if line.startswith(("_profile_sum=", "_provenance_sum="))
    ]
    assert all(len(line.partition("=")[2].strip("'")) == 128 for line in sums)


def test_propellers_rounds_get_the_map_and_then_the_lists(session, folder, tmp_path) -> None:
    session = with_propeller(session)
    copy = tmp_path / "copy"
    inputs = guided(tmp_path, Round.OPTIMISED)
    prepare_folder(session, folder, copy, which=Round.OPTIMISED, inputs=inputs)
    assert {"_address_map='yes'", "pkgrel=0.2", "_propeller=''"} <= set(lines_of(copy))
    inputs = guided(tmp_path, Round.PROPELLER)
    prepare_folder(session, folder, copy, which=Round.PROPELLER, inputs=inputs)
    digests = [inputs.digest(f"layout.{name}") for name in ("cc_profile", "ld_profile")]
    name = f"propeller-{files.sha256_json(digests)[:16]}"
    assert {"_address_map=no", "pkgrel=4", f"_propeller='{name}'"} <= set(lines_of(copy))
    assert (copy / f"{name}_cc_profile.txt").read_text() == "p_cc_profile.txt"


def test_the_build_read_the_profile_in_makepkgs_srcdir(session, tmp_path) -> None:
    objects = Path("/b/run-optimised/linux-mine/src/linux-6.18.54")
    found = objects_guidance(session, Round.OPTIMISED, guided(tmp_path, Round.OPTIMISED), objects)
    assert found.profile is not None
    assert found.profile.parent == Path("/b/run-optimised/linux-mine/src")
    nothing = Inputs(needs=(), entries={})
    assert objects_guidance(session, Round.BASELINE, nothing, objects).profile is None


def test_the_lists_are_found_under_the_name_that_a_pkgbuild_gives_them(session, tmp_path) -> None:
    srcdir = tmp_path / "b/linux-x/src"
    (srcdir / "linux").mkdir(parents=True)
    inputs = guided(tmp_path, Round.PROPELLER)
    ours = objects_guidance(session, Round.PROPELLER, inputs, srcdir / "linux").layout
    assert ours is not None
    assert ours.parent == srcdir
    assert ours.name.startswith("propeller-")
    (srcdir / "propeller_cc_profile.txt").write_text("!f\n")
    theirs = objects_guidance(session, Round.PROPELLER, inputs, srcdir / "linux").layout
    assert theirs == srcdir / "propeller"


def test_what_makepkg_conf_says_is_used_and_both_rounds_are_kept_apart(session) -> None:
    wishes = {"BUILDDIR": "/ram", "SRCDEST": "/sources", "PACKAGER": "Jane"}
    first, second = (
        makepkg_job(session, which, wishes, timestamp=7)
        for which in (Round.BASELINE, Round.OPTIMISED)
    )
    assert first.build.parent == second.build.parent == Path("/ram")
    assert first.build != second.build
    assert first.sources == Path("/sources")
    assert first.env["PACKAGER"] == "Jane"
    assert first.env["SOURCE_DATE_EPOCH"] == "7"
    assert "--nosign" in first.options
    plain = makepkg_job(session, Round.BASELINE, {}, timestamp=7)
    assert plain.build.is_relative_to(session.scratch)
    assert plain.env["PACKAGER"] == session.config.build.packager


def test_packages_are_signed_with_the_key_that_was_named(session) -> None:
    config = replace(
        session.config,
        build=replace(session.config.build, sign=True),
        package=replace(session.config.package, gpgkey="ABC", gnupghome="/keys"),
    )
    job = makepkg_job(replace(session, config=config), Round.BASELINE, {}, timestamp=7)
    assert "--sign" in job.options
    assert (job.env["GPGKEY"], job.env["GNUPGHOME"]) == ("ABC", "/keys")


def test_each_round_has_a_root_of_its_own_on_this_route_only(session) -> None:
    roots = {private_root(session, which) for which in Round}
    assert len(roots) == len(Round)
    plain = replace(session, config=build_config({}, origin="a test"))
    assert {private_root(plain, which) for which in Round} == {session.workdir.path / "root"}


def test_packages_keep_their_signatures_and_are_copied_to_pkgdest(session, tmp_path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    path = made / "linux-mine-1-1-any.pkg.tar.zst"
    path.write_text("package")
    path.with_name(f"{path.name}.sig").write_text("signature")
    package = PackageFile(
        path=path, pkgname="linux-mine", pkgbase="linux-mine", pkgver="1-1", arch="any"
    )
    (kept,) = keep_packages((package,), tmp_path / "kept")
    publish_packages((kept,), str(tmp_path / "out"))
    for place in (tmp_path / "kept", tmp_path / "out"):
        assert (place / path.name).read_text() == "package"
        assert (place / f"{path.name}.sig").read_text() == "signature"
    publish_packages((kept,), None)
