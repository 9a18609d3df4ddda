"""Recommendations over HTTP: an application, or a router for one. FastAPI is imported here alone."""

from serving.http.app import create_app
from serving.http.routes import recommender_router
from serving.http.settings import HttpSettings

__all__ = ["HttpSettings", "create_app", "recommender_router"]
