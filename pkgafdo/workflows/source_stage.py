"""The stage that gets the kernel source, and sees when a user's own has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.kernel import fetch, identity, tree
from pkgafdo.kernel.fetch_preview import source_lines
from pkgafdo.kernel.kconfig_check import require_lto, require_release
from pkgafdo.kernel.settings import SourceKind
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.workflows.kernel_stages import plain
from pkgafdo.workflows.room import require_room_for, source_needs
from pkgafdo.workflows.rounds import Round, naming

if TYPE_CHECKING:
    from pkgafdo.config.model import Config
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.session import Session


def source_stage(session: Session) -> Stage:
    """Return the stage that gets the kernel tree and asks it what it can do."""
    settings = session.config.source
    cache = session.cache / "sources"
    host = fetch.SourceHost(keyring=fetch.find_keyring(), is_root=session.host.euid == 0)
    recipe = _recipe(session.config)
    place = Path(settings.location)
    tarball: dict[str, Any] = {}
    # What a user has here may have changed since; everything else is identified by its digest.
    if settings.kind is SourceKind.FOLDER and place.is_dir():
        recipe["digest"] = identity.identify(session.runner, place)[0]
    elif settings.kind is SourceKind.TARBALL and place.is_file():
        tarball = identity.tarball_identity(place, _known_tarball(session))
        recipe["digest"] = tarball["sha256"]
    sha256 = tarball.get("sha256", "")

    def run(_: Inputs) -> Produced:
        needs = source_needs(settings, cache, sha256=sha256)
        require_room_for(session, Round.BASELINE, besides=needs)  # before the first download
        found = fetch.fetch(session.runner, settings, cache=cache, host=host)
        facts = _facts(session.config, found.path)
        log.note(f"Linux {found.version} from {found.origin}")
        return Produced(
            files={"makefile": found.path / "Makefile"},
            facts=facts
            | {
                "digest": found.digest,
                "kind": found.kind,
                "origin": found.origin,
                "tarball": tarball,
            },
        )

    def foretell() -> dict[str, Any]:
        path = fetch.find_tree(settings, sha256, cache=cache)
        if path is not None:
            return _facts(session.config, path)
        if session.config.kernel.lto in {"full", "thin-dist"}:
            log.warn(
                f"whether LTO “{session.config.kernel.lto}” gets the profile only the kernel source "
                "tells, which is not here yet: most trees refuse it"
            )
        return {}

    return Stage(
        name="source",
        title="get the kernel source",
        recipe=recipe,
        run=run,
        preview=lambda _: source_lines(
            session.runner, settings, sha256=sha256, cache=cache, host=host
        ),
        foretell=foretell,
    )


def _recipe(config: Config) -> dict[str, Any]:
    recipe = plain(config.source) | {"lto": config.kernel.lto}
    return recipe | ({"propeller": True} if config.propeller.enable else {})


def _known_tarball(session: Session) -> dict[str, Any]:
    """Return what the last run found out about the source's tarball."""
    return dict(session.workdir.journal.facts_of("source").get("tarball", {}))


def _facts(config: Config, path: Path) -> dict[str, Any]:
    """Return what builds need to know of a tree; raises when it cannot make the wanted kernels."""
    facts = tree.inspect(path)
    tree.require_buildable(facts)
    if config.propeller.enable:
        tree.require_propeller(facts)
    require_lto(facts, config.kernel.lto)
    # The baseline's is the longer of the two.
    require_release(facts.version, naming(config, Round.BASELINE).localversion)
    return {
        "path": str(path),
        "version": facts.version,
        "makes_debug": facts.makes_debug,
        "timestamp": int((path / "Makefile").stat().st_mtime),
    }
