"""Recommendations in a Django project: `gunicorn --chdir examples/embed --threads 8 with_django:application`.

In a project of your own the settings are there already; the view goes into views.py, its path into urls.py,
and the last lines into wsgi.py, which the workers import and manage.py does not.
"""

from __future__ import annotations

import atexit
import json
import os
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import TypeAdapter

from serving import Answer, Recommender
from tfrs_mtl.errors import RequestError

ANSWER = TypeAdapter(Answer)

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)


@cache
def recommender() -> Recommender:
    loaded = Recommender.load(Path(os.environ.get("FEATURE_REPO", "feature_repo")))
    atexit.register(loaded.close)
    return loaded


@csrf_exempt
@require_POST
def recommendations(request: HttpRequest) -> HttpResponse:
    wish = json.loads(request.body)
    try:
        answer = recommender().recommend(wish["query"], k=wish.get("k", 10))
    except RequestError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return HttpResponse(ANSWER.dump_json(answer), content_type="application/json")


urlpatterns = [path("recommendations", recommendations)]

application = get_wsgi_application()
recommender()  # in each worker after its fork, and before the first request; so leave --preload out
