"""A class of one's own, in a module outside the suite: where it is, what its source is, and how it is imported."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, SerializeAsAny

from shared import ROOT
from shared.errors import UserError, suggestion
from shared.runs.components import Component, Loss, Scheme
from shared.runs.own_calls import asked
from shared.runs.python_files import parsed

SUITE = ("shared", "papers")
NAME = r"^[A-Za-z_]\w*:[A-Za-z_]\w*$"


class OwnCode(Component):
    """A class outside the suite, `module:Class`, with its options; `source` tells its code.

    That is a SHA-256 over the module and all modules and packages beside it that it imports: whatever changes in them
    is another configuration, so that a changed module is a changed run. The `folder` they lie in has no part in it.
    """

    name: str = Field(pattern=NAME)
    settings: dict[str, Any] = Field(default_factory=dict)
    source: str = ""
    folder: Path = Field(default=Path(), exclude=True)

    def __hash__(self) -> int:
        """Return a hash of what decides what is built."""
        return hash(self.model_dump_json())

    @property
    def code(self) -> tuple[str, ...]:
        """The definitions of the suite that the module uses."""
        return tuple(dict.fromkeys(used for path in self.files() for used in _of_the_suite(path)))

    @property
    def path(self) -> Path:
        """The file of the module."""
        return self.folder / f"{self.name.partition(':')[0]}.py"

    def files(self) -> list[Path]:
        """Return the module and the modules beside it that it imports, first or by way of others.

        Raises:
            UserError: there is no such module, or one is not written in Python.

        """
        found: dict[Path, None] = {}
        pending = [self.path]
        if not self.path.is_file():
            raise UserError(f"{self.path}: there is no such module for '{self.name}'; write it, or correct the name.")
        while pending:
            path = pending.pop()
            if path not in found:
                found[path] = None
                pending += self._imported_by(path)
        return list(found)

    def _imported_by(self, path: Path) -> Iterator[Path]:
        """Yield the modules beside that a module imports, with the packages that they lie in."""
        package = path.relative_to(self.folder).parent.parts
        for module, name, level in _imports(path):
            above = package[: len(package) - level + 1] if level else ()
            parts = [*above, *filter(None, (*module.split("."), name))]
            for end in range(1, len(parts) + 1):
                inner = "/".join(parts[:end])
                # All modules of a package for `*`, which stands for whichever of them it lists.
                yield from (*self.folder.glob(f"{inner}.py"), *self.folder.glob(f"{inner}/__init__.py"))

    def fixed(self) -> str:
        """Return the hash of the source as it is."""
        digest = hashlib.sha256()
        for path in sorted(self.files()):
            digest.update(f"{path.relative_to(self.folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def found(self) -> Any:
        """Import the class.

        Raises:
            UserError: the module cannot be imported, has no such name, or is not what it was.

        """
        attribute = self.name.partition(":")[2]
        if self.source and self.fixed() != self.source:
            raise UserError(f"{self.path}: it has changed since this run was set up; give the command 'try' again.")
        imported = _imported_module(self.path, self.fixed())
        if not hasattr(imported, attribute):
            raise UserError(f"{self.path}: there is no '{attribute}'; {suggestion(attribute, _classes(imported))}")
        return getattr(imported, attribute)

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Import the class and call it with `args`, `kwargs` and the options by keyword.

        Raises:
            UserError: as `found` does, or it does not take them, or raises something.

        """
        made = self.found()
        self._know_every_option(made, len(args))
        with asked(self.called(*args), self.path):
            return made(*args, **self.settings, **kwargs)

    def called(self, *args: Any) -> str:
        """Return how one would build it oneself."""
        named = (f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.name.replace(':', '.')}({', '.join((*map(str, args), *named))})"

    def _know_every_option(self, made: Any, given: int) -> None:
        try:
            parameters = list(inspect.signature(made).parameters.values())
        except (TypeError, ValueError):  # of a class that is not written in Python
            return
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        options = [parameter.name for parameter in parameters[given:] if parameter.kind in named]
        for option in self.settings:
            if option not in options:
                raise UserError(
                    f"{self.path}: {self.name}: there is no option '{option}'; {suggestion(option, options)}"
                )


class OwnLoss(OwnCode, Loss):
    """A loss of one's own; builds `module(dimension, classes)` with the interface of the suite's losses."""


class OwnSampler(OwnCode):
    """A sampler of one's own; builds `sampler(labels, classes, batch_size)`, see `shared.training.own_order`."""

    def called(self, *args: Any) -> str:
        """Return how one would build it oneself, with the many labels by their name."""
        return super().called("labels", *args[1:])


class OwnOrder(Scheme):
    """Classification with the order of images, epoch by epoch, that a sampler of one's own gives."""

    implementation = "shared.training.own_order:OwnOrderScheme"
    name: str = "own-order"
    sampler: SerializeAsAny[OwnSampler]


def _imported_module(path: Path, source: str) -> ModuleType:
    name = f"own_{source[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: cannot be imported; let it be a module of Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:  # and there it stays, for what is imported once something is called
        sys.path.insert(0, str(path.parent))
    try:
        with asked("its import", path):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _classes(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, type) and not name.startswith("_")]


def _imports(path: Path) -> tuple[tuple[str, str, int], ...]:
    """Return what a module imports, each as a module, a name in it, and how many packages up one looks for it."""
    return _imports_in(path.read_bytes(), path)


@cache
def _imports_in(source: bytes, path: Path) -> tuple[tuple[str, str, int], ...]:
    found: list[tuple[str, str, int]] = []
    for node in ast.walk(parsed(source, path)):
        match node:
            case ast.Import():
                found += ((alias.name, "", 0) for alias in node.names)
            case ast.ImportFrom():
                found += ((node.module or "", alias.name, node.level) for alias in node.names)
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if _imports_by_name(node.func, module):
                found.append((module.lstrip("."), "", len(module) - len(module.lstrip("."))))
    return tuple(found)


def _imports_by_name(function: ast.expr, module: str) -> bool:
    named = ast.unparse(function) in ("__import__", "import_module", "importlib.import_module")
    return named and re.fullmatch(r"[\w.]+", module) is not None


def _of_the_suite(path: Path) -> Iterator[str]:
    """Yield the definitions of the suite that a module imports, be it by way of a package, each as "module:name"."""
    for module, name, above in _imports(path):
        if not above and module.partition(".")[0] in SUITE:
            yield from _meant(module, name)


def _meant(module: str, name: str) -> Iterator[str]:
    """Yield what `from module import name` means: a definition, or all of a module."""
    if name and _file(f"{module}.{name}"):
        module, name = f"{module}.{name}", ""
    defined = _defined(module)
    if name in defined:
        yield f"{module}:{name}"
    elif name in ("", "*"):
        yield from (f"{module}:{one}" for one in sorted(defined))
    elif path := _file(module):
        for source, imported, above in _imports(path):
            if imported == name and not above and source.partition(".")[0] in SUITE:
                yield from _meant(source, imported)


def _file(module: str) -> Path | None:
    stem = ROOT.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


@cache
def _defined(module: str) -> frozenset[str]:
    """Return the names that a module of the suite defines itself."""
    path = _file(module)
    found: set[str] = set()
    for statement in parsed(path.read_bytes(), path).body if path else []:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return frozenset(found)
