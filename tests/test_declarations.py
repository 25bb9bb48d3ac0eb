"""The `.pxd` files are true: each says of its `.py` what stands there, and nothing in the `.py` means another thing compiled.

Read as text (declarations.py), so that one wrong line is found without a compiler, in either mode.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from declarations import (
    FLAGS,
    INTEGERS,
    NUMBERS,
    Declarations,
    bare_supers,
    circle,
    constants_as_fields,
    counts_in_flags,
    fractions_for_integers,
    missing_in_pxd,
    missing_in_python,
    nones_for_numbers,
    other_arguments,
    other_bases,
    read,
    shifts_in_32_bits,
    stale_locals,
    unbound_variables,
    undeclared_fields,
    uses,
)
from test_floors import PER_EVENT, ROOMS, own_imports

import iosim

PACKAGE = Path(iosim.__file__).parent
ROOT = PACKAGE.parent

# Classes and methods that need no declaration.
PARAMS = "a frozen dataclass, read when a machine is built"
UNDECLARED = {
    "actor.Rank": "an enumeration that is read by people; what runs has its values as names of their own",
    "completion.DirectRules": PARAMS,
    "devices.port_driver.PortDriver.ages": "a generator expression, for the sampler's last look at a run",
    "devices.recovery.RecoveringPort.ages": "a generator expression, for the sampler's last look at a run",
    "drives.geometry.Zone": PARAMS,
    "drives.hdd.HddParams": PARAMS,
    "drives.ssd.SsdParams": PARAMS,
    "io_manager.IoParams": PARAMS,
    "net_clients.ClientParams": PARAMS,
    "net_clients.CrowdParams": PARAMS,
    "net_service.ServiceParams": PARAMS,
    "pools.GrowthParams": PARAMS,
    "pools.ThreadParams": PARAMS,
    "rss.HashType": "an enumeration that is read when a card is built",
    "rss.Protocol": "an enumeration that is read by people; what runs has its values as names of their own",
    "scheduling.SchedulerParams": PARAMS,
    "tcp.TcpParams": PARAMS,
}
SHIFTS = {
    ("dispatcher", "1 << number"): "`bit` itself, where the number is declared as an object: Python shifts",
    ("histogram", "1 << BITS"): "1 << 10, once, when the module is imported",
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


# All but the compiled clock's, which has no `.py`.
PXDS = {
    name: read(path.with_suffix(".pxd").read_text())
    for name, path in ROOMS.items()
    if path.with_suffix(".pxd").exists()
}
TREES = {name: ast.parse(ROOMS[name].read_text()) for name in PXDS}
BASES = {cls: declared.base for pxd in PXDS.values() for cls, declared in pxd.classes.items()}
FIELDS = {cls: declared.fields for pxd in PXDS.values() for cls, declared in pxd.classes.items()}


def inherited(cls: str) -> set[str]:
    """The fields of all its ancestors: no two declared classes have one name."""
    base = BASES[cls]
    return {*FIELDS[base], *inherited(base)} if base else set()


INHERITED = {cls: inherited(cls) for cls in BASES}


def always(kinds: tuple[str, ...]) -> set[str]:
    """Names that are of these types in every class that has such a field."""
    found: dict[str, set[bool]] = {}
    for fields in FIELDS.values():
        for name, kind in fields.items():
            found.setdefault(name, set()).add(kind in kinds)
    return {name for name, answers in found.items() if answers == {True}}


each_module = pytest.mark.parametrize("module", sorted(TREES))


def test_what_runs_at_every_event_is_declared() -> None:
    assert PXDS.keys() >= set(PER_EVENT)


def test_no_two_declared_classes_have_one_name() -> None:
    """The tests below look ancestors up by name."""
    assert len(BASES) == sum(len(pxd.classes) for pxd in PXDS.values())


@each_module
def test_everything_that_is_declared_exists(module: str) -> None:
    """A field that nobody sets would be 0 or None, and a reader would look for it."""
    assert list(missing_in_python(TREES[module], PXDS[module])) == []


@each_module
def test_every_class_and_every_method_of_one_is_declared(module: str) -> None:
    """One that is not runs all the same, as slowly as in plain Python."""
    assert [name for name in undeclared(module) if name not in UNDECLARED] == []


def undeclared(module: str) -> list[str]:
    return [f"{module}.{name}" for name in missing_in_pxd(TREES[module], PXDS[module])]


def test_the_exceptions_are_still_some() -> None:
    assert UNDECLARED.keys() <= {name for module in TREES for name in undeclared(module)}
    assert SHIFTS.keys() <= {(module, shift) for module in TREES for _, shift in shifts_in_32_bits(TREES[module])}


@each_module
def test_every_field_is_declared(module: str) -> None:
    """Compiled, any other can't be set; found only when that line runs."""
    assert list(undeclared_fields(TREES[module], PXDS[module], INHERITED)) == []


@each_module
def test_bases_and_arguments_are_those_of_the_source(module: str) -> None:
    assert list(other_bases(TREES[module], PXDS[module])) == []
    assert list(other_arguments(TREES[module], PXDS[module])) == []


@each_module
def test_typed_locals_exist(module: str) -> None:
    """A local that was renamed lost its type, and nobody noticed but the clock on the wall."""
    assert list(stale_locals(TREES[module], PXDS[module])) == []


@each_module
def test_every_c_variable_is_bound_by_its_module(module: str) -> None:
    """One that nobody binds is 0 for ever."""
    assert list(unbound_variables(TREES[module], PXDS[module])) == []


@each_module
def test_no_literal_is_shifted_by_a_variable(module: str) -> None:
    """C shifts a literal within 32 bits: `units.BIT << n` has 64, `dispatcher.bit(n)` any number."""
    assert [found for found in shifts_in_32_bits(TREES[module]) if (module, found[1]) not in SHIFTS] == []


@each_module
def test_bases_are_called_by_name(module: str) -> None:
    """`super()` is lost in methods that are compiled as C functions."""
    assert list(bare_supers(TREES[module])) == []


@each_module
def test_no_c_number_is_ever_none(module: str) -> None:
    assert list(nones_for_numbers(TREES[module], PXDS[module], always(NUMBERS))) == []


@each_module
def test_no_c_integer_is_ever_a_fraction_and_no_flag_a_count(module: str) -> None:
    """Neither is an error: compiled, the number is another one."""
    assert list(fractions_for_integers(TREES[module], PXDS[module], always(INTEGERS))) == []
    assert list(counts_in_flags(TREES[module], always(FLAGS))) == []


@each_module
def test_no_constant_of_a_class_is_a_field_of_it_too(module: str) -> None:
    """The field hides it, and begins at 0."""
    assert list(constants_as_fields(TREES[module], PXDS[module])) == []


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Everything that may import from a compiled module: the package, tests, benchmarks, notebooks."""
    for place in (PACKAGE, ROOT / "tests", ROOT / "benchmarks"):
        for path in sorted(place.rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        lines = [line for line in "\n".join(code).splitlines() if not line.lstrip().startswith(("%", "!"))]
        yield path.relative_to(ROOT).as_posix(), ast.parse("\n".join(lines))


def lost(tree: ast.Module, pxds: dict[str, Declarations]) -> Iterator[str]:
    """Names that are taken from a module in which they are C variables."""
    for module, name, line in uses(tree):
        pxd = pxds.get(module.removeprefix("iosim."))
        if pxd and name in pxd.variables:
            yield f"line {line}: {name} of {module}"


def test_nobody_takes_a_name_from_a_module_that_keeps_it_as_a_c_variable() -> None:
    """Compiled, the module does not have it: take it from where it is defined."""
    found = {path: list(lost(tree, PXDS)) for path, tree in sources()}
    assert {path: names for path, names in found.items() if names} == {}


def edges() -> dict[str, set[str]]:
    """What each module needs before it can be imported compiled."""
    found = {module: {name for name, _ in own_imports(module)} & ROOMS.keys() for module in ROOMS}
    for path in (*PACKAGE.rglob("*.pxd"), *PACKAGE.rglob("*.pyx")):
        needed = re.findall(r"^from iosim\.([\w.]+) c?import ", path.read_text(), re.M)
        found.setdefault(name_of(path), set()).update(needed)
    return found


def test_imports_and_cimports_together_form_no_circle() -> None:
    """A cimport imports at run time too; a circle fails compiled although the `.py` files have none."""
    assert circle(edges()) == []


# ---- that each of them can fail --------------------------------------------------------------------------------------

PXD = """
cimport cython
from libc.stdint cimport int64_t

from iosim.actor cimport Actor  # of another module

cdef int64_t LIMIT, ROOM
cdef Actor NOBODY

cdef class Gate(Actor):
    cdef public int64_t passed, since
    cdef object owner
    cdef bint shut
    cdef public int64_t[::1] times
    @cython.locals(now=int64_t, places=list)
    cpdef (int64_t, int64_t) enter(self, Actor actor, int64_t count=*)
    cpdef void leave(self)

cpdef bint is_open(Gate gate)
"""

PY = """
from iosim.actor import Actor

LIMIT, NOBODY = 4, Actor()
ROOM: int = 1 << 4

class Gate(Actor):
    times: "array[int]"
    def __init__(self):
        super().__init__()
        self.passed, self.since = 0, 0
        self.owner = None
        self.shut = True
    def enter(self, actor, count=1):
        now = self.since
        places = [now]
        return now, len(places)
    def leave(self):
        Actor.leave(self)
        self.generation = BIT << self.passed

def is_open(gate):
    return True
"""

INHERITED_BY_GATE = {"Gate": {"generation"}}


def complaints(pxd: str, py: str) -> list[str]:
    """All rules at once."""
    tree, declared = ast.parse(py), read(pxd)
    return [
        *missing_in_python(tree, declared),
        *missing_in_pxd(tree, declared),
        *undeclared_fields(tree, declared, INHERITED_BY_GATE),
        *other_bases(tree, declared),
        *other_arguments(tree, declared),
        *stale_locals(tree, declared),
        *unbound_variables(tree, declared),
        *(f"line {line}: {shift}" for line, shift in shifts_in_32_bits(tree)),
        *bare_supers(tree),
        *nones_for_numbers(tree, declared, {"passed", "since"}),
        *constants_as_fields(tree, declared),
        *fractions_for_integers(tree, declared, {"passed", "since"}),
        *counts_in_flags(tree, {"shut"}),
    ]


def test_a_true_declaration_has_no_complaints() -> None:
    assert complaints(PXD, PY) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("def leave(self):\n        ", "def left(self):\n        ", "Gate.leave"),
        ("self.passed, self.since = 0, 0", "self.passed = 0", "Gate.since"),
        ('    times: "array[int]"\n', "", "Gate.times"),
        ("def is_open(gate)", "def is_shut(gate)", "is_open"),
        ("def is_open(gate)", "class Door:\n    pass\n\ndef is_open(gate)", "Door"),
        ("    def leave", "    def wait(self):\n        pass\n    def leave", "Gate.wait"),
        ("self.owner = None", "self.owner = self.keeper = None", "Gate.keeper"),
        ("self.owner = None", "self.owner, self.keeper = 1, 2", "Gate.keeper"),
        ("class Gate(Actor)", "class Gate(Clock)", "Gate(Clock) is declared as Gate(Actor)"),
        ("actor, count=1", "who, count=1", "Gate.enter"),
        ("actor, count=1", "actor, count", "Gate.enter"),
        ("now = self.since", "then = now = self.since", ""),
        ("places = [now]", "place = [now]", "Gate.enter: places"),
        ("LIMIT, NOBODY = 4, Actor()", "NOBODY = Actor()", "LIMIT"),
        ("ROOM: int = 1 << 4", "ROOM: int", "ROOM"),
        ("BIT << self.passed", "1 << self.passed", "line 20: 1 << self.passed"),
        ("BIT << self.passed", "1 << 5", ""),
        ("Actor.leave(self)", "super().leave()", "line 19: Gate.leave"),
        ("self.owner = None", "self.owner = self.passed = None", "line 12: self.passed"),
        ("return True", "gate.since = None\n    return True", "line 23: gate.since"),
        ("self.passed, self.since = 0, 0", "self.passed, self.since = 0, None", "line 11: self.since"),
        ("now = self.since", "now = 1 + self.since / 2", "line 15: now"),
        ("now = self.since", "now = round(self.since / 2)", ""),
        ("now = self.since", "now = self.since = self.since * 0.5", "line 15: self.since"),
        ("return True", "return gate.since / 2 > 1", ""),
        ("self.shut = True", "self.shut = 2", "line 13: self.shut"),
        ("self.shut = True", "self.shut = True; self.shut += 1", "line 13: self.shut"),
        ("return True", "return None", "line 23: is_open returns None"),
        ('    times: "array[int]"\n', '    times: "array[int]"\n    passed = 3\n', "Gate.passed"),
    ],
)
def test_a_false_one_is_found(old: str, new: str, complaint: str) -> None:
    assert PY.count(old) == 1
    assert complaint in (complaints(PXD, PY.replace(old, new)) or [""])


def test_a_line_that_is_not_understood_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="line 2 is not understood: ctypedef int number"):
        read("\nctypedef int number")


@pytest.mark.parametrize(
    "program",
    [
        "from iosim.gate import LIMIT",
        "from iosim.gate import Gate, LIMIT as MOST",
        "import iosim.gate\nprint(iosim.gate.LIMIT)",
        "import iosim.gate as gate\nprint(gate.LIMIT)",
        "from iosim import gate\nprint(gate.LIMIT)",
        "def test(monkeypatch):\n    monkeypatch.setattr('iosim.gate.LIMIT', 3)",
    ],
)
def test_a_name_that_is_lost_is_found_in_any_manner_of_taking_it(program: str) -> None:
    pxds = {"gate": read(PXD)}
    assert list(lost(ast.parse(program), pxds))
    assert not list(lost(ast.parse(program.replace("LIMIT", "Gate")), pxds))


def test_a_circle_is_found_and_what_a_module_has_to_do_with_itself_is_none() -> None:
    assert circle({"a": {"a", "b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"d", "b"}, "d": set()}) == ["b", "c", "b"]
