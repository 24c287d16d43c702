"""A batch on its way to a laboratory and back: plates, files that go out, results that come in.

Standard library, NumPy and the readers of `poets_core.intake`: pages and command line use it without any science.
"""
