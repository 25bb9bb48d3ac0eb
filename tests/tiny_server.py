"""A server so small that a study of it takes no time: written once for all tests of studies, on one machine and on several."""

TEXT = """\
version: 1
scenario: server
ports: {main: {}}
pools: {workers: {port: main, threads: 2}}
handlers: {request: [{compute: {time: {exponential: 15 us}}}]}
workload: {web: {kind: open, port: main, handler: request, rate: 1000/s}}
run: {duration: 10 ms, replications: 2}
"""
