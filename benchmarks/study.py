"""What a study costs beside its cells: 100 cells on two cores against two bare copies of the cell in the same run.

Two cores of one machine are seldom twice one core: they share caches, memory and clock. So the study is not held to 2 but
to what two processes reach that do nothing but run the cell, each on its own. Rounds alternate: one bare copy, two bare
copies, the study, two copies again; the speed-up of each is cells a second over those of the one copy, and the verdict is
the median over rounds of the study's over the two copies'.
"""

import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.systems import scenario_of
from iosim.clock import choose_clock
from iosim.executors import Processes
from iosim.studies import CellTask, cell_task, run_cell, study, with_study
from iosim.study_store import StudyStore

CELLS = 100
WORKERS = 2
LEAST = 0.85  # of the speed-up of two bare copies


def bare(task: CellTask, cells: int) -> float:
    """Seconds for so many cells, one after the other, in this process; one before it for warmth."""
    run_cell(task)
    began = time.perf_counter()
    for _ in range(cells):
        run_cell(task)
    return time.perf_counter() - began


def copies(pool: ProcessPoolExecutor, task: CellTask, number: int, cells: int) -> float:
    """Cells a second of `number` copies together."""
    return sum(cells / it.result() for it in [pool.submit(bare, task, cells) for _ in range(number)])


def measure(milliseconds: int, rounds: int, cells: int = CELLS) -> list[tuple[float, float, float]]:
    """Cells a second of one copy, of two, and of the study, round by round; a cell simulates so many milliseconds."""
    scenario = scenario_of("mm4", milliseconds).with_set({"run.warm_up": "1 ms", "run.replications": 2})
    varied = with_study(scenario, {"run.seed": list(range(cells))})
    task = cell_task(scenario, {}, choose_clock(None), 1, None)
    found = []
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool, tempfile.TemporaryDirectory() as place:
        for number in range(rounds):
            one = copies(pool, task, 1, cells // 5)
            two = copies(pool, task, WORKERS, cells // 5)
            executor = Processes(WORKERS)
            list(executor.outcomes(run_cell, [task] * WORKERS))  # processes that are there, as the copies are
            with StudyStore(Path(place) / f"{number}.sqlite") as store:
                began = time.perf_counter()
                study(varied, store, executor=executor)
                whole = cells / (time.perf_counter() - began)
            two = (two + copies(pool, task, WORKERS, cells // 5)) / 2  # what else the machine does drifts
            found.append((one, two, whole))
    return found


def report(milliseconds: int, rounds: int) -> int:
    """A line a round; 1 when the target was missed."""
    found = measure(milliseconds, rounds)
    for one, two, whole in found:
        print(
            f"one copy {one:6.1f} cells/s   two copies {two / one:4.2f} times that   study {whole / one:4.2f} times"
            f"   study over two copies {whole / two:5.3f}",
            flush=True,
        )
    middle = statistics.median(whole / two for _, two, whole in found)
    print(f"median {middle:.3f}; target {LEAST}: {'met' if middle >= LEAST else 'MISSED'}")
    return 0 if middle >= LEAST else 1
