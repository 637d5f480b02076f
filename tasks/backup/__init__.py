"""Nightly backups of the pipeline: what is copied, the record of each night, its verification and its expiry."""
