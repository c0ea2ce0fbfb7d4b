"""Stand-ins for vendors' services: strict servers on loopback with set delays and faults, for tests and benchmarks."""
