"""The console's pages: route, page, name."""

from __future__ import annotations

from typing import Any

from console.pages import (
    audit,
    browser,
    bucket_settings,
    buckets,
    jobs,
    keys,
    lifecycle,
    objects,
    people,
    policies,
    removal,
    uploads,
    zips,
)

pages: list[tuple[str, Any, str]] = [
    ("buckets/", buckets.Buckets, "buckets"),
    ("create-bucket/", buckets.CreateBucket, "create_bucket"),
    ("buckets/<str:name>/", buckets.BucketOverview, "bucket"),
    ("buckets/<str:name>/delete-bucket/", buckets.DeleteBucket, "delete_bucket"),
    ("buckets/<str:name>/unfinished/", buckets.Unfinished, "unfinished"),
    (
        "buckets/<str:name>/settings/",
        bucket_settings.BucketSettings,
        "bucket_settings",
    ),
    (
        "buckets/<str:name>/settings/<slug:slug>/",
        bucket_settings.BucketSetting,
        "bucket_setting",
    ),
    (
        "buckets/<str:name>/lifecycle/",
        lifecycle.LifecyclePreview,
        "lifecycle_preview",
    ),
    ("buckets/<str:name>/objects/", browser.Browser, "browse"),
    ("buckets/<str:name>/folder/", browser.NewFolder, "new_folder"),
    ("buckets/<str:name>/object/", objects.ObjectPage, "object"),
    ("buckets/<str:name>/download/", objects.Download, "download"),
    ("buckets/<str:name>/zip/", zips.ZipDownload, "zip"),
    ("buckets/<str:name>/upload/", uploads.Upload, "upload"),
    ("buckets/<str:name>/upload-parts/", uploads.PartedUpload, "upload_parts"),
    ("buckets/<str:name>/delete/", removal.Delete, "delete"),
    ("buckets/<str:name>/purge/", removal.Purge, "purge"),
    ("buckets/<str:name>/undelete/", removal.Undelete, "undelete"),
    ("buckets/<str:name>/transfer/", removal.Transfer, "transfer"),
    ("users/", people.Users, "users"),
    ("create-user/", people.CreateUser, "create_user"),
    ("users/<str:unique_id>/", people.UserPage, "user"),
    ("groups/", people.Groups, "groups"),
    ("groups/<str:unique_id>/", people.GroupPage, "group"),
    ("policies/", policies.Policies, "policies"),
    ("create-policy/", policies.CreatePolicy, "create_policy"),
    ("policies/<str:unique_id>/", policies.PolicyPage, "policy"),
    ("simulator/", policies.Simulator, "simulator"),
    ("keys/", keys.Keys, "keys"),
    ("create-key/", keys.CreateKey, "create_key"),
    ("audit/", audit.AuditLog, "audit"),
    ("audit/export/", audit.AuditExport, "audit_export"),
    ("audit/<int:event_id>/", audit.AuditEventPage, "audit_event"),
    ("jobs/", jobs.Jobs, "jobs"),
    ("jobs/<int:job_id>/", jobs.JobPage, "job"),
]
