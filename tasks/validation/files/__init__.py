"""Single files by their format, each by its own reader, whatever its size."""
