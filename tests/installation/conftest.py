"""The pages and the browser of the snippet's tests."""

from tests.snippet.conftest import context, noise, page, site

__all__ = ["context", "noise", "page", "site"]
