"""Where functions, assignments and commands stand in a bash script, from its syntax tree.

Nothing is executed. Places are byte offsets, so that an edit leaves every other byte as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_bash

from pkgafdo.packaging.bash_script import (
    Assignment,
    Call,
    Fault,
    Function,
    Place,
    Script,
    Statement,
    Use,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

_LITERAL: Final = frozenset({"word", "number", "string_content", "raw_string", "variable_name"})
_BRANCHES: Final = frozenset({"if_statement", "elif_clause"})
_INTO: Final = frozenset({"string", "concatenation"})


def parse_script(content: bytes) -> Script:
    """Parse a script; what the parser does not understand is in `faults`."""
    return _Reader(content).read()


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Around:
    """What a node stands in."""

    function: str = ""
    conditions: tuple[str, ...] = ()
    nested: bool = False
    statement: Statement | None = None
    exported: bool = False
    outputs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Walks the tree once."""

    content: bytes
    functions: list[Function] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def read(self) -> Script:
        root = _parser().parse(self.content).root_node
        if root.is_error:
            self.faults.append(_fault(self.content, root))
        self._body(root, _Around())
        return Script(
            content=self.content,
            functions=tuple(self.functions),
            assignments=tuple(self.assignments),
            calls=tuple(self.calls),
            uses=tuple(self.uses),
            faults=tuple(self.faults),
        )

    def _body(self, node: Node, around: _Around) -> None:
        """Walk the statements of the script or of a function."""
        for child in node.children:
            statement = _statement(self.content, child)
            self._visit(child, _Around(function=around.function, statement=statement))

    def _visit(self, node: Node, around: _Around) -> None:
        if node.is_error or node.is_missing:
            self.faults.append(_fault(self.content, node))
        match node.type:
            case "function_definition":
                self._function(node, around)
                return
            case "variable_assignment":
                self._assignment(node, around)
            case "redirected_statement":
                around = replace(around, outputs=(*around.outputs, *_outputs(node)))
            case "declaration_command":
                around = replace(around, exported=_text(node).startswith("export"))
            case "command" | "unset_command":
                self._command(node, around)
            case "expansion" | "simple_expansion":
                self._expansion(node, around)
            case "if_statement" | "case_statement" | "while_statement" | "for_statement" | "list":
                around = replace(around, nested=True)
            case "subshell" | "command_substitution" | "c_style_for_statement" | "pipeline":
                around = replace(around, nested=True)
            case _:
                pass
        self._children(node, around)

    def _children(self, node: Node, around: _Around) -> None:
        condition = _condition(node) if node.type in _BRANCHES else None
        begun = condition is None
        for child in node.children:
            inside = around
            if begun and condition is not None and child.type not in {"elif_clause", "else_clause"}:
                inside = replace(around, conditions=(*around.conditions, condition))
            self._visit(child, inside)
            begun = begun or child.type == "then"

    def _function(self, node: Node, around: _Around) -> None:
        name = _text(node.child_by_field_name("name"))
        body = node.child_by_field_name("body")
        if body is None:
            return
        self.functions.append(Function(name=name, place=_place(node), body=_place(body)))
        self._body(body, replace(around, function=name))

    def _assignment(self, node: Node, around: _Around) -> None:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        operator = next((one for one in node.children if one.type in {"=", "+="}), None)
        if name is None or operator is None or name.type != "variable_name":
            return
        is_array = value is not None and value.type == "array"
        nodes = (value.named_children if is_array else [value]) if value is not None else []
        self._add_assignment(
            around,
            name=_text(name),
            operator=operator.type,
            words=tuple(_word(one) for one in nodes if one.type != "comment"),
            is_array=is_array,
            value=_place(value) if value is not None else _after(operator),
            place=_place(node),
        )

    def _expansion(self, node: Node, around: _Around) -> None:
        name = next((one for one in _named(node) if one.type == "variable_name"), None)
        if name is None:
            return
        self.uses.append(Use(name=_text(name), place=_place(node), function=around.function))
        operator = next((one for one in node.children if one.type in {":=", "="}), None)
        if operator is None:
            return
        values = [one for one in node.children if one.start_byte >= operator.end_byte][:-1]
        place = _after(operator)
        if values:
            end = values[-1].end_byte
            place = Place(start=place.start, end=end, line=place.line)
        raw = self.content[place.start : place.end].decode("utf-8", "replace")
        plain = not any(one in raw for one in "$`\"'\\")
        word = Word(place=place, text=raw, literal=raw if plain else None)
        self._add_assignment(
            around, name=_text(name), operator=":=", words=(word,), is_array=False,
            value=place, place=_place(node),
        )  # fmt: skip

    def _add_assignment(
        self,
        around: _Around,
        *,
        name: str,
        operator: str,
        words: tuple[Word, ...],
        is_array: bool,
        value: Place,
        place: Place,
    ) -> None:
        if around.statement is None:
            return
        self.assignments.append(
            Assignment(
                name=name, operator=operator, words=words, is_array=is_array, value=value,
                place=place, statement=around.statement, function=around.function,
                conditions=around.conditions, nested=around.nested, exported=around.exported,
            )
        )  # fmt: skip

    def _command(self, node: Node, around: _Around) -> None:
        name = node.child_by_field_name("name")
        if node.type == "unset_command":
            name = node.children[0]
        if name is None or around.statement is None:
            return
        words = [one for one in node.named_children if one.start_byte >= name.end_byte]
        prefixes = [one for one in node.named_children if one.end_byte <= name.start_byte]
        self.calls.append(
            Call(
                name=_text(name),
                words=tuple(_word(one) for one in words if "redirect" not in one.type),
                place=_place(node),
                name_place=_place(name),
                prefixes=tuple(_text(one) for one in prefixes),
                statement=around.statement,
                function=around.function,
                conditions=around.conditions,
                nested=around.nested,
                outputs=around.outputs,
            )
        )


def _fault(content: bytes, node: Node) -> Fault:
    """Return what is not understood: the node's text, or the line on which something is missing."""
    start = content.rfind(b"\n", 0, node.start_byte) + 1
    line = content[start:].partition(b"\n")[0].decode("utf-8", "replace")
    text = _text(node).strip().partition("\n")[0]
    return Fault(line=_place(node).line, text=(text or line.strip())[:60])


def _place(node: Node) -> Place:
    return Place(start=node.start_byte, end=node.end_byte, line=node.start_point[0] + 1)


def _after(node: Node) -> Place:
    return Place(start=node.end_byte, end=node.end_byte, line=node.end_point[0] + 1)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _statement(content: bytes, node: Node) -> Statement:
    line = content.rfind(b"\n", 0, node.start_byte) + 1
    before = content[line : node.start_byte]
    indent = before.decode("ascii") if not before.strip(b" \t") else ""
    return Statement(place=_place(node), indent=indent)


def _outputs(node: Node) -> Iterator[str]:
    """Yield the files that redirections replace: > and >|, also behind a here document's start."""
    for child in node.children:
        if "redirect" in child.type:
            yield from _outputs(child)
            if any(one.type in {">", ">|", "&>"} for one in child.children):
                yield _text(child.child_by_field_name("destination"))


def _condition(node: Node) -> str:
    """Return the text between `if` and `then`."""
    begin, end = node.children[0].end_byte, node.end_byte
    then = next((one for one in node.children if one.type == "then"), None)
    end = then.start_byte if then is not None else end
    text = (node.text or b"")[begin - node.start_byte : end - node.start_byte]
    return text.decode("utf-8", "replace").strip().rstrip(";").strip()


def _named(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        yield child
        if child.type == "subscript":
            yield from child.named_children


def _word(node: Node) -> Word:
    return Word(place=_place(node), text=_text(node), literal=_literal(node))


def _literal(node: Node) -> str | None:
    """Return a word's value; None when bash would expand something in it."""
    if node.type == "raw_string":
        return _text(node)[1:-1]
    if node.type in _LITERAL:
        text = _text(node)
        special = "\\" if node.type == "string_content" else "\\{}*?[]~"
        return None if any(one in text for one in special) else text
    if node.type in _INTO:
        parts = [_literal(one) for one in node.named_children]
        if any(part is None for part in parts):
            return None
        return "".join(part for part in parts if part is not None)
    return None
