"""Small changes to a module of Python, each of which a test should notice; in the store, to the SQL within it.

A change is made to the tree of the module, never to its text: `before` and `after` only show it to people.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mutants import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import CodeType

    # The names of the members of each enumeration.
    Enums = Mapping[str, Sequence[str]]

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Texts and lists are put together by the same sign, and by no other.
NOT_COUNTED = {ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
LEFT_OUT = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete, ast.Assign)
# So much of what stands around a change is shown with it.
AROUND = 50


@dataclass
class Edit:
    """What stands at `owner.field`, or at a place in the list there, gives way to `new`."""

    owner: ast.AST
    field: str
    index: int | None
    new: Any

    def swap(self) -> None:
        """Make the change; or, where it is made, take it back."""
        values = getattr(self.owner, self.field)
        old = values if self.index is None else values[self.index]
        if self.index is None:
            setattr(self.owner, self.field, self.new)
        else:
            values[self.index] = self.new
        self.new = old


@dataclass(frozen=True)
class Mutant:
    """One change to one module.

    reach: the lines that tell which tests may notice it: those that run them. None: it acts on import.
    """

    path: str
    line: int
    reach: range | None
    before: str
    after: str
    tree: ast.Module
    edit: Edit

    @property
    def name(self) -> str:
        """Return what it is, wherever in its module it stands."""
        return f"{self.path}: {self.before} => {self.after}"

    @property
    def module(self) -> str:
        """Return the name of its module."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def code(self) -> CodeType:
        """Return the module so changed."""
        self.edit.swap()
        try:
            return compile(ast.fix_missing_locations(self.tree), self.path, "exec", dont_inherit=True)
        finally:
            self.edit.swap()


class Module:
    """A module's tree, and every mutant of it."""

    def __init__(self, path: str, text: str, enums: Enums) -> None:
        self.path, self._enums, self.tree = path, enums, ast.parse(text)
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self._passed_over = set(self._beside_the_point())

    def of_decisions(self) -> Iterator[Mutant]:
        """Yield the mutants of what it does."""
        for node in ast.walk(self.tree):
            if not (isinstance(node, ast.Module) or node in self._passed_over or self._within(node, self._passed_over)):
                statement = self._statement(node)
                for edit in (*self._conditions(node), *self._values(node), *self._left_out(node)):
                    yield self._mutant(statement, edit, self._lines(statement))

    def of_sql(self) -> Iterator[Mutant]:
        """Yield the mutants of the SQL in it."""
        for node in ast.walk(self.tree):
            if node in self._passed_over or isinstance(self._parents.get(node), ast.JoinedStr):
                continue
            holes = (
                [part for part in node.values if isinstance(part, ast.FormattedValue)]
                if isinstance(node, ast.JoinedStr)
                else []
            )
            text = _sql_text(node, holes)
            if text is None or not sql.is_sql(text):
                continue
            functions = [one for one in self._above(node) if isinstance(one, FUNCTION)]
            reach = range(functions[-1].lineno, (functions[-1].end_lineno or 0) + 1) if functions else None
            owner, field, index = self._place(node)
            for changed in sql.changed(text):
                new = ast.copy_location(_sql_node(changed, holes), node)
                before, after = _shortened(_one_line(text), _one_line(changed))
                yield Mutant(self.path, node.lineno, reach, before, after, self.tree, Edit(owner, field, index, new))

    def _mutant(self, statement: ast.stmt, edit: Edit, reach: range | None) -> Mutant:
        before = _head(statement)
        edit.swap()
        after = _head(statement) if edit.owner is not self._parents.get(statement) else "(left out)"
        edit.swap()
        return Mutant(self.path, statement.lineno, reach, *_shortened(before, after), self.tree, edit)

    def _conditions(self, node: ast.AST) -> Iterator[Edit]:
        """Let a condition hold where it did not, or not where it did."""
        match node:
            case ast.Compare():
                found = [(index, other) for index, one in enumerate(node.ops) for other in COMPARED[type(one)]]
                yield from (Edit(node, "ops", index, other()) for index, other in found)
            case ast.BoolOp():
                yield Edit(node, "op", None, ast.Or() if isinstance(node.op, ast.And) else ast.And())
                for left in node.values:
                    kept = [value for value in node.values if value is not left]
                    yield Edit(*self._place(node), kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept))
            case ast.UnaryOp(op=ast.Not()):
                yield Edit(*self._place(node), node.operand)
            case ast.If() | ast.IfExp():
                yield from (Edit(node, "test", None, ast.Constant(value)) for value in (True, False))
            case ast.While():
                yield Edit(node, "test", None, ast.Constant(value=False))
            case ast.comprehension():
                yield from (Edit(node, "ifs", index, ast.Constant(value=True)) for index in range(len(node.ifs)))

    def _values(self, node: ast.AST) -> Iterator[Edit]:
        """Put another number, text, member, operation or result in the place of one."""
        match node:
            case ast.BinOp() if type(node.op) in COUNTED and not {type(node.left), type(node.right)} & NOT_COUNTED:
                yield Edit(node, "op", None, COUNTED[type(node.op)]())
            case ast.Constant(value=bool()):
                yield Edit(node, "value", None, not node.value)
            case ast.Constant(value=int() | float() as value):
                # Of what holds one thing the first is the last.
                is_first = value == 0 and isinstance(self._parents[node], ast.Subscript)
                others = (value + 1,) if is_first else (value + 1, value - 1)
                yield from (Edit(node, "value", None, other) for other in others)
            case ast.Constant(value=str()) if self._is_compared(node):
                yield Edit(node, "value", None, f"{node.value}-")
            case ast.Attribute(value=ast.Name(id=enum)) if node.attr in self._enums.get(enum, ()):
                members = self._enums[enum]
                yield Edit(node, "attr", None, members[(members.index(node.attr) + 1) % len(members)])
            case ast.Call(func=ast.Name(id=called) as name) if called in CALLED:
                yield Edit(name, "id", None, CALLED[called])
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield Edit(node, "value", None, ast.Constant(None))

    def _left_out(self, node: ast.AST) -> Iterator[Edit]:
        """Leave a statement out, but not where a name would be missing then."""
        if not isinstance(node, LEFT_OUT) or not self._is_in_function(node):
            return
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets):
            return
        yield Edit(*self._place(node), ast.Pass())

    def _beside_the_point(self) -> Iterator[ast.AST]:
        """Yield what means nothing when it runs: docstrings, annotations, decorators, what is there for types alone."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Expr(value=ast.Constant() as value):
                    yield from (node, value)
                case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                    yield node
                case ast.Call(func=ast.Name(id="assert_never" | "TypeVar" | "NewType")):
                    yield node
                case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
                    yield node
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    yield from node.decorator_list
                    if not isinstance(node, ast.ClassDef) and node.returns is not None:
                        yield node.returns
                case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
                    yield annotation

    def _is_compared(self, node: ast.AST) -> bool:
        above = self._parents[node]
        while isinstance(above, ast.Tuple | ast.Set | ast.List):
            above = self._parents[above]
        return isinstance(above, ast.Compare | ast.MatchValue)

    def _lines(self, statement: ast.stmt) -> range | None:
        """Return the lines of a statement, of a compound one those of its head."""
        if not self._is_in_function(statement):
            return None
        body = getattr(statement, "body", None)
        end = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno
        return range(statement.lineno, end + 1)

    def _is_in_function(self, node: ast.AST) -> bool:
        return any(isinstance(above, FUNCTION) for above in self._above(node))

    def _statement(self, node: ast.AST) -> ast.stmt:
        return next(one for one in (node, *self._above(node)) if isinstance(one, ast.stmt))

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

    def _within(self, node: ast.AST, others: set[ast.AST]) -> bool:
        return any(above in others for above in self._above(node))

    def _place(self, node: ast.AST) -> tuple[ast.AST, str, int | None]:
        above = self._parents[node]
        for field, value in ast.iter_fields(above):
            if value is node:
                return above, field, None
            if isinstance(value, list) and node in value:
                return above, field, value.index(node)
        raise LookupError(node)


def _head(statement: ast.stmt) -> str:
    """Return a statement as text, a compound one without what it holds."""
    text = ast.unparse(statement)
    return text.partition(":\n")[0] if getattr(statement, "body", None) else text


def _sql_text(node: ast.AST, holes: list[ast.FormattedValue]) -> str | None:
    """Return a string with its holes as `sql.changed` takes them; None: it is no string."""
    if isinstance(node, ast.JoinedStr):
        numbers = iter(range(len(holes)))
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"\x00{next(numbers)}\x00" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _sql_node(text: str, holes: list[ast.FormattedValue]) -> ast.expr:
    pieces = text.split("\x00")
    return ast.JoinedStr(
        [holes[int(piece)] if number % 2 else ast.Constant(piece) for number, piece in enumerate(pieces)]
    )


def _one_line(text: str) -> str:
    return " ".join(text.replace("\x00", "~").split())


def _shortened(before: str, after: str) -> tuple[str, str]:
    """Return both without what is the same far before and far after the change."""
    start = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    start = max(0, start - AROUND)
    same = 0
    while same < min(len(before), len(after)) - start and before[-1 - same] == after[-1 - same]:
        same += 1
    cut = max(0, same - AROUND)
    return _one_line(before[start : len(before) - cut]), _one_line(after[start : len(after) - cut])
