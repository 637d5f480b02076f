"""USD: as text, opened with OpenUSD in a process of its own, and inside packages."""
