"""What the page Policies shows: experiments, their forms, charts, tables and verdicts."""
