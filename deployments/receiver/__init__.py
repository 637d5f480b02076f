"""The event receiver: what Google Cloud says becomes flow runs and events of Prefect, each exactly once (docs/events.md).

    app ──► auth, decode ──► rules ──► spool ──► dispatch ──► facts, Prefect

What is accepted is on disk before the answer is sent; what is on disk is carried out however often the process dies.
"""
