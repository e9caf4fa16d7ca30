"""The stage that gets the kernel source, and sees when a user's own has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.kernel import fetch, identity, tree
from pkgafdo.kernel.kconfig_check import require_lto, require_release
from pkgafdo.kernel.settings import SourceKind
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.workflows.kernel_stages import plain
from pkgafdo.workflows.room import require_room_for
from pkgafdo.workflows.rounds import Round, naming

if TYPE_CHECKING:
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.session import Session


def source_stage(session: Session) -> Stage:
    """Return the stage that gets the kernel tree and asks it what it can do."""
    settings = session.config.source
    recipe = plain(settings)
    place = Path(settings.location)
    tarball: dict[str, Any] = {}
    # What a user has here may have changed since; everything else is identified by its digest.
    if settings.kind is SourceKind.FOLDER and place.is_dir():
        recipe["digest"] = identity.identify(session.runner, place)[0]
    elif settings.kind is SourceKind.TARBALL and place.is_file():
        tarball = identity.tarball_identity(place, _known_tarball(session))
        recipe["digest"] = tarball["sha256"]

    def run(_: Inputs) -> Produced:
        require_room_for(session, Round.BASELINE, source=True)  # before the first download
        host = fetch.SourceHost(keyring=fetch.find_keyring(), is_root=session.host.euid == 0)
        found = fetch.fetch(session.runner, settings, cache=session.cache / "sources", host=host)
        facts = tree.inspect(found.path)
        tree.require_buildable(facts)
        if session.config.propeller.enable:
            tree.require_propeller(facts)
        require_lto(facts, session.config.kernel.lto)
        # The baseline's is the longer of the two.
        require_release(found.version, naming(session.config, Round.BASELINE).localversion)
        makefile = found.path / "Makefile"
        log.note(f"Linux {found.version} from {found.origin}")
        return Produced(
            files={"makefile": makefile},
            facts={
                "path": str(found.path),
                "version": found.version,
                "digest": found.digest,
                "kind": found.kind,
                "origin": found.origin,
                "makes_debug": facts.makes_debug,
                "timestamp": int(makefile.stat().st_mtime),
                "tarball": tarball,
            },
        )

    return Stage(
        name="source",
        title="get the kernel source",
        recipe=recipe
        | {"lto": session.config.kernel.lto}
        | ({"propeller": True} if session.config.propeller.enable else {}),
        run=run,
        preview=lambda _: (f"# the kernel source: {settings.label}",),
    )


def _known_tarball(session: Session) -> dict[str, Any]:
    """Return what the last run found out about the source's tarball."""
    return dict(session.workdir.journal.facts_of("source").get("tarball", {}))
