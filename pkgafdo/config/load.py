"""Loading the configuration: TOML and overrides in, one validated Config out, or all faults at once."""

from __future__ import annotations

import dataclasses
import difflib
import json
from typing import TYPE_CHECKING, Any

import tomli
from pydantic import TypeAdapter, ValidationError

from pkgafdo.config.model import Config
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails


def read_toml(path: Path) -> dict[str, Any]:
    """Read a configuration file. Raises ConfigError when it cannot be read or is not TOML."""
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the configuration {path} cannot be read",
            details=str(error),
            hint="Name a readable file with --config, or leave it out to take the defaults.",
        ) from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid TOML",
            details=str(error),
            hint="Mend that line; `pkgafdo config schema` prints everything that may stand there.",
        ) from error


def parse_override(text: str) -> tuple[list[str], Any]:
    """Parse `section.key=value`; the value is TOML, or else the text as it stands."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise ConfigError(f"“{text}” is not section.key=value", hint="Example: --set build.jobs=4")
    try:
        parsed = tomli.loads(f"value = {value}")["value"]
    except tomli.TOMLDecodeError:
        parsed = value
    return name.strip().split("."), parsed


def override(data: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return the data with `section.key=value` texts laid over it; changes nothing in place."""
    result: dict[str, Any] = json.loads(json.dumps(data, default=str))
    for text in overrides:
        (*sections, key), value = parse_override(text)
        if _is_text(sections, key) and not isinstance(value, str):
            value = text.partition("=")[2].strip()  # toolchain.llvm=19 is a name, not a number
        place = result
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigError(
                    f"{section} in “{text}” is a value, not a section",
                    hint="Example: --set build.jobs=4",
                )
        place[key] = value
    return result


def build_config(data: Mapping[str, Any], *, origin: str) -> Config:
    """Validate plain data into a Config. Raises one ConfigError that lists every fault."""
    config, faults = _validated(data)
    if config is None:
        raise _refusal(f"{origin} has", faults)
    return config


def _validated(data: Mapping[str, Any]) -> tuple[Config | None, list[str]]:
    """Return the Config that the data make, or None and what is wrong with them."""
    try:
        # Through JSON, strict validation takes arrays for tuples and text for paths, and no more.
        return TypeAdapter(Config).validate_json(json.dumps(data, default=str), strict=True), []
    except ValidationError as error:
        return None, [_fault(detail) for detail in error.errors(include_url=False)]


def _refusal(whose: str, faults: list[str]) -> ConfigError:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError(
        f"{whose} {count}",
        details="\n".join(faults),
        hint="`pkgafdo config schema` prints everything that may stand there.",
    )


def _fault(detail: ErrorDetails) -> str:
    place = [str(part) for part in detail["loc"]]
    name = ".".join(place) or "the file"
    shown = detail.get("input")
    if detail["type"] == "unexpected_keyword_argument":
        meant = _meant(place, shown)
        return f"{name}: unknown key" + (f"; did you mean {meant}?" if meant else "")
    plain = isinstance(shown, (str, int, float, bool))
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "tuple_type":
        message = "this is an array" + (f", written {json.dumps([shown])}" if plain else "")
    return f"{name}: {message}" + (f" (it is {json.dumps(shown)})" if plain else "")


def _meant(place: list[str], value: object) -> str:
    """Return which key an unknown one probably stands for; empty where none is near."""
    if len(place) == 1 and not isinstance(value, dict):
        # A value without its section: lto=thin.
        whole = [key for key in _keys(Config) if key.rpartition(".")[2] == place[0]]
        if whole:
            return " or ".join(whole)
    known = [one.name for one in _fields(place[:-1])]
    return next(iter(difflib.get_close_matches(place[-1], known, n=1, cutoff=0.5)), "")


def _keys(kind: Any, above: str = "") -> Iterator[str]:  # noqa: ANN401  a class of settings
    """Yield the whole names of all keys below a section."""
    for one in dataclasses.fields(kind):
        below: Any = one.default_factory
        if dataclasses.is_dataclass(below):
            yield from _keys(below, f"{above}{one.name}.")
        else:
            yield f"{above}{one.name}"


def _fields(sections: list[str]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the known keys of a section."""
    kind: Any = Config
    for section in sections:
        found = {f.name: f.default_factory for f in dataclasses.fields(kind)}
        kind = found.get(section, kind)
        if not dataclasses.is_dataclass(kind):  # a key, taken for a section
            return ()
    return dataclasses.fields(kind)


def _is_text(sections: list[str], key: str) -> bool:
    return any(f.name == key and f.type == "str" for f in _fields(sections))


def load_config(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """Return the configuration of a file (None: the defaults) with overrides laid over it."""
    data = read_toml(path) if path is not None else {}
    config, faults = _validated(override(data, overrides))
    if config is None:
        raise _blaming(path, faults, own=_validated(data)[1])
    return config


def _blaming(path: Path | None, faults: list[str], *, own: list[str]) -> ConfigError:
    """Return the refusal; own are the faults that the file has without the overrides too."""
    given = [fault for fault in faults if fault not in own]
    if path is None or len(given) == len(faults):
        return _refusal("the command line has", faults)
    if not given:
        return _refusal(f"{path} has", faults)
    shown = [f"{one} – on the command line" if one in given else one for one in faults]
    return _refusal(f"{path} and the command line have", shown)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration file, for editors."""
    result = TypeAdapter(Config).json_schema()
    result["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return result


def as_plain(config: Config) -> dict[str, Any]:
    """Return a configuration JSON-plain, every default written out."""
    plain: dict[str, Any] = TypeAdapter(Config).dump_python(config, mode="json")
    return plain
