"""GPU capacity: why work waits for GPUs, making room for what is critical, and giving it back."""
