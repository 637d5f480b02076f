"""The runtime report: how long everything took, against its timeouts and against what is promised."""
