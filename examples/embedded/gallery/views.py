"""Upload, replace and delete a picture; each keeps row and object together."""

from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gallery.models import Picture


@csrf_exempt
@require_POST
def upload(request):
    """Keep a picture under a title, or nothing of it where the title is taken."""
    try:
        with transaction.atomic():
            picture = Picture(title=request.POST["title"])
            picture.file.save(request.FILES["file"].name, request.FILES["file"])
    except IntegrityError:
        return JsonResponse({"error": "the title is taken"}, status=409)
    return JsonResponse({"id": picture.pk, "url": picture.file.url}, status=201)


@csrf_exempt
@require_POST
def delete(request, pk):
    """Delete the row and the object, both or neither."""
    with transaction.atomic():
        picture = get_object_or_404(Picture, pk=pk)
        picture.file.delete(save=False)
        picture.delete()
    return HttpResponse(status=204)
