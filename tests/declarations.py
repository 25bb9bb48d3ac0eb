"""Reads a `.py` and the `.pxd` beside it, and says where they contradict each other. Text alone: no compiler, no import.

Cython itself refuses some of this; the rest compiles, and then computes something else than the `.py` says, or fails where
nobody has looked yet. Used by test_declarations.py; what a rule is for stands there.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef

INTEGERS = ("int64_t", "uint64_t", "int32_t", "uint32_t", "uint8_t", "int", "long", "Py_ssize_t")
FLAGS = ("bint", "flag")
NUMBERS = (*INTEGERS, *FLAGS, "double")


@dataclass
class Signature:
    """A declared function: what it returns, its arguments (`self` left out), which may be left out, its locals' types."""

    result: str
    arguments: list[str]
    optional: list[str]
    locals: dict[str, str]


@dataclass
class Declared:
    """A declared class: its base ('' for none), the type of each field, its methods."""

    base: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    methods: dict[str, Signature] = field(default_factory=dict)


@dataclass
class Declarations:
    """A whole `.pxd`: classes, functions, C variables of the module."""

    classes: dict[str, Declared] = field(default_factory=dict)
    functions: dict[str, Signature] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


TYPE = r"(?:\([^)]*\)|[\w.]+(?:\[[^\]]*\])?)"
CLASS = re.compile(r"cdef class (\w+)(?:\((\w+)\))?:$")
METHOD = re.compile(rf"(?:cpdef|cdef) (?:inline )?({TYPE}) (\w+)\((.*)\)(?: except.*| noexcept)?$")
FIELDS = re.compile(rf"cdef (?:public |readonly )?({TYPE}) (\w+(?:, \w+)*)$")
CIMPORT = re.compile(r"(from [\w.]+ )?cimport ")
OF_MEMORY = re.compile(r"@cython\.(freelist\(\d+\)|final)$")  # says nothing of what the class has
LOCALS = re.compile(r"@cython\.locals\((.*)\)$")


def read(pxd: str) -> Declarations:
    """Raises ValueError for a line that it does not understand: none is passed over."""
    found = Declarations()
    cls: Declared | None = None
    typed: dict[str, str] = {}
    for number, text in enumerate(pxd.splitlines(), 1):
        line = text.split("#")[0].rstrip()
        inner = line.strip()
        if not inner or CIMPORT.match(inner) or OF_MEMORY.match(inner):
            continue
        if not line.startswith(" "):
            cls = None
        if match := LOCALS.match(inner):
            typed = dict(each.split("=") for each in match[1].split(", "))
        elif match := CLASS.match(inner):
            cls = found.classes[match[1]] = Declared(match[2] or "")
        elif match := FIELDS.match(inner):
            where = cls.fields if cls else found.variables
            where.update(dict.fromkeys(match[2].split(", "), match[1]))
        elif match := METHOD.match(inner):
            where_to = cls.methods if cls else found.functions
            where_to[match[2]] = signature(match[1], match[3], typed)
            typed = {}
        else:
            raise ValueError(f"line {number} is not understood: {inner}")
    return found


def signature(result: str, arguments: str, typed: dict[str, str]) -> Signature:
    """Of `self, Request request, int64_t increment=*`."""
    names, optional = [], []
    for argument in filter(None, (each.strip() for each in arguments.split(","))):
        name = argument.split("=")[0].split()[-1]
        if name != "self":
            names.append(name)
            if "=" in argument:
                optional.append(name)
    return Signature(result, names, optional, typed)


# ---- the .py ---------------------------------------------------------------------------------------------------------


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def functions(body: list[ast.stmt]) -> dict[str, Function]:
    return {node.name: node for node in body if isinstance(node, Function)}


def constants(cls: ast.ClassDef) -> set[str]:
    """`name = value` in the class body."""
    found: set[str] = set()
    for node in cls.body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found - {"__slots__"}


def annotated(cls: ast.ClassDef) -> set[str]:
    """`name: type` in the class body: a field that is set from outside."""
    return {
        node.target.id
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and not node.value and isinstance(node.target, ast.Name)
    }


def stores(node: ast.AST) -> Iterator[tuple[ast.Attribute, ast.expr | None]]:
    """What is assigned to attributes of anything, and the value where it is an expression of its own."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                yield from _pairs(target, inner.value)
        elif isinstance(inner, (ast.AugAssign, ast.AnnAssign)):
            yield from _pairs(inner.target, inner.value)
        elif isinstance(inner, (ast.For, ast.comprehension)):
            yield from _pairs(inner.target, None)


def _pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.Attribute, ast.expr | None]]:
    if isinstance(target, ast.Attribute):
        yield target, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [None] * len(target.elts)
        for each, its in zip(target.elts, values, strict=False):
            yield from _pairs(each, its)


def own_stores(cls: ast.ClassDef) -> set[str]:
    """The fields that its methods set on `self`."""
    return {
        target.attr for target, _ in stores(cls) if isinstance(target.value, ast.Name) and target.value.id == "self"
    }


def bound(tree: ast.Module) -> set[str]:
    """The names that a module binds at its top level: by imports and assignments."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if node.value else []
            found |= {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return found


def is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


# ---- where they contradict each other --------------------------------------------------------------------------------


def pairs(python: ast.Module, pxd: Declarations) -> Iterator[tuple[str, Declared, ast.ClassDef]]:
    """The classes that stand in both."""
    there = classes(python)
    return ((name, declared, there[name]) for name, declared in pxd.classes.items() if name in there)


def declared_functions(python: ast.Module, pxd: Declarations) -> Iterator[tuple[str, Signature, Function]]:
    """Every declared function and method that exists, by its name."""
    of_module = functions(python.body)
    for name, declared in pxd.functions.items():
        if name in of_module:
            yield name, declared, of_module[name]
    for name, cls, body in pairs(python, pxd):
        of_class = functions(body.body)
        for method, declared in cls.methods.items():
            if method in of_class:
                yield f"{name}.{method}", declared, of_class[method]


def missing_in_python(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    """Classes, functions and methods that are declared and do not exist; a field that nobody sets."""
    there = classes(python)
    yield from (name for name in pxd.classes if name not in there)
    yield from (name for name in pxd.functions if name not in functions(python.body))
    for name, declared, cls in pairs(python, pxd):
        yield from (f"{name}.{method}" for method in declared.methods if method not in functions(cls.body))
        known = own_stores(cls) | annotated(cls)
        yield from (f"{name}.{each}" for each in declared.fields if each not in known)


def missing_in_pxd(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    """Classes that are not declared, and methods of those that are; special ones need no declaration."""
    yield from (name for name in classes(python) if name not in pxd.classes)
    for name, declared, cls in pairs(python, pxd):
        for method in functions(cls.body):
            if method not in declared.methods and not (method.startswith("__") and method.endswith("__")):
                yield f"{name}.{method}"


def undeclared_fields(python: ast.Module, pxd: Declarations, inherited: dict[str, set[str]]) -> Iterator[str]:
    """Fields that a method sets and no declaration has; `inherited`: those of all ancestors, by class."""
    for name, declared, cls in pairs(python, pxd):
        known = declared.fields.keys() | inherited.get(name, set())
        yield from sorted(f"{name}.{each}" for each in own_stores(cls) - known)


def other_bases(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    for name, declared, cls in pairs(python, pxd):
        base = ast.unparse(cls.bases[0]) if cls.bases else ""
        if base != declared.base:
            yield f"{name}({base}) is declared as {name}({declared.base})"


def other_arguments(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    """Names, order, and which may be left out."""
    for name, declared, function in declared_functions(python, pxd):
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        optional = names[len(names) - len(function.args.defaults) :]
        if (names, optional) != (declared.arguments, declared.optional):
            yield name


def stale_locals(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    """Typed locals that the function does not have."""
    for name, declared, function in declared_functions(python, pxd):
        names = (inner for inner in ast.walk(function) if isinstance(inner, ast.Name))
        local = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        yield from (f"{name}: {each}" for each in declared.locals if each not in local)


def unbound_variables(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    yield from sorted(pxd.variables.keys() - bound(python))


def shifts_in_32_bits(python: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text."""
    for node in ast.walk(python):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.LShift)
            and is_number(node.left)
            and not is_number(node.right)
        ):
            yield node.lineno, ast.unparse(node)


def bare_supers(python: ast.Module) -> Iterator[str]:
    for cls in classes(python).values():
        for name, function in functions(cls.body).items():
            for node in ast.walk(function):
                bare = isinstance(node, ast.Call) and ast.unparse(node) == "super()"
                if bare and name != "__init__":
                    yield f"line {node.lineno}: {cls.name}.{name}"  # type: ignore[attr-defined]


def nones_for_numbers(python: ast.Module, pxd: Declarations, numbers: set[str]) -> Iterator[str]:
    """`numbers`: names that are C numbers in every declared class which has such a field."""
    for target, value in stores(python):
        if is_none(value) and target.attr in numbers:
            yield f"line {target.lineno}: {ast.unparse(target)}"
    for name, declared, function in declared_functions(python, pxd):
        if declared.result in NUMBERS:
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and (node.value is None or is_none(node.value)):
                    yield f"line {node.lineno}: {name} returns None"


def fractions_for_integers(python: ast.Module, pxd: Declarations, numbers: set[str]) -> Iterator[str]:
    """A C integer drops what is behind the point, and Python keeps it."""
    for target, value in stores(python):
        if value and target.attr in numbers and has_fraction(value):
            yield f"line {target.lineno}: {ast.unparse(target)}"
    for name, declared, function in declared_functions(python, pxd):
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value and declared.result in INTEGERS and has_fraction(node.value):
                yield f"line {node.lineno}: {name} returns {ast.unparse(node.value)}"
            if isinstance(node, ast.Assign) and has_fraction(node.value):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                yield from (f"line {node.lineno}: {each}" for each in names if declared.locals.get(each) in INTEGERS)


def has_fraction(node: ast.expr) -> bool:
    """Whether a true division or a float is in it that no call has made whole."""
    if isinstance(node, ast.Call):
        return False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return any(has_fraction(inner) for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.expr))


def counts_in_flags(python: ast.Module, flags: set[str]) -> Iterator[str]:
    """A flag holds 0 and 1 alone."""
    for node in ast.walk(python):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute) and node.target.attr in flags:
            yield f"line {node.lineno}: {ast.unparse(node.target)}"
    for target, value in stores(python):
        if target.attr in flags and isinstance(value, ast.Constant) and not isinstance(value.value, bool):
            yield f"line {target.lineno}: {ast.unparse(target)}"


def constants_as_fields(python: ast.Module, pxd: Declarations) -> Iterator[str]:
    for name, declared, cls in pairs(python, pxd):
        yield from sorted(f"{name}.{each}" for each in constants(cls) & declared.fields.keys())


def uses(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Names that are taken from modules of ours, in any way: module, name, line."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "iosim":
            for alias in node.names:
                yield str(node.module), alias.name, node.lineno
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            modules |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("iosim."):
            module, _, name = node.value.rpartition(".")
            yield module, name, node.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module, _, name = ast.unparse(node).rpartition(".")
            yield modules.get(module, module), name, node.lineno


def circle(edges: dict[str, set[str]]) -> list[str]:
    """A way from a module back to it, or nothing; what a module has to do with itself is none."""
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in done:
            for other in sorted(edges.get(module, set()) - {module}):
                if found := visit(other, (*way, module)):
                    return found
            done.add(module)
        return []

    return next((found for module in sorted(edges) if (found := visit(module, ()))), [])
