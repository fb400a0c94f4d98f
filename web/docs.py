"""The API's description and Swagger UI, from our own files: nothing is fetched from anywhere else."""

from __future__ import annotations

from pathlib import Path

import swagger_ui_bundle
from flask import Blueprint, Response, send_from_directory

from web import answers
from web.access import OPEN, scoped
from web.openapi import Api
from web.problems import not_found

PAGES = Path(__file__).with_name("pages")
BUNDLE = Path(swagger_ui_bundle.swagger_ui_path)
ASSETS = {
    "swagger-ui.css": BUNDLE,
    "swagger-ui-bundle.js": BUNDLE,
    "favicon-32x32.png": BUNDLE,
    "start.js": PAGES,
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def pages(api: Api) -> Blueprint:
    """The routes that describe `api`."""
    blueprint = Blueprint("docs", __name__)

    @blueprint.get("/openapi.json")
    @scoped(OPEN)
    def openapi() -> Response:
        return answers.json(api.document)

    @blueprint.get("/docs")
    @scoped(OPEN)
    def docs() -> Response:
        return _page(send_from_directory(PAGES, "docs.html"))

    @blueprint.get("/docs/<name>")
    @scoped(OPEN)
    def asset(name: str) -> Response:
        if name not in ASSETS:
            raise not_found("page")
        return _page(send_from_directory(ASSETS[name], name, max_age=3600))

    return blueprint


def _page(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response
