"""Programs of the same systems, one file a peer and system; they run as `python -m benchmarks.peers.NAME name=value ...`.

Those of peers that live in an environment of their own import nothing of iosim.
"""
