"""How makepkg is started in a run: what the settings say, then makepkg.conf, then the scratch folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import files
from pkgafdo.packaging import makepkg
from pkgafdo.packaging.syncdeps import dependency_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


def read_wishes(session: Session) -> dict[str, str]:
    """Return PKGDEST, SRCDEST, BUILDDIR and PACKAGER as far as somebody set them."""
    package, build = session.config.package, session.config.build
    found = makepkg.read_configuration(
        session.runner,
        session.scratch / "probe",
        conf=package.makepkg_conf,
        builder=session.builder,
    )
    set_here = {
        "PKGDEST": package.pkgdest,
        "SRCDEST": package.srcdest,
        "BUILDDIR": package.builddir,
        # The default would hide the packager that makepkg.conf names.
        "PACKAGER": build.packager if build.packager != type(build)().packager else "",
    }
    return found | {name: value for name, value in set_here.items() if value}


def makepkg_job(
    session: Session, which: Round, wishes: Mapping[str, str], *, timestamp: int | str
) -> makepkg.Makepkg:
    """Return a round's build. Packages come into an empty folder first, so that none is mistaken.

    timestamp is seconds since 1970, or what stands for it in a plan.
    """
    scratch = session.scratch
    run = files.sha256_json(str(session.workdir.path))[:12]
    return makepkg.Makepkg(
        folder=scratch / which / "pkgbuild",
        destination=scratch / which / "packages",
        # Both rounds are kept side by side, and another build of the same pkgbase is not in the way.
        build=Path(wishes.get("BUILDDIR", scratch / "build")) / f"pkgafdo-{run}-{which}",
        sources=Path(wishes.get("SRCDEST", scratch / "sources")),
        options=_options(session),
        env=_environment(session, wishes, timestamp),
    )


def _options(session: Session) -> tuple[str, ...]:
    settings = session.config.build
    return (
        *makepkg.conf_options(session.config.package.makepkg_conf),
        *dependency_options(has_pacman_database=session.host.pacman_managed),
        "--sign" if settings.sign else "--nosign",
        *settings.makepkg_options,
    )


def _environment(
    session: Session, wishes: Mapping[str, str], timestamp: int | str
) -> dict[str, str]:
    """Return what makepkg gets beside its folders; makepkg.conf's own MAKEFLAGS win over ours."""
    package, build = session.config.package, session.config.build
    given = {
        "GNUPGHOME": package.gnupghome,
        "GPGKEY": package.gpgkey,
        "MAKEFLAGS": f"-j{session.jobs}",
        "PACKAGER": wishes.get("PACKAGER", build.packager),
        "PKGEXT": build.pkgext,
        "SOURCE_DATE_EPOCH": str(timestamp),
    }
    return {name: value for name, value in given.items() if value}
