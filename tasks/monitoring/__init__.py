"""Whether what people rely on to be told by is there, looks at what exists, and can tell somebody."""
