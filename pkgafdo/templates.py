"""The one finder of templates: in a checkout, in an installed package, under /usr/share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pkgafdo.errors import HostError

FOLDER: Final = "pkgbuild-templates"
PACKAGE: Final = Path(__file__).resolve().parent
SHARE: Final = Path("/usr/share/pkgafdo")


def template_places(package: Path, share: Path) -> tuple[Path, ...]:
    """Return where templates may lie, for the package's own folder and the system's, in order."""
    # Beside an installed package lie other people's packages; a checkout has a pyproject.toml there.
    checkout = package.parent
    beside = (checkout / FOLDER,) if (checkout / "pyproject.toml").is_file() else ()
    return (*beside, package / FOLDER, share / FOLDER)


def find_template(name: str, *, package: Path = PACKAGE, share: Path = SHARE) -> Path:
    """Return the path of a template; raises HostError when this installation lacks it."""
    places = template_places(package, share)
    for place in places:
        if (place / name).is_file():
            return place / name
    raise HostError(
        f"the template {name} is missing from this installation of pkgafdo",
        details="Looked in " + ", ".join(str(place) for place in places) + ".",
        hint="Install pkgafdo again.",
    )
