"""Rollback: a job, a workflow, a Deployment or a GPU Job goes back to what last worked, found by what ran with it."""
