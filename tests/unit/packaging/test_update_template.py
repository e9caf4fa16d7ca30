"""A PKGBUILD that pkgafdo wrote, read back into its model."""

from __future__ import annotations

import pytest

from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_values import Values
from pkgafdo.packaging.update_template import model_of, render_anew
from tests.unit.packaging.pkgbuilds import GOLDEN


def values_of(model) -> Values:
    """Return what bash makes of a model's PKGBUILD; an integration test compares with bash."""
    sources = model.sources()
    plain = {
        "pkgbase": model.pkgbase, "pkgver": model.pkgver, "pkgrel": str(model.pkgrel),
        "pkgdesc": model.description, "url": model.url, "_march": model.march,
        "_lto": model.lto_option, "_llvm": model.llvm, "_propeller": model.layout_name,
        "_profile": model.profile.name if model.profile else "",
        "_provenance_sum": model.provenance.checksum if model.provenance else "",
        "_symbol_order": model.symbol_order.name if model.symbol_order else "",
        "_address_map": "yes" if model.address_map else "no",
    }  # fmt: skip
    arrays = {
        "pkgname": tuple(package.name for package in model.packages()),
        "source": tuple(one.name for one in sources),
        model.sums: tuple(one.checksum for one in sources),
        "validpgpkeys": model.pgp_keys,
        "_patches": tuple(one.name for one in model.patches),
        "_tuning": model.tuning,
    }
    return Values(arrays={name: (value,) for name, value in plain.items()} | arrays)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_model_is_read_back_and_written_the_same(name) -> None:
    model = GOLDEN[name]()
    text = render_pkgbuild(model).encode()
    assert model_of(parse_script(text), values_of(model)) == model
    assert render_anew(parse_script(text), values_of(model)) == text


@pytest.mark.parametrize(
    "broken",
    [{"_lto": ("LTO_CLANG_FULL",)}, {"pkgver": ("x; y",)}, {"source": ()}, {"pkgrel": ("1.5",)},
     {"_patches": ("gone.patch",)}],
)  # fmt: skip
def test_one_that_was_changed_too_much_is_not_written_anew(broken) -> None:
    model = GOLDEN["first-round"]()
    arrays = dict(values_of(model).arrays) | broken
    text = render_pkgbuild(model).encode()
    assert render_anew(parse_script(text), Values(arrays=arrays)) is None
