"""The audit log: who changed what, who was refused what, and what was there before."""
