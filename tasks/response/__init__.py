"""The response to an incident: evidence, phases, review. It is above the procedures, which it calls for its case."""
