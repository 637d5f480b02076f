"""Kinds of action, each an object that lives with its family: what it needs, does, leaves behind, and how it is undone."""
