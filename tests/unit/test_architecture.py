"""The import rules of the architecture, checked on the code as it is."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2] / "pkgafdo"

LAYERS = {
    "errors": 0, "log": 0, "progress": 0, "columns": 0, "artifacts": 0, "files": 0, "elf": 0, "dwarf": 0,
    "symtab": 0, "settings": 0, "jit": 0, "download": 0, "resources": 0, "templates": 0,
    "runner": 1, "branches": 1,
    "host": 2, "toolchain": 2, "kernel": 2, "packaging": 2, "pacman": 2, "perf": 2, "vm": 2,
    "profile": 2, "propeller": 2, "bolt": 2, "measure": 2, "report": 2, "nix": 2, "fleet": 2,
    "pipeline": 3,
    "config": 4,
    "workflows": 5,
    "cli": 6,
}  # fmt: skip
ROOMS = {name for name, layer in LAYERS.items() if layer == 2}
ONLY_IN = {
    "plumbum": {"runner"},
    "subprocess": {"runner"},
    "pyalpm": {"pacman"},
    "jinja2": {"packaging", "report", "nix"},
    "requests": {"download"},
    "tomli": {"config"},
    "elftools": {"elf"},
    "tree_sitter": {"packaging"},
    "tree_sitter_bash": {"packaging"},
    "matplotlib": {"report"},
    "scipy": {"measure"},
}
MODULES = sorted(ROOT.rglob("*.py"))


def place(path: Path) -> str:
    """Return the room (top-level module or folder) that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all parts of a module's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every imported module with its line, those inside functions included."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            if node.module == "pkgafdo":
                for alias in node.names:
                    yield f"pkgafdo.{alias.name}", node.lineno
            else:
                yield node.module, node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    here = place(path)
    if here in {"__init__", "__main__"}:
        return
    assert here in LAYERS, f"{here} has no layer: give it one here and in the architecture"
    for name, line in imports(path):
        top, *rest = name.split(".")
        if top != "pkgafdo":
            allowed = ONLY_IN.get(top)
            assert allowed is None or here in allowed, f"{path}:{line}: {top} outside {allowed}"
            continue
        if not rest or rest[0] == here:
            continue
        there = rest[0]
        assert LAYERS[there] < LAYERS[here] or LAYERS[here] == LAYERS[there] == 0, (
            f"{path}:{line}: {here} (layer {LAYERS[here]}) imports {there} (layer {LAYERS[there]})"
        )
        if here == "pipeline":
            assert there not in ROOMS, f"{path}:{line}: the pipeline knows no room"


def test_packages_hold_only_a_docstring() -> None:
    for path in ROOT.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1, f"{path} holds more than a docstring"
        assert isinstance(body[0], ast.Expr), f"{path} holds no docstring"


def test_only_the_command_line_prints_or_exits() -> None:
    for path in MODULES:
        if place(path) in {"cli", "__init__", "__main__"}:
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "exit", "quit"}, f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = f"{node.value.id}.{node.attr}"
                assert called not in {"sys.exit", "os._exit", "os.system"}, f"{path}:{node.lineno}"
                assert called not in {"os.environ", "os.getenv"} or place(path) in {
                    "host",
                    "cli",
                }, f"{path}:{node.lineno}: the environment is read at the edge"
