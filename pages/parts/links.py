"""Addresses of pages."""

RUNS, LAUNCH = "pages/search/runs.py", "pages/search/launch.py"
DATA, COMPARE, POLICIES, JUDGE = (f"pages/analyse/{name}.py" for name in ("data", "compare", "policies", "judge"))
LIVE, CANDIDATES = "pages/search/live.py", "pages/search/candidates.py"
MEASURE = "pages/search/measure.py"
