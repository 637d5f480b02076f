"""Is what is deployed what the catalogue says, and will a remediation work with it? Looks only."""
