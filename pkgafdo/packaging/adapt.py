"""The smallest change that makes a kernel's PKGBUILD build with AutoFDO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.adapt_build import (
    plan_compiler,
    plan_config,
    plan_flags,
    plan_modules,
    plan_strip,
    require_kernel,
)
from pkgafdo.packaging.adapt_layout import plan_layout
from pkgafdo.packaging.adapt_options import (
    plan_ci,
    plan_lto,
    plan_march,
    plan_switch,
    set_option,
)
from pkgafdo.packaging.adapt_sources import plan_source, plan_vmlinux
from pkgafdo.packaging.adapt_wish import Plan, Wish, refuse

if TYPE_CHECKING:
    from pkgafdo.packaging.adapt_wish import LayoutSource
    from pkgafdo.packaging.pkgbuild_shape import Shape

OUR_PROFILE: Final = ("_profile", "_profile_sum", "_provenance_sum")
"""What `pkgbuild new` writes."""
_LAYOUT: Final = ("_propeller", "_cc_sum", "_ld_sum", "_symbol_order", "_symbol_order_sum")


def is_ours(shape: Shape) -> bool:
    """Tell whether a PKGBUILD is one of `pkgbuild new`."""
    return all(shape.script.assigned(name) for name in OUR_PROFILE)


def plan_adaptation(shape: Shape, wish: Wish) -> Plan:
    """Return the edits that a PKGBUILD needs.

    Raises ArtifactError, with file and line, when it cannot be adapted safely.
    """
    settling, build = require_kernel(shape)
    plan = Plan()
    if is_ours(shape):
        _plan_ours(plan, shape, wish)
        return plan
    plan_switch(plan, shape, wish)
    plan_ci(plan, shape)
    plan_lto(plan, shape, wish)
    plan_march(plan, shape, wish)
    plan_compiler(plan, shape, build)
    plan_modules(plan, shape, build)
    plan_strip(plan, shape)
    plan_config(plan, shape, settling, wish)
    plan_flags(plan, shape, build)
    plan_source(plan, shape, wish)
    plan_layout(plan, shape, wish)
    plan_vmlinux(plan, shape)
    return plan


def _plan_ours(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Set the variables of a PKGBUILD that `pkgbuild new` wrote."""
    plan.already.append("pkgafdo wrote this PKGBUILD: it can do all that adapt adds")
    if wish.march is not None and shape.script.assigned("_march"):
        set_option(plan, shape, "_march", wish.march.lower())
    if wish.lto is not None:
        set_option(plan, shape, "_lto", {"thin": "LTO_CLANG_THIN", "none": "LTO_NONE"}[wish.lto])
    if wish.profile is not None:
        kind = "b2sums" if shape.values.array("b2sums") else "sha256sums"
        set_option(plan, shape, "_profile", wish.profile.name)
        set_option(plan, shape, "_profile_sum", wish.profile.sums[kind])
        set_option(plan, shape, "_provenance_sum", wish.profile.provenance.get(kind, ""))
    if wish.layout is not None:
        _plan_our_layout(plan, shape, wish.layout)
    elif wish.profile is not None:
        for name in _LAYOUT:  # it was made with another profile's kernel
            if shape.script.assigned(name):
                set_option(plan, shape, name, "")


def _plan_our_layout(plan: Plan, shape: Shape, layout: LayoutSource) -> None:
    """Set Propeller's variables of a PKGBUILD that `pkgbuild new` wrote."""
    if not all(shape.script.assigned(name) for name in _LAYOUT):
        refuse(0, "this PKGBUILD was written before Propeller had a place in it",
               "Write it anew with `pkgafdo pkgbuild update --template`.")  # fmt: skip
    kind = "b2sums" if shape.values.array("b2sums") else "sha256sums"
    values = (layout.prefix, *layout.sums[kind], "", "")
    for name, value in zip(_LAYOUT, values, strict=True):
        set_option(plan, shape, name, value)
