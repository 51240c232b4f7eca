"""An empty Django view: what the framework and the server cost by themselves."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="empty")


def empty(request):
    return HttpResponse(b"", headers={"Content-Length": "0"})


urlpatterns = [path("", empty)]
application = get_wsgi_application()
