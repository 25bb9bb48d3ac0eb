"""How fast iosim is beside the same system written by hand in SimPy; see README.md. `python -m benchmarks`."""
