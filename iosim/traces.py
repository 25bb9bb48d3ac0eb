"""The traces that a scenario replays, read and held against the files that it describes."""

from iosim.errors import Mistake, WrongInput
from iosim.net_traces import NetTrace
from iosim.network_loads import read_replay
from iosim.replay import BlockTrace, read_block_trace, scaled, superposed
from iosim.scenario.load import Replay
from iosim.scenario.loader import Scenario
from iosim.scenario.net_load import NetReplay


def read_traces(scenario: Scenario) -> dict[str, BlockTrace | NetTrace]:
    """The traces that a scenario replays, at its speed; raises WrongInput for a bad row, or a trace that nobody gave."""
    traces: dict[str, BlockTrace | NetTrace] = {}
    if scenario.missing:
        raise WrongInput(
            [
                Mistake(scenario.source, 0, 0, path, f"a trace file has to be given: --set {path}=FILE")
                for path in scenario.missing
            ]
        )
    for name, path in scenario.traces.items():
        load = scenario.model.workload[name]
        if isinstance(load, NetReplay):
            traces[name] = read_replay(load, path)
            continue
        assert isinstance(load, Replay)
        trace = read_block_trace(path, load.format, load.requests or 0)
        check_rows(scenario, load, trace)
        if load.timing.copies > 1:
            trace = superposed(trace, load.timing.copies)
        traces[name] = trace if load.timing.speedup == 1 else scaled(trace, load.timing.speedup)
    return traces


def check_rows(scenario: Scenario, load: Replay, trace: BlockTrace) -> None:
    """Every device of the trace has a file, and every row lies within it; raises WrongInput naming the rows."""
    mistakes = []
    sizes = []
    for device in trace.device_names:
        file = load.map if isinstance(load.map, str) else load.map.get(device, "")
        sizes.append(scenario.model.files[file].size if file else 0)
        if not file:
            known = ", ".join(load.map)
            mistakes.append(Mistake(trace.source, 0, 0, "", f"device '{device}' is not in the map (known: {known})"))
    for row, number, offset, size in zip(trace.row, trace.device, trace.offset, trace.size, strict=True):
        if sizes[number] and offset + size > sizes[number]:
            file = load.map if isinstance(load.map, str) else load.map[trace.device_names[number]]
            what = f"reaches byte {offset + size}, but file '{file}' ends at {sizes[number]}"
            mistakes.append(Mistake(trace.source, row, 1, "", what))
            if len(mistakes) > 20:
                break
    if mistakes:
        raise WrongInput(mistakes)
