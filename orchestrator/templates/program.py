"""Templates that are more than plain paths: Jinja2 in a sandbox, fenced before it compiles and while it runs.

Jinja2 parses what the scanner found, each word on a line of its own, so a line tells the place in the source. The
tree is then fenced: only loops, conditions and expressions pass, and every field is looked up by `values.field`,
which knows mappings and lists and no Python attribute. The sandbox is the second wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import MAX_RANGE, ImmutableSandboxedEnvironment, safe_range

from orchestrator.templates import filters
from orchestrator.templates.errors import TemplateError
from orchestrator.templates.paths import Reference, Scope, check_part, show_path, unknown
from orchestrator.templates.scanning import MAX_DEPTH, Expression, Piece, Statement, Text, Token
from orchestrator.templates.values import Part, field, kind_of, suggestion, text_of, use, use_all

if TYPE_CHECKING:
    from collections.abc import Sequence

Show: TypeAlias = Callable[[int, object], str]
"""What becomes of the value of the n-th expression."""

_STATEMENTS: Final = frozenset(("for", "endfor", "if", "elif", "else", "endif"))
_RENDERING: Final = " rendering"
_MAX_STEPS: Final = 1_000_000
_LOOP_METHODS: Final = frozenset(("cycle", "changed"))
_LOOP_FIELDS: Final = frozenset(
    ("index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem", "nextitem", "depth", "depth0")
)


# ── the environment ─────────────────────────────────────────────────────────────────────────────


class _Rendering:
    """One pass over a template: where names come from, where values go, how many steps the loops took."""

    def __init__(self, scope: Scope, show: Show) -> None:
        self.scope = scope
        self.show = show
        self.steps = 0

    def step(self, count: int) -> None:
        self.steps += count
        if self.steps > _MAX_STEPS:
            raise TemplateError(f"the loops take more than {_MAX_STEPS} steps")


def _missing(error: TemplateError) -> Undefined:
    """A value that is not there: `default` and `is defined` may ask, everything else raises the error."""
    raising: Any = lambda _message: error  # noqa: E731 - Jinja2 calls it where it would call an exception's class
    return StrictUndefined(hint=error.message, exc=raising)


def _field(value: object, part: Part, shown: tuple[Part, ...] = (), offset: int | None = None) -> object:
    if isinstance(value, LoopContext) and part in _LOOP_FIELDS:
        return cast("object", getattr(value, str(part)))
    try:
        return field(_tuple_field(value, part), part, show_path(shown) if shown else None)
    except TemplateError as error:
        return _missing(error if offset is None else error.at(offset))


def _tuple_field(value: object, part: Part) -> object:
    """`groupby` gives pairs whose parts have names."""
    names = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
    return dict(zip(names, cast("tuple[object, ...]", value), strict=True)) if part in names else value


@pass_context
def _at(context: Context, value: object, shown: tuple[Part, ...], offset: int) -> object:
    """What a path leads to from the value of its name."""
    if isinstance(value, Undefined):
        return _missing(unknown(str(shown[0]), context[_RENDERING].scope).at(offset))
    for count, part in enumerate(shown[1:], 1):
        if isinstance(value, Undefined):
            return _raise(value)
        value = _field(value, part, shown[:count], offset)
    return value


def _beyond(value: object, parts: tuple[Part, ...]) -> object:
    """What a path leads to from a value that has no name."""
    for part in parts:
        value = _item(value, part)
    return value


def _use(value: object, offset: int) -> object:
    try:
        return use(value)
    except TemplateError as error:
        raise error.at(offset) from None


def _raise(value: Undefined) -> NoReturn:
    str(value)
    raise AssertionError  # pragma: no cover - a strict undefined value raises when it is written


def _item(value: object, part: object) -> object:
    if isinstance(value, Undefined):
        return _raise(value)
    if isinstance(part, bool) or not isinstance(part, str | int):
        raise TemplateError(f"{kind_of(part)} cannot be an index")
    return _field(value, part)


@pass_context
def _show(context: Context, value: object, index: int) -> str:
    if isinstance(value, Undefined):
        return _raise(value)
    rendering: _Rendering = context[_RENDERING]
    return rendering.show(index, value)


@pass_context
def _each(context: Context, value: object) -> list[object]:
    value = use(value)
    items = list(value) if isinstance(value, Mapping | str) else filters.as_list(value)
    context[_RENDERING].step(len(items))
    return items


def _written(value: object) -> str:
    return _raise(value) if isinstance(value, Undefined) else text_of(value)


def _range(*bounds: int) -> range:
    try:
        return safe_range(*bounds)
    except OverflowError:
        raise OverflowError(f"a range of more than {MAX_RANGE:,} numbers") from None


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox with our own lookups, filters and bounds, and without anything that its globals would open."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0)
        inner = {" at": _at, " beyond": _beyond, " item": _item, " use": _use, " plain": use_all}
        self.filters = filters.table() | inner | {" show": _show, " each": _each, " text": _written}
        self.globals = {"range": _range}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - the signature is Jinja2's
        if isinstance(obj, Undefined):
            return _raise(obj)
        if isinstance(obj, LoopContext) and attribute in _LOOP_METHODS:
            return getattr(obj, attribute)
        return filters.method(use(obj), attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - the signature is Jinja2's
        return _item(obj, argument)

    def call_filter(self, name: str, value: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - Jinja2's
        """Apply a filter that another one names, as `map('upper')` does."""
        return super().call_filter(name, use(value), *rest, **named)

    def call_test(self, name: str, value: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - Jinja2's
        """Apply a test that a filter names, as `select('eq', 1)` does."""
        return super().call_test(name, use(value), *rest, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja2's
        _BOUNDS[operator](left, right)
        return super().call_binop(context, operator, left, right)


_BOUNDS: Final = {"*": filters.multiply, "**": filters.power, "%": filters.modulo}
_ENVIRONMENT: Final = _Environment()
_FILTERS: Final = frozenset(name for name in _ENVIRONMENT.filters if not name.startswith(" "))
_TESTS: Final = frozenset(_ENVIRONMENT.tests) - {"escaped"}


# ── from pieces to Jinja2's syntax ──────────────────────────────────────────────────────────────


class _Writer:
    """Writes the pieces for Jinja2's parser, each word on its own line, and remembers where each came from."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._offsets = [0, 0]
        self.names: dict[str, str] = {}

    def write(self, pieces: Sequence[Piece]) -> str:
        for piece in pieces:
            if isinstance(piece, Text):
                text = piece.text.encode("unicode-escape").decode("ascii").replace('"', '\\"')
                self._out.append('{{"' + text + '"}}')
            elif isinstance(piece, Expression):
                self._words("{{", piece.tokens, "}}")
            else:
                self._words("{%", piece.tokens, "%}")
        return "".join(self._out)

    def offset(self, line: int) -> int:
        return self._offsets[min(line, len(self._offsets) - 1)]

    def _words(self, opening: str, tokens: Sequence[Token], closing: str) -> None:
        self._out.append(opening)
        before = ""
        for number, token in enumerate(tokens):
            after = tokens[number + 1].text if number + 1 < len(tokens) else ""
            word = self._word(token, before, after)
            self._out.append("\n" + word)
            self._offsets.extend([token.offset] * (1 + word.count("\n")))
            before = token.text
        self._out.append(" " + closing)

    def _word(self, token: Token, before: str, after: str) -> str:
        if token.kind != "name" or before in {".", "|"}:
            return token.text
        if token.text == "null":
            return "none"
        if token.text not in {"self", "super", "caller"} and "-" not in token.text and not token.text[0].isdigit():
            return token.text
        if after == "=":
            return token.text
        return self._renamed(token.text)

    def _renamed(self, name: str) -> str:
        """A word that Jinja2 takes for a name, for one that it would not."""
        word = "x\u02d0" + name.replace("-", "\u02d0")
        self.names[word] = name
        return word


# ── the fence ───────────────────────────────────────────────────────────────────────────────────

_ALLOWED: Final[tuple[type[nodes.Node], ...]] = (
    *(nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.Name, nodes.Const, nodes.TemplateData),
    *(nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test),
    *(nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand),
    *(nodes.BinExpr, nodes.UnaryExpr),
)
_OPERATORS: Final = (nodes.Compare, nodes.Operand, nodes.BinExpr, nodes.UnaryExpr)
_MAY_GIVE_OUTPUTS: Final = frozenset(("first", "last", "default", "d", "min", "max", "raw", "attr"))


class _Fence:
    """Walks over Jinja2's tree once: refuses, notes what is referred to, and puts our lookups in place of its own."""

    def __init__(self, writer: _Writer, pieces: Sequence[Piece]) -> None:
        self._writer = writer
        self._outputs = iter(
            [(number, piece) for number, piece in enumerate(pieces) if not isinstance(piece, Statement)]
        )
        self._locals: list[frozenset[str]] = []
        self._depth = 0
        self.references: list[Reference] = []
        self._rules: dict[type[nodes.Node], Callable[[Any], nodes.Node]] = {
            nodes.Output: self._output,
            nodes.For: self._for,
            nodes.Name: self._name,
            nodes.Getattr: self._path,
            nodes.Getitem: self._path,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.Call: self._call,
            nodes.Concat: self._concat,
            nodes.CondExpr: self._condition,
        }

    def guard(self, node: nodes.Node) -> nodes.Node:
        """The node as it may run, its value used."""
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            self._refuse(f"the template nests deeper than {MAX_DEPTH}", node)
        if not isinstance(node, _ALLOWED):
            self._refuse(f"`{type(node).__name__.lower()}` is not allowed in a template", node)
        rule = self._rules.get(type(node), self._below)
        guarded = rule(node)
        self._depth -= 1
        return guarded

    # Rules, one a node.

    def _below(self, node: nodes.Node) -> nodes.Node:
        operator = isinstance(node, _OPERATORS)
        for name, value in node.iter_fields():
            if isinstance(value, nodes.Node):
                setattr(node, name, self._operand(value) if operator else self.guard(value))
            elif isinstance(value, list):
                setattr(node, name, [self._guarded_item(item) for item in value])
        return node

    def _guarded_item(self, item: object) -> object:
        return self.guard(item) if isinstance(item, nodes.Node) else item

    def _operand(self, node: nodes.Node) -> nodes.Node:
        return self._wrap(" plain", self.guard(node))

    def _output(self, node: nodes.Output) -> nodes.Node:
        node.nodes = [self._shown(child) for child in node.nodes]
        return node

    def _shown(self, child: nodes.Expr) -> nodes.Expr:
        number, piece = next(self._outputs)
        if isinstance(piece, Text):
            return nodes.TemplateData(piece.text, lineno=child.lineno)
        return self._wrap(" show", self.guard(child), nodes.Const(number))

    def _for(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            self._refuse("a recursive loop is not allowed", node)
        node.iter = self._wrap(" each", self.guard(node.iter))
        self._locals.append(frozenset(name.name for name in node.target.find_all(nodes.Name)) | _own(node.target))
        node.body = [self.guard(child) for child in node.body]
        node.test = self._operand(node.test) if node.test is not None else None
        self._locals.pop()
        node.else_ = [self.guard(child) for child in node.else_]
        return node

    def _name(self, node: nodes.Name) -> nodes.Node:
        return self._used(self._looked_up(node, ()))

    def _path(self, node: nodes.Getattr | nodes.Getitem) -> nodes.Node:
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            node.node = cast("nodes.Expr", self.guard(node.node))
            node.arg = cast("nodes.Expr", self.guard(node.arg))
            return node
        return self._used(self._raw(node))

    def _filter(self, node: nodes.Filter) -> nodes.Node:
        if node.name not in _FILTERS:
            self._refuse(f"there is no filter {node.name!r}", node, suggestion(node.name, sorted(_FILTERS)))
        self._check_arguments(node)
        guarded = self._below(node)
        return self._used(guarded) if node.name in _MAY_GIVE_OUTPUTS else guarded

    def _test(self, node: nodes.Test) -> nodes.Node:
        if node.name not in _TESTS:
            self._refuse(f"there is no test {node.name!r}", node, suggestion(node.name, sorted(_TESTS)))
        self._check_arguments(node)
        return self._below(node)

    def _call(self, node: nodes.Call) -> nodes.Node:
        self._check_arguments(node)
        callee = node.node
        node.args = [cast("nodes.Expr", self.guard(argument)) for argument in node.args]
        node.kwargs = [cast("nodes.Keyword", self.guard(argument)) for argument in node.kwargs]
        if isinstance(callee, nodes.Getattr):
            check_part(callee.attr, self._writer.offset(callee.lineno))
            callee.node = self._raw(callee.node)
        elif not (isinstance(callee, nodes.Name) and callee.name == "range" and not self._is_local("range")):
            self._refuse("only `range`, methods of text and filters can be called", node, "write `value | filter`")
        return node

    def _concat(self, node: nodes.Concat) -> nodes.Node:
        node.nodes = [self._wrap(" text", self.guard(child)) for child in node.nodes]
        return node

    def _condition(self, node: nodes.CondExpr) -> nodes.Node:
        self._otherwise(node)
        return self._below(node)

    def _otherwise(self, node: nodes.CondExpr) -> nodes.Expr:
        if node.expr2 is None:
            self._refuse("an `if` inside an expression needs an `else`", node, "write `a if condition else b`")
        return node.expr2

    # Lookups.

    def _raw(self, node: nodes.Expr) -> nodes.Expr:
        """A value that is looked into, so it is not used itself."""
        parts: list[Part] = []
        base = node
        while (part := self._fixed(base)) is not None:
            parts.append(part)
            base = cast("nodes.Getattr", base).node
        parts.reverse()
        if isinstance(base, nodes.Name):
            return self._looked_up(base, tuple(parts))
        inner = self._base(base)
        return self._wrap(" beyond", inner, nodes.Const(tuple(parts))) if parts else inner

    def _fixed(self, node: nodes.Expr) -> Part | None:
        part: object = None
        if isinstance(node, nodes.Getattr):
            part = node.attr
        elif isinstance(node, nodes.Getitem):
            part = _constant(node.arg)
        if isinstance(part, bool) or not isinstance(part, str | int):
            return None
        check_part(part, self._writer.offset(node.lineno))
        return part

    def _base(self, node: nodes.Expr) -> nodes.Expr:
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice):
            return self._wrap(" item", self._raw(node.node), cast("nodes.Expr", self.guard(node.arg)))
        if isinstance(node, nodes.CondExpr):
            node.test = self._operand(node.test)  # type: ignore[assignment]  # an expression stays one
            node.expr1 = self._raw(node.expr1)
            node.expr2 = self._raw(self._otherwise(node))
            return node
        if isinstance(node, nodes.Filter) and node.name in _MAY_GIVE_OUTPUTS:
            return cast("nodes.Filter", cast("nodes.Filter", self._filter(node)).node)
        return cast("nodes.Expr", self.guard(node))

    def _looked_up(self, name: nodes.Name, parts: tuple[Part, ...]) -> nodes.Expr:
        original = self._writer.names.get(name.name, name.name)
        path = (original, *parts)
        offset = self._writer.offset(name.lineno)
        if not self._is_local(name.name):
            self.references.append(Reference(path, offset))
        loaded = nodes.Name(name.name, "load", lineno=name.lineno)
        return self._wrap(" at", loaded, nodes.Const(path), nodes.Const(offset))

    def _is_local(self, name: str) -> bool:
        return any(name in names for names in self._locals)

    # Helpers.

    def _used(self, node: nodes.Node) -> nodes.Filter:
        first = node
        while isinstance(first, nodes.Getattr | nodes.Getitem | nodes.Filter) and first.node is not None:
            first = first.node
        return self._wrap(" use", node, nodes.Const(self._writer.offset(first.lineno)))

    def _wrap(self, name: str, node: nodes.Node, *arguments: nodes.Expr) -> nodes.Filter:
        return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)

    def _check_arguments(self, node: nodes.Call | nodes.Filter | nodes.Test) -> None:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._refuse("`*` and `**` are not allowed in arguments", node)

    def _refuse(self, message: str, node: nodes.Node, hint: str | None = None) -> NoReturn:
        raise TemplateError(message, offset=self._writer.offset(node.lineno), hint=hint)


def _own(target: nodes.Node) -> frozenset[str]:
    names = {target.name} if isinstance(target, nodes.Name) else set()
    return frozenset(names | {"loop"})


def _constant(node: nodes.Expr) -> object:
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and isinstance(node.node.value, int):
        return -node.node.value
    return node.value if isinstance(node, nodes.Const) else None


# ── the program ─────────────────────────────────────────────────────────────────────────────────


class Program:
    """A compiled template. `chunks` hands every expression's value to `show` and yields text in order."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        _check_statements(pieces)
        writer = _Writer()
        source = writer.write(pieces)
        try:
            self._template, fence = _compile(source, writer, pieces)
        except TemplateSyntaxError as error:
            raise TemplateError(_reworded(error), offset=writer.offset(error.lineno)) from None
        except (RecursionError, SyntaxError, MemoryError):
            raise TemplateError(f"the template nests deeper than {MAX_DEPTH}", offset=0, hint="split it") from None
        self.references = tuple(sorted(fence.references, key=lambda reference: reference.offset))
        renamed = {name: word for word, name in writer.names.items()}
        self._names = {renamed.get(name, name): name for name in {found.name for found in self.references}}

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        rendering = _Rendering(scope, show)
        known: dict[str, object] = {word: scope[name] for word, name in self._names.items() if name in scope}
        context = self._template.new_context({**known, _RENDERING: rendering})
        try:
            yield from self._template.root_render_func(context)
        except TemplateError:
            raise
        except (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(f"the expression cannot be computed: {error}") from None
        except (RecursionError, MemoryError):
            raise TemplateError("the template needs too much memory or nests too deep") from None


def _compile(source: str, writer: _Writer, pieces: Sequence[Piece]) -> tuple[JinjaTemplate, _Fence]:
    tree = _ENVIRONMENT.parse(source)
    fence = _Fence(writer, pieces)
    fence.guard(tree)
    tree.set_environment(_ENVIRONMENT)
    code = _ENVIRONMENT.compile(tree)
    return JinjaTemplate.from_code(_ENVIRONMENT, code, {"range": _range}), fence


def _check_statements(pieces: Sequence[Piece]) -> None:
    depth = 0
    for piece in pieces:
        if not isinstance(piece, Statement):
            continue
        if piece.keyword not in _STATEMENTS:
            hint = "for, if and raw are; everything else is an expression in {{ }}"
            raise TemplateError(f"`{{% {piece.keyword} %}}` is not allowed", offset=piece.offset, hint=hint)
        depth += {"for": 1, "if": 1, "endfor": -1, "endif": -1}.get(piece.keyword, 0)
        if depth > MAX_DEPTH:
            raise TemplateError(f"the template nests deeper than {MAX_DEPTH}", offset=piece.offset, hint="split it")


_REWORDED: Final = (
    ("unexpected 'end of print statement'", "the expression ends too early"),
    ("unexpected 'end of statement block'", "the statement ends too early"),
    ("'end of print statement'", "the end of the expression"),
    ("'end of statement block'", "the end of the statement"),
    ("expected token the end", "expected the end"),
)


def _reworded(error: TemplateSyntaxError) -> str:
    message = error.message or "the template cannot be understood"
    for theirs, ours in _REWORDED:
        message = message.replace(theirs, ours)
    return message[:1].lower() + message[1:].replace("x\u02d0", "").replace("\u02d0", "-")
