"""The audit of overrides, and the record of new ones."""
