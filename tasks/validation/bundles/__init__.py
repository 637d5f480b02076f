"""What is delivered together: exports, imports, packages, recordings, data sets."""
