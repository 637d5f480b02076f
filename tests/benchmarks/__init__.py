"""Benchmarks: `make bench`. They measure and print; nothing here passes or fails."""

import os

# Read by Prefect when it is imported: nothing is told to anybody outside.
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"
