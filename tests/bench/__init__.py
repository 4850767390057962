"""Benchmarks: seven workloads against a daemon of its own, each beside the limit prototype of the same run."""
