"""The delivery of events: who listens, holding it, and giving it back. Whatever holds it, holds it by these."""
