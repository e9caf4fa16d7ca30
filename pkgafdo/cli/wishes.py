"""Flags for what a run is most often asked for: each sets one key of the configuration."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")

_FLAGS: Final = {
    "install": ("install.system=true", "Install into this system: the last kernel, and what is recorded."),
    "propeller": ("propeller.enable=true", "Build a third kernel, its blocks laid out by Propeller."),
    "noise_floor": ("measure.noise_floor=true",
                    "Count the baseline in another layout too: how much luck alone changes."),
    "sign": ("build.sign=true", "Sign the packages with package.gpgkey, or makepkg's own key."),
}  # fmt: skip
"""Parameter, what it stands for as --set, and its help."""


def wishing(function: Function) -> Function:
    """Add the flags; the verb is given what they stand for among `overrides`."""

    @functools.wraps(function)
    def with_wishes(*args: Any, overrides: tuple[str, ...], **words: Any) -> Any:  # noqa: ANN401
        given = (override for name, (override, _) in _FLAGS.items() if words.pop(name))
        return function(*args, overrides=(*overrides, *given), **words)

    wrapped: Any = with_wishes
    for name, (_, text) in reversed(_FLAGS.items()):
        wrapped = click.option(f"--{name.replace('_', '-')}", is_flag=True, help=text)(wrapped)
    return cast("Function", wrapped)
