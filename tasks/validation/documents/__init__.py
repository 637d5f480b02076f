"""The scene's own documents: how they are read, what shape they have, and whether they agree."""
