"""What the nights have recorded: names, summaries, manifests, lists. Backup writes it; restore, recovery and checks read it."""
