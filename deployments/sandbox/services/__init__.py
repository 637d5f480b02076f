"""Workflows, Cloud Run, Eventarc, Kubernetes, Genie Sim and Pub/Sub push, in their own wire formats."""
