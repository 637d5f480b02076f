"""The state of everything on one screen: what is broken, being mended, held and paused, overdue, and when it was last proved."""
