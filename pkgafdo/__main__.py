"""`python -m pkgafdo`."""

from __future__ import annotations

from pkgafdo.cli.main import entry

entry()
