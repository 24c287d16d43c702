"""Addresses of pages."""

RUNS, LAUNCH = "pages/search/runs.py", "pages/search/launch.py"
COMPARE, DATA, POLICIES, JUDGE, VARIANTS = (
    f"pages/analyse/{name}.py" for name in ("compare", "data", "policies", "judge", "variants")
)
LEARN = "pages/search/learn.py"
LIVE, CANDIDATES = "pages/search/live.py", "pages/search/candidates.py"
MEASURE = "pages/search/measure.py"
