"""A GPU Job for one scene: rendered, tried on the API server, created, and seen to run."""
