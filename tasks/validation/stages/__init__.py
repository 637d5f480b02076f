"""What stages left behind: markers, failures, guards, ages, and the state each of them is in."""
