"""The rooms of style.md: imports go down only. Read from the source, so that one wrong line is found before it spreads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import iosim

ROOT = Path(iosim.__file__).parent

# Those of style.md, built or to come, and ours.
FLOORS: dict[int, tuple[str, ...]] = {
    7: ("cli", "report", "report_parts", "report_pictures", "report_verdicts", "timeline", "why"),
    6: (
        "amounts",
        "bottlenecks",
        "buying",
        "captions",
        "closed_loops",
        "cluster",
        "comparison",
        "comparison_tables",
        "demands",
        "doctor",
        "expected_signs",
        "perturbing",
        "executors",
        "experiment",
        "figures",
        "impossible",
        "notebook",
        "numbers",
        "pairing",
        "pictures",
        "plan_document",
        "plan_tables",
        "planning",
        "plots",
        "probing",
        "quantiles",
        "regimes",
        "replication",
        "resource_figures",
        "results",
        "run_figures",
        "running",
        "samples",
        "scaling",
        "searching",
        "statistics",
        "stopping",
        "student",
        "studies",
        "study_store",
        "summaries",
        "summary",
        "summary_tables",
        "tables",
        "theory",
        "theory_tables",
        "trials",
        "twins",
        "unknowns",
        "verdicts",
        "verify",
        "what_ifs",
    ),
    5: (
        "disk_ports",
        "draws",
        "file_systems",
        "filters",
        "handlers",
        "machine",
        "network_loads",
        "network_services",
        "markup",
        "networks",
        "presets",
        "records",
        "sampler",
        "scenario",
        "stacks",
        "storage",
        "traces",
        "volumes",
    ),
    4: (
        "addresses",
        "application",
        "captures",
        "client_addresses",
        "designs",
        "net_clients",
        "net_service",
        "net_traces",
        "net_steps",
        "packed_files",
        "polling",
        "pools",
        "replay",
        "request_logs",
        "win32",
        "workload",
    ),
    3: (
        "devices",
        "cache_manager",
        "cache_work",
        "extents",
        "split",
        "lazy_writer",
        "ntfs_metadata",
        "ntfs_own",
        "page_cache",
        "page_numbers",
        "paging",
        "read_ahead",
        "system_workers",
        "write_throttle",
    ),
    2: (
        "apc",
        "batch",
        "canceller",
        "completion",
        "completion_port",
        "condition_variables",
        "device_queue",
        "device_stack",
        "dispatcher",
        "driver_methods",
        "file_control",
        "io_manager",
        "irp",
        "irp_list",
        "kernel_queue",
        "kernel_work",
        "locks",
        "lookaside",
        "objects",
        "outcomes",
        "paths",
        "port_lock",
        "resources",
        "ready_queues",
        "scheduling",
        "services",
        "slim_locks",
        "stream_marks",
        "tcp",
        "threaded_dpcs",
        "timers",
    ),
    1: (
        "thread",
        "accounts",
        "binding",
        "interrupts",
        "dpc",
        "processor",
        "idle_states",
        "cache",
        "numa",
        "drives",
        "frame_queue",
        "frames",
        "link",
        "modes",
        "moderation",
        "nic",
        "port_numbers",
        "rebalancing",
        "receive_coalescing",
        "rings",
        "rss",
        "rss_processors",
    ),
    0: (
        "actor",
        "attribution",
        "clock",
        "compiled",
        "errors",
        "fast_clock",
        "heap_clock",
        "histogram",
        "ntstatus",
        "probes",
        "recorders",
        "registry",
        "rows",
        "simpy_clock",
        "streams",
        "units",
        "variates",
        "version",
    ),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

# Style, "Floors 0 to 4 are written to be compiled": who may import what from outside all the same.
HEAVY = {"numpy", "pydantic", "matplotlib", "simpy", "scipy", "pandas", "yaml", "click", "rich", "joblib"}
ALLOWED = {"simpy_clock": {"simpy"}, "streams": {"numpy"}}

COMPILED_ONLY = {path.stem for path in ROOT.glob("*.pyx")}


def modules() -> dict[str, Path]:
    """Every module of the package by its name below `iosim`, those that exist only compiled left out."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
ROOMS = {name: path for name, path in MODULES.items() if name not in ("", "__main__")}

# What runs at every event, carried by step objects and mechanisms alone: all that is compiled.
PER_EVENT = sorted(name for name, path in ROOMS.items() if path.with_suffix(".pxd").exists())


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """What a module imports, on which line, and whether only for the type checker."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative imports hide where they go"
            module = node.module or ""
            names = [f"iosim.{alias.name}" for alias in node.names] if module == "iosim" else [module]
        else:
            continue
        for name in names:
            yield name, node.lineno, id(node) in for_types


def room_of(module: str) -> str:
    """`iosim.devices.ntfs` and `devices.ntfs` are in the room `devices`."""
    return module.removeprefix("iosim.").split(".")[0]


def floor_of(module: str) -> int:
    """A room that nobody put on a floor is above them all, until it is (the test below says so)."""
    return FLOOR_OF.get(room_of(module), 99)


def own_imports(module: str) -> Iterator[tuple[str, int]]:
    for name, line, for_types in imports(ROOMS[module]):
        if name.startswith("iosim.") and not for_types:
            yield name.removeprefix("iosim."), line


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in ROOMS} | COMPILED_ONLY <= FLOOR_OF.keys()


def test_the_readmes_map_names_every_room_on_its_floor() -> None:
    """What is there: it leads a reader to no room that is yet to come."""
    readme = (ROOT.parent / "README.md").read_text(encoding="utf-8")
    shown = {
        int(floor): set(re.findall(r"`(\w+)/?`", row)) for floor, row in re.findall(r"^\| (\d) (.*)$", readme, re.M)
    }
    built = {room_of(module) for module in ROOMS} - {"version"} | COMPILED_ONLY
    assert {floor: {room for room in built if FLOOR_OF[room] == floor} for floor in FLOORS} == {
        floor: shown[floor] - {"notebooks", "scenarios"} for floor in FLOORS
    }


@pytest.mark.parametrize("module", sorted(ROOMS))
def test_imports_go_down_only(module: str) -> None:
    """To the same floor or a lower one; imports that only the type checker sees bind nothing at run time."""
    floor = floor_of(module)
    upward = [
        f"line {line}: {module} (floor {floor}) imports {name} (floor {floor_of(name)})"
        for name, line in own_imports(module)
        if name != "version" and floor_of(name) > floor
    ]
    assert upward == []


@pytest.mark.parametrize("module", [name for name in sorted(ROOMS) if floor_of(name) <= 4])
def test_floors_0_to_4_stay_light(module: str) -> None:
    """They are written to be compiled: no simpy but in its clock, no numpy but in the streams, nothing else at all."""
    outside = {name.split(".")[0] for name, _, for_types in imports(ROOMS[module]) if not for_types}
    assert (outside & HEAVY) - ALLOWED.get(module, set()) == set()


# Rooms in `devices` that are no drivers but parts of one, and kinds of one.
PARTS = {
    "devices.coalescing": "devices.port_driver",
    "devices.idle_queue": "devices.port_driver",
    "devices.polling_port": "devices.port_driver",
    "devices.recovery": "devices.port_driver",
    "devices.socket_codes": "devices.winsock",
}


def test_drivers_do_not_import_each_other() -> None:
    """They import the I/O manager, never the reverse; parts and kinds of a driver are one with it."""
    for module in ROOMS:
        reached = {name for name, _ in own_imports(module)}
        if module.startswith("devices."):
            family = PARTS.get(module, module)
            others = {PARTS.get(name, name) for name in reached if room_of(name) == "devices"}
            assert others <= {family}, module
        if floor_of(module) <= 2:
            assert not {name for name in reached if room_of(name) in ("devices", "cache_manager")}, module


def test_hardware_knows_no_irp() -> None:
    for module in ROOMS:
        if floor_of(module) == 1:
            assert {room_of(name) for name, _ in own_imports(module)} <= {*FLOORS[0], *FLOORS[1]}


def test_no_two_modules_import_each_other() -> None:
    """At run time: a circle would make the order of imports matter."""
    reached = {module: {name for name, _ in own_imports(module)} & ROOMS.keys() for module in ROOMS}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for name in sorted(reached[module] - {module}):
                visit(name, (*way, module))
            done.add(module)

    for module in sorted(reached):
        visit(module, ())


# ---- what runs at every event ----------------------------------------------------------------------------------------

Function = ast.FunctionDef | ast.AsyncFunctionDef


def methods(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, Function):
                    yield f"{node.name}.{item.name}", item


def refused(function: Function) -> Iterator[str]:
    """What Cython refuses in a `cpdef` method, or what makes an event slow (reference/compiled/README.md)."""
    kinds = (ast.Lambda, ast.GeneratorExp, ast.Yield, ast.YieldFrom, ast.Await, ast.FunctionDef, ast.Try)
    for node in ast.walk(function):
        if isinstance(node, kinds) and node is not function:
            yield f"line {node.lineno}: {type(node).__name__}"


# Called when a machine is built, or by observers at steps of a run and at its end: not at events.
AT_REST = {"HddParams.capacity", "SeekCurve.__init__", "PortDriver.ages", "RecoveringPort.ages"}


@pytest.mark.parametrize("module", PER_EVENT)
def test_what_runs_at_events_has_no_generators_lambdas_or_handlers_of_exceptions(module: str) -> None:
    tree = ast.parse(ROOMS[module].read_text())
    found = {name: list(refused(function)) for name, function in methods(tree) if name not in AT_REST}
    assert {name: objections for name, objections in found.items() if objections} == {}


def test_what_runs_at_events_is_on_the_floors_that_are_written_to_be_compiled() -> None:
    assert {floor_of(module) for module in PER_EVENT} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("module", PER_EVENT)
def test_no_class_of_a_mechanism_has_two_bases_or_a_protocol(module: str) -> None:
    """Refused when declared as an extension type."""
    for node in ast.walk(ast.parse(ROOMS[module].read_text())):
        if isinstance(node, ast.ClassDef):
            assert len(node.bases) <= 1, node.name
            assert not {ast.unparse(base).split("[")[0] for base in node.bases} & {"Protocol", "Generic", "ABC"}, (
                node.name
            )


def test_importing_iosim_loads_nothing_heavy() -> None:
    """Style: a script that only asks for the version pays for no numpy."""
    program = f"import sys, iosim; print(sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT.parent
    ).stdout
    assert found.strip() == "[]"
