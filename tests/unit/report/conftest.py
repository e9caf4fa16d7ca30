"""Where matplotlib is new it asks fontconfig for the fonts, once: before unit tests forbid processes."""

from __future__ import annotations

import matplotlib.font_manager  # noqa: F401  its import is what asks
