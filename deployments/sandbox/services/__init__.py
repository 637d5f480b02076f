"""Workflows, Cloud Run, Eventarc, Pub/Sub, Scheduler, Storage Transfer, Kubernetes and Genie Sim, as they are spoken to."""
