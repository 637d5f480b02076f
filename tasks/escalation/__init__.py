"""Escalation: telling the people on call of an incident, one tier after the other, until somebody has it."""
