"""Tasks with many prompts and a verifiable reward: reasoning-gym, instruction induction, one's own files."""
