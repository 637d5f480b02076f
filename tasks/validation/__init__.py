"""Is a scene whole? Read-only, for a bucket or a folder. `scene.py` is the way in; each room has one kind of question."""
