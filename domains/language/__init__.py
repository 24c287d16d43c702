"""Instruction induction: short language tasks whose answers a rule can judge."""
