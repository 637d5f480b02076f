"""Overrides of quality gates: who let what pass, was it right, and what became of it? And the record of new ones."""
