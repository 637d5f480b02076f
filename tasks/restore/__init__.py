"""Bring back what was lost, from the cheapest place that still has it, without starting the pipeline."""
