"""Which stages make the kernels: `make pacman-pkg` in a tree, or makepkg with a PKGBUILD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.workflows import kernel_stages, pkgbuild_route
from pkgafdo.workflows import source_stage as kernel_source

if TYPE_CHECKING:
    from pkgafdo.pipeline.stage import Stage
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


def source_stage(session: Session) -> Stage:
    """Return the stage that gets what the kernels are made of."""
    if session.config.package.route == "pkgbuild":
        return pkgbuild_route.pkgbuild_source_stage(session)
    return kernel_source.source_stage(session)


def build_stage(session: Session, which: Round) -> Stage:
    """Return the stage that builds a round's kernel and its packages."""
    if session.config.package.route == "pkgbuild":
        return pkgbuild_route.pkgbuild_build_stage(session, which)
    return kernel_stages.build_stage(session, which)
