"""M/M/4 in Ciw: one node with four servers; Ciw keeps a record a customer, as it always does."""

import ciw

from benchmarks.peers.answer import answer, means, numbers, pin, timed


def main() -> None:
    """Time one simulation."""
    given = numbers()
    pin(int(given["core"]))
    ciw.seed(int(given["seed"]))
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=1 / given["gap"])],
        service_distributions=[ciw.dists.Exponential(rate=1 / given["first"])],
        number_of_servers=[int(given["limit"])],
    )
    simulation = ciw.Simulation(network)
    loops, seconds = timed(lambda: simulation.simulate_until_max_time(given["duration"]))
    rows = simulation.get_all_records(only=["service"])
    columns = zip(*((row.arrival_date, row.service_start_date, row.exit_date) for row in rows), strict=True)
    wait, latency, _ = means(int(given["duration"]), *columns)
    answer(len(rows), loops, seconds, wait, latency, ciw.__version__)


if __name__ == "__main__":
    main()
