"""``python -m native_bench NAME`` runs a benchmark and prints its table."""

from __future__ import annotations

import argparse

from native_bench import kernels

BENCHMARKS = {"kernels": kernels.main}


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m native_bench")
    parser.add_argument("benchmark", choices=BENCHMARKS)
    BENCHMARKS[parser.parse_args().benchmark]()


if __name__ == "__main__":
    main()
