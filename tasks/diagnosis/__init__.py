"""From symptoms to causes: what is wrong with the pipeline now, with the evidence and what to do. Looks only."""
