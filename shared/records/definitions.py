"""What a piece of code is made of: the definitions of the suite that it uses, found without running it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from shared.runs.python_files import parsed

SUITE = ("shared", "papers")
_ASIDE = (
    *("card", "implementation", "stand_in", "judged_by", "knowing_nothing", "added_terms"),
    *("exempt", "image_shape", "kept_in_memory", "rehearsed"),
)
_Use = tuple[str, str]
"""A module and a name in it; the name "" is for what the module does without defining anything."""


class Sources:
    """The code of the suite below `root`, each file of which is read once, when something in it is asked for.

    A definition is what stands at the top of a module under a name: a class, a function, a constant. It uses those
    whose names stand in it, be they defined beside it or imported. So a package whose `__init__` lists the options of
    many components counts only by what is imported from it. What a module does without defining anything counts with
    each of its definitions. Imports for type checkers alone are not followed, nor anything in the modules `aside`.
    """

    def __init__(self, root: Path, aside: tuple[str, ...] = ()) -> None:
        self._root, self._aside = root, aside
        self._modules: dict[str, _Module | None] = {}
        self._uses: dict[_Use, tuple[_Use, ...]] = {}

    def used_by(self, *starts: str) -> tuple[str, ...]:
        """Return a digest of each definition that the starts, each a "module:attribute", use, in the order of use.

        A digest changes with what the definition says; not with docstrings, comments, layout or the module that it
        stands in, nor with the card of a data set, the paths by which options name their code, and what they say to
        whoever judges a training afterwards, or holds a loss to its contract.

        Raises:
            LookupError: there is no such start.
            UserError: what is used is no valid Python; names file and line.

        """
        met: dict[_Use, str] = {}
        for start in starts:
            module, _, name = start.partition(":")
            found = self._module(module)
            if found is None or name not in found.definitions:
                raise LookupError(f"{self._root} has no {start}")
            pending = [(module, name)]
            while pending:
                use = pending.pop()
                if use not in met:
                    met[use] = self._digest(use)
                    pending += self._used(use)
        return tuple(digest for digest in met.values() if digest)

    def _digest(self, use: _Use) -> str:
        module = self._module(use[0])
        definition = module.definitions.get(use[1]) if module else None
        return definition.digest if definition else ""

    def _used(self, use: _Use) -> tuple[_Use, ...]:
        """Return what a definition uses, the first last."""
        if use not in self._uses:
            module = self._module(use[0])
            self._uses[use] = tuple(self._meanings(module, use[1]))[::-1] if module else ()
        return self._uses[use]

    def _meanings(self, module: _Module, name: str) -> Iterator[_Use]:
        """Yield what the names mean that stand in the definition of `name`, or where `name` is imported from."""
        if name not in module.definitions:
            if name in module.imports:
                yield from self._imported(*module.imports[name])
            else:  # it may be defined under a condition
                yield module.name, ""
            return
        definition = module.definitions[name]
        yield module.name, ""
        for source, imported in definition.imports:
            yield from self._imported(source, imported)
        for used, attribute in definition.names:
            if used in module.definitions:
                yield module.name, used
            elif used in module.imports:
                yield from self._imported(*module.imports[used], attribute)

    def _imported(self, source: str, name: str, attribute: str = "") -> Iterator[_Use]:
        """Yield what `from source import name` means; of a module its `attribute`, or all where none is known."""
        module = self._module(f"{source}.{name}" if name else source)
        if module is None:
            yield source, name
        elif attribute in module.imports or (attribute and attribute in module.definitions):
            yield module.name, attribute
        else:
            yield from ((module.name, defined) for defined in module.definitions)

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            stem = self._root.joinpath(*name.split("."))
            paths = (stem.with_suffix(".py"), stem / "__init__.py")
            path = None if name in self._aside else next((path for path in paths if path.is_file()), None)
            self._modules[name] = _Module(name, path) if path else None
        return self._modules[name]


class _Module:
    """A module's definitions by name, and what its imported names were imported from."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        outside: dict[str, str] = {}
        self.definitions: dict[str, _Definition] = {"": _Definition(outside)}
        self.imports: dict[str, _Use] = {}
        for statement in parsed(path.read_bytes(), path).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.imports |= _imports(statement)
                outside |= _outside(statement)
            elif not _is_aside(statement):
                for bound in _bound(statement):
                    self.definitions.setdefault(bound, _Definition(outside)).statements.append(statement)


class _Definition:
    """The statements that define a name, and the names that stand in them, known once the digest is.

    What its module imports from `outside` the suite is told by where it comes from.
    """

    def __init__(self, outside: Mapping[str, str]) -> None:
        self._outside = outside
        self.statements: list[ast.stmt] = []
        self.imports: list[_Use] = []
        self.names: dict[tuple[str, str], None] = {}

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of what the statements say, "" where that is nothing."""
        said: list[str] = []
        for statement in self.statements:
            self._tell(statement, said)
        return hashlib.sha256("\0".join(said).encode()).hexdigest() if said else ""

    def _tell(self, node: ast.AST, said: list[str]) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imports += _imports(node).values()
            said += (f"{name} is {source}" for name, source in _outside(node).items())
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self.names[node.value.id, node.attr] = None
            said.append(f"{self._meaning(node.value)}.{node.attr}")
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self.names[node.id, ""] = None
            said.append(self._meaning(node))
        elif not _says_nothing(node):
            said.append(type(node).__name__)
            members = [part for part in node.body if not _is_aside(part)] if isinstance(node, ast.ClassDef) else None
            for name in node._fields:
                part = getattr(node, name, None)
                self._tell_part(name, members if name == "body" and members is not None else part, said)

    def _tell_part(self, name: str, part: object, said: list[str]) -> None:
        """Tell what a node has under a name, nothing where it has nothing: other versions of Python know more names."""
        if part is None or part == []:
            return
        said.append(f"{name}:")
        for item in part if isinstance(part, list) else [part]:
            if isinstance(item, ast.AST):
                self._tell(item, said)
            else:
                said.append(repr(item))
        said.append(".")

    def _meaning(self, node: ast.Name) -> str:
        return self._outside.get(node.id, node.id) if isinstance(node.ctx, ast.Load) else node.id


def _imports(statement: ast.Import | ast.ImportFrom) -> dict[str, _Use]:
    """Return the module and the name in it that each name imported from the suite means."""
    return {name: use for name, use in _imported(statement).items() if use[0].partition(".")[0] in SUITE}


def _outside(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return what each name means that is imported from elsewhere."""
    found = {name: ".".join(filter(None, use)) for name, use in _imported(statement).items()}
    bound = {name: name if source.startswith(f"{name}.") else source for name, source in found.items()}
    return {name: source for name, source in bound.items() if source.partition(".")[0] not in SUITE}


def _imported(statement: ast.Import | ast.ImportFrom) -> dict[str, _Use]:
    if isinstance(statement, ast.ImportFrom):
        source = statement.module or ""
        return {alias.asname or alias.name: (source, alias.name) for alias in statement.names}
    return {alias.asname or alias.name.partition(".")[0]: (alias.name, "") for alias in statement.names}


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top of a module defines, "" where it does something else."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from (name.id if isinstance(name, ast.Name) else "" for name in names)
    elif not (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)):
        yield ""


def _says_nothing(node: ast.AST) -> bool:
    """Whether a node is a docstring or a placeholder, or where a name is loaded or stored."""
    return isinstance(node, ast.expr_context | ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _is_aside(node: ast.stmt) -> bool:
    """Whether a member of a class or of a module is set aside."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) and target.id in _ASIDE for target in targets)
    return isinstance(node, ast.FunctionDef) and node.name in _ASIDE
