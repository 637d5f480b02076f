"""Intake: pausing everything that starts work by itself, resuming exactly what was, and the watch over an open pause."""
