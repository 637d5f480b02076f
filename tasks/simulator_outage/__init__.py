"""The services that simulate: how they are, and what is done when they are out."""
