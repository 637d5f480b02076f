"""Walk two listings in step, compare, copy: the engine under backup, verification and restore."""
