"""Pictures: a row of the project's own, and an object of the store."""

from django.db import models


class Picture(models.Model):
    """A picture with a title that no other has."""

    title = models.CharField(max_length=100, unique=True)
    file = models.FileField(upload_to="pictures/")

    def __str__(self):
        return self.title
