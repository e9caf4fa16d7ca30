"""What finished profiles do to a recorded kernel."""

from __future__ import annotations

import pytest

from pkgafdo.propeller.inspection import inspect_profiles
from pkgafdo.propeller.layout import lay_out
from pkgafdo.propeller.read import FunctionProfile, Profiles
from pkgafdo.propeller.settings import BlockMethod, LayoutSettings
from tests.unit.propeller.graphs import Function, program

JUMPY = Function(
    "f", [16, 16, 16, 16], {(0, 2): 90, (0, 1): 10, (2, 3): 90, (1, 3): 10}, entries=100
)
OTHER = Function("g", [16, 16], {(0, 1): 50}, entries=50)


def profiles(**clusters) -> Profiles:
    return Profiles(
        functions=tuple(
            FunctionProfile(name=name, module=None, clusters=tuple(map(tuple, ids)))
            for name, ids in clusters.items()
        ),
        symbols=tuple(clusters),
    )


def test_falls_are_counted_before_and_after() -> None:
    found = inspect_profiles(program(JUMPY, OTHER), profiles(f=[[10, 12, 13, 11]]))
    assert (found.before.falling, found.before.jumping) == (10 + 90 + 50, 90 + 10)
    assert (found.after.falling, found.after.jumping) == (90 + 90 + 50, 10 + 10)


def test_what_is_in_no_cluster_lies_far_away() -> None:
    found = inspect_profiles(program(JUMPY), profiles(f=[[10]]))
    assert found.after.falling == 90  # 2 → 3, side by side in the cold part
    assert found.executed_share == pytest.approx(100 / 300)


def test_clusters_of_one_function_do_not_fall_into_each_other() -> None:
    found = inspect_profiles(program(JUMPY), profiles(f=[[10, 12], [13, 11]]))
    assert found.after.falling == 90


def test_functions_that_were_not_executed_are_named() -> None:
    found = inspect_profiles(program(OTHER), profiles(g=[[10, 11]], gone=[[0]]))
    assert (found.known, found.unknown) == (1, ("gone",))


def test_block_ids_that_the_kernel_has_not_are_told_and_change_nothing() -> None:
    found = inspect_profiles(program(JUMPY), profiles(f=[[10, 99]]))
    assert found.wrong_blocks == ("f",)
    assert found.after == found.before


def test_functions_of_one_name_are_found_by_their_source_file() -> None:
    graph = program(
        Function("show", [8, 8], {(0, 1): 5}, entries=5, module="a.c"),
        Function("show", [8, 8, 8], {(0, 2): 7}, entries=7, module="b.c"),
    )
    one = FunctionProfile(name="show", module="b.c", clusters=((10, 12),))
    found = inspect_profiles(graph, Profiles(functions=(one,), symbols=("show",)))
    assert (found.wrong_blocks, found.unusable) == ((), ())
    assert (found.after.falling, found.after.jumping) == (12, 0)


@pytest.mark.parametrize("module", ["c.c", None])
def test_a_static_function_of_another_file_is_not_taken_for_it(module) -> None:
    for names in (("show", "show"), ("show", "other")):
        graph = program(
            *(
                Function(name, [8, 8, 8], {(0, 2): 5}, entries=5, module=file)
                for name, file in zip(names, ("a.c", "b.c"), strict=True)
            )
        )
        one = FunctionProfile(name="show", module=module, clusters=((10, 12),))
        found = inspect_profiles(graph, Profiles(functions=(one,), symbols=("show",)))
        assert (found.known, found.unknown) == (0, ("show",))
        assert found.after == found.before


def test_a_name_that_is_alone_is_found_whatever_file_the_profile_names() -> None:
    one = FunctionProfile(name="f", module="f.c", clusters=((10, 12, 13, 11),))
    found = inspect_profiles(program(JUMPY, OTHER), Profiles(functions=(one,), symbols=("f",)))
    assert (found.known, found.after.jumping) == (1, 10 + 10)


def test_two_functions_that_nothing_tells_apart_are_not_guessed() -> None:
    twins = [Function("show", [8, 8], {(0, 1): count}, entries=count) for count in (5, 6)]
    found = inspect_profiles(program(*twins), profiles(show=[[10, 11]]))
    assert found.unknown == ("show",)


@pytest.mark.parametrize(("name", "alias"), [("f", "g"), ("g", "f"), ("x", "g")])
def test_a_function_is_known_by_any_of_its_names(name, alias) -> None:
    graph = program(Function("f", [16, 16], {(0, 1): 50}, entries=50, aliases=("g",)))
    one = FunctionProfile(name=name, aliases=(alias,), module=None, clusters=((10, 11),))
    found = inspect_profiles(graph, Profiles(functions=(one,), symbols=(alias,)))
    assert (found.known, found.unusable) == (1, ())


def test_a_function_that_does_not_begin_with_its_entry_is_not_usable() -> None:
    found = inspect_profiles(program(JUMPY, OTHER), profiles(f=[[12, 10]], g=[[10, 11]]))
    assert (found.unusable, found.wrong_blocks) == (("f",), ())
    assert found.after == found.before


def test_a_function_that_the_linker_is_not_told_of_is_not_usable() -> None:
    told = Profiles(functions=profiles(f=[[10]], g=[[10]]).functions, symbols=("g", "f.cold"))
    assert inspect_profiles(program(JUMPY, OTHER), told).unusable == ("f",)


@pytest.mark.parametrize("method", list(BlockMethod))
def test_a_layouts_own_expectation_is_found_again(method) -> None:
    graph = program(JUMPY, OTHER)
    layout = lay_out(graph, LayoutSettings(blocks=method))
    written = Profiles(
        functions=tuple(
            FunctionProfile(name=one.name, module=one.module, clusters=one.clusters)
            for one in layout.functions
        ),
        symbols=tuple(one.name for one in layout.functions),
    )
    found = inspect_profiles(graph, written)
    assert found.unusable == ()
    assert (found.before, found.after) == (layout.before, layout.after)
