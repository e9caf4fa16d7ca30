from __future__ import annotations

from pkgafdo.packaging import builder


def test_a_build_folder_is_marked(tmp_path):
    made = builder.make_folder(tmp_path / "objects", "objects", None)
    assert (made / ".pkgafdo").read_text() == "objects\n"
