"""The shared look of the sandbox pages: one style sheet, one base template, both served from here."""

from flask import Blueprint

blueprint = Blueprint(
    "sandbox_look",
    __name__,
    url_prefix="/sandbox",
    static_folder="static",
    static_url_path="/static",
    template_folder="templates",
)
