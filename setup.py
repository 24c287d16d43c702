"""Where the app lies in an installed package; all else is in pyproject.toml.

app.py, pages/ and .streamlit/ are at the top of the sources, where `streamlit run app.py` wants them. Names as common
as `app` and `pages` have no place at the top of somebody's site-packages, so there they lie together in `poets_app`.
"""

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

LIBRARY, PAGES = ["poets_core*", "domains*"], ["pages*"]
NOT = ["*.__pycache__*"]
DATA = ["*.js", "*.png", "*.json", "*.md", "*.csv", "*.safetensors"]


class Modules(build_py):
    """All modules of the packages but this one, which lies beside app.py."""

    def find_package_modules(self, package, package_dir):
        """Return (package, module, file) of each."""
        return [m for m in super().find_package_modules(package, package_dir) if m[1] != "setup"]


setup(
    cmdclass={"build_py": Modules},
    packages=[
        *find_namespace_packages(include=LIBRARY, exclude=NOT),
        "poets_app",
        *(f"poets_app.{name}" for name in find_namespace_packages(include=PAGES, exclude=NOT)),
    ],
    package_dir={"poets_app": ".", "poets_app.pages": "pages"},
    package_data={"": DATA, "poets_app": [".streamlit/config.toml"]},
    exclude_package_data={"poets_app": DATA},
)
