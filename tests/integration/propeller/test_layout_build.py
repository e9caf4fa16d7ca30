"""What clang and lld make of our profiles, with ThinLTO as kernels are built."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pkgafdo import elf
from pkgafdo.errors import CommandError
from pkgafdo.propeller.addrmap import read_address_map
from pkgafdo.propeller.functions import describe_functions
from pkgafdo.propeller.layout import FunctionLayout, Layout
from pkgafdo.propeller.score import Expected
from pkgafdo.propeller.write import write_profiles
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

NOTHING = Expected(falling=0, jumping=0, score=0.0)

# Two static functions of one name; that of first.c is promoted (twin.llvm.<hash>), as its caller is
# imported into second.c.
FIRST = """
extern volatile int sink;
static __attribute__((noinline)) int twin(int x) {
  if (x & 1) sink += x; else sink -= x;
  while (x--) sink ^= x;
  return sink;
}
int outer(int x) { return twin(x) + 1; }
"""
SECOND = """
volatile int sink;
int outer(int);
static __attribute__((noinline)) int twin(int x) {
  if (x > 1) sink += x * 3; else sink = 7;
  while (x--) sink++;
  return sink;
}
static __attribute__((noinline)) int alone(int x) {
  while (x--) sink = x;
  return x;
}
__attribute__((noinline)) int body(int x) {
  while (x--) sink += x;
  return sink;
}
int second_name(int) __attribute__((alias("body")));
__attribute__((noinline)) int work(int x) {
  return twin(x) + outer(x) + alone(x) + body(x) + second_name(x + 1);
}
void _start(void) { work(sink); for (;;); }
"""


def installed(name: str) -> str | None:
    names = [*(f"{name}-{version}" for version in range(30, 18, -1)), name]
    return next((path for path in map(shutil.which, names) if path), None)


class Program:
    """A program of two files, compiled for ThinLTO once and linked in several ways."""

    def __init__(self, folder: Path) -> None:
        tools = [installed("clang"), installed("ld.lld")]
        if None in tools:
            pytest.skip("clang ≥ 19 and lld are not installed")
        self.clang, self.lld = map(str, tools)
        self.folder = folder
        self.runner = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        self.objects = []
        for name, text in (("first", FIRST), ("second", SECOND)):
            (folder / f"{name}.c").write_text(text)
            self.objects.append(str(folder / f"{name}.o"))
            self.run(
                self.clang, "-O2", "-g", "-ffunction-sections", "-flto=thin", "-ffreestanding",
                "-fno-pic", "-c", str(folder / f"{name}.c"), "-o", self.objects[-1],
            )  # fmt: skip

    def run(self, *argv: str) -> None:
        self.runner.run(Command(argv=argv))

    def link(self, name: str, *options: str) -> Path:
        output = self.folder / name
        # As assembly would, these keep both names of one function from being optimised away.
        kept = ("--undefined=body", "--undefined=second_name")
        self.run(self.lld, *options, *kept, "-o", str(output), *self.objects)
        return output

    def with_map(self) -> Path:
        # clang 19 has one option for it, later ones another.
        try:
            return self.link("mapped", "--lto-basic-block-address-map")
        except CommandError:
            return self.link("mapped", "--lto-basic-block-sections=labels")

    def laid_out(self, layout: Layout) -> dict[str, list[int]]:
        """Link with the profiles of a layout; return the addresses of every function's symbols."""
        cc, ld = write_profiles(layout, self.folder / "profile")
        output = self.link(
            "laid-out",
            f"--lto-basic-block-sections={cc}",
            f"--symbol-ordering-file={ld}",
            "--no-warn-symbol-ordering",
        )
        table = elf.symbols(output)
        places: dict[str, list[int]] = {}
        for index, name in enumerate(table.names(range(len(table.address)))):
            if table.executable[index]:
                places.setdefault(name, []).append(int(table.address[index]))
        return places


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Program:
    return Program(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def blocks(program: Program) -> dict[str, list[int]]:
    """The block ids of every function, by each of its symbols."""
    mapped = program.with_map()
    found = read_address_map(mapped)
    bounds = found.first_block.tolist()
    facts = describe_functions(mapped, found.entry)
    return {
        name: found.ids[bounds[index] : bounds[index + 1]].tolist()
        for index in range(found.functions)
        for name in (facts.names[index], *facts.aliases[index])
    }


def layout_of(*functions: FunctionLayout) -> Layout:
    return Layout(
        functions=functions, before=NOTHING, after=NOTHING, hot_bytes=0, cold_bytes=0, left_alone=0
    )


def laid(
    name: str,
    *clusters: list[int],
    module: str | None = None,
    cold: bool = False,
    aliases: tuple[str, ...] = (),
) -> FunctionLayout:
    return FunctionLayout(
        name=name,
        aliases=aliases,
        module=module,
        clusters=tuple(map(tuple, clusters)),
        has_cold=cold,
    )


def test_clusters_parts_and_cold_code_lie_in_the_order_of_the_layout(program, blocks) -> None:
    ids = blocks["alone"]
    assert len(ids) >= 3
    places = program.laid_out(
        layout_of(laid("alone", ids[:1], ids[1:2], cold=True), laid("work", blocks["work"]))
    )
    starts = [places[name][0] for name in ("alone", "alone.__part.1", "work", "alone.cold")]
    assert starts == sorted(starts)
    assert "work.cold" not in places


def test_a_promoted_static_function_is_known_by_its_symbol(program, blocks) -> None:
    (name,) = [name for name in blocks if name.startswith("twin.llvm.")]
    module = str(program.folder / "first.c")
    for home in (module, None):
        places = program.laid_out(layout_of(laid(name, blocks[name][:1], module=home, cold=True)))
        assert f"{name}.cold" in places


def test_static_functions_of_one_name_are_told_apart_by_their_source_file(
    program, blocks, tmp_path
) -> None:
    first = blocks["twin"][:1]
    here, elsewhere = str(program.folder / "second.c"), str(tmp_path / "second.c")
    right = program.laid_out(layout_of(laid("twin", first, module=here, cold=True)))
    wrong = program.laid_out(layout_of(laid("twin", first, module=elsewhere, cold=True)))
    assert "twin.cold" in right
    assert "twin.cold" not in wrong


def test_a_function_is_split_whichever_of_its_names_comes_first(program, blocks) -> None:
    ids = blocks["body"]
    assert blocks["second_name"] == ids
    for name, alias in (("body", "second_name"), ("second_name", "body")):
        named = laid(name, ids[:1], cold=True, aliases=(alias,))
        places = program.laid_out(layout_of(named, laid("work", blocks["work"])))
        assert places["body"][0] == places["second_name"][0] < places["work"][0]
        assert places["body.cold"][0] > places["work"][0]
    # The compiler knows the function by one name only.
    assert "body.cold" not in program.laid_out(layout_of(laid("second_name", ids[:1], cold=True)))


def test_a_profile_for_a_renamed_function_is_ignored(program, blocks) -> None:
    places = program.laid_out(
        layout_of(laid("gone", [0, 1], cold=True), laid("work", blocks["work"]))
    )
    assert "work" in places
    assert "gone" not in places
