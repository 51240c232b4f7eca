"""Settings: each product setting is one line, read from the environment or ``.env``.

The table of them all is in ``docs/settings.md``.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from blobs import locations
from console.theme import UNFOLD as UNFOLD
from objectstore_site import environment as env

# Paths

BASE_DIR = Path(__file__).resolve().parent.parent
# A checkout keeps what it is told and what it stores beside its code; installed from a
# wheel, the store does so where it is started.
IS_CHECKOUT = (BASE_DIR / "manage.py").exists()
HOME = BASE_DIR if IS_CHECKOUT else Path.cwd()
load_dotenv(HOME / ".env")

# Where the embedded default keeps everything: database, blobs, broker, secrets, logs.
DATA_DIR = env.folder("OBJECTSTORE_DATA_DIR", HOME, "data")

# Django

# Signs sessions and tokens; made on first use and kept in the data folder.
SECRET_KEY = env.secret("OBJECTSTORE_SECRET_KEY", DATA_DIR / "secret.key")
DEBUG = env.flag("OBJECTSTORE_DEBUG", False)
ALLOWED_HOSTS = env.names("OBJECTSTORE_ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = env.names("OBJECTSTORE_TRUSTED_ORIGINS")
ROOT_URLCONF = "objectstore_site.urls"
WSGI_APPLICATION = "objectstore_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Object keys may end in a slash or lack one: a redirect would change the key.
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator")
]
X_FRAME_OPTIONS = "DENY"
# Bodies are streamed by our own readers; these bound Django's form parsing alone.
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# Where the server listens: this machine alone unless it is told otherwise.
SERVER_HOST = env.text("OBJECTSTORE_HOST", "127.0.0.1")
SERVER_PORT = env.integer("OBJECTSTORE_PORT", 8000, least=1, most=65535)
# Processes, each with its own database connections; one suits SQLite best.
SERVER_WORKERS = env.integer("OBJECTSTORE_WORKERS", 1, least=1)
# Requests that a process works on at once; writes that wait share a commit.
SERVER_THREADS = env.integer("OBJECTSTORE_THREADS", 32, least=1)
# Seconds for which a client may be silent in mid-request; 0: for ever.
CLIENT_TIMEOUT = env.integer("OBJECTSTORE_CLIENT_TIMEOUT", 60)

# Files in PEM (the key in PKCS#8): with both, the server speaks TLS itself.
TLS_CERTIFICATE = env.text("OBJECTSTORE_TLS_CERTIFICATE")
TLS_KEY = env.text("OBJECTSTORE_TLS_KEY")
if bool(TLS_CERTIFICATE) != bool(TLS_KEY):
    raise ImproperlyConfigured(
        "OBJECTSTORE_TLS_CERTIFICATE, OBJECTSTORE_TLS_KEY: give both, or neither"
    )

INSTALLED_APPS = [
    "objectstore_site",
    "console.apps.ConsoleConfig",
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "kernel.apps.KernelConfig",
    "blobs.apps.BlobsConfig",
    "iam.apps.IamConfig",
    "buckets.apps.BucketsConfig",
    "objects.apps.ObjectsConfig",
    "lifecycle.apps.LifecycleConfig",
    "audit.apps.AuditConfig",
    "shares.apps.SharesConfig",
    "monitoring.apps.MonitoringConfig",
    "s3api.apps.S3ApiConfig",
    "keyvalue.apps.KeyValueConfig",
    "observability.apps.ObservabilityConfig",
]

# The browser's middleware passes every request by that is not for a browser page:
# it doubles the cost of a small GET (44 us bare, 89 us with all seven).
MIDDLEWARE = [
    "objectstore_site.middleware.RequestFrame",
    "objectstore_site.middleware.BrowserSecurity",
    "objectstore_site.middleware.BrowserStatic",
    "objectstore_site.middleware.BrowserSession",
    "objectstore_site.middleware.BrowserCommon",
    "objectstore_site.middleware.BrowserCsrf",
    "objectstore_site.middleware.BrowserAuthentication",
    "objectstore_site.middleware.BrowserMessages",
    "objectstore_site.middleware.BrowserClickjacking",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # The wheel has them in this package, where APP_DIRS finds them.
        "DIRS": [BASE_DIR / "templates"] if IS_CHECKOUT else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The path that a proxy serves all this under, such as /store: it takes the path off.
# For the console and REST; S3 clients sign paths, so they need a host of their own.
SUB_PATH = ("/" + env.text("OBJECTSTORE_SUB_PATH").strip("/")).rstrip("/")
FORCE_SCRIPT_NAME = SUB_PATH or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = SUB_PATH or "/"

STATIC_URL = f"{SUB_PATH}/-/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Browsers

# The URL people reach this store by, for links; empty: as the request came.
OBJECTSTORE_PUBLIC_URL = env.url("OBJECTSTORE_PUBLIC_URL", "", "https", "http")
# Whether cookies go over https alone: by default where people come by https.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = env.flag(
    "OBJECTSTORE_SECURE_COOKIES", OBJECTSTORE_PUBLIC_URL.startswith("https://")
)
# Seconds for which a browser asks no more for http; it cannot be taken back.
SECURE_HSTS_SECONDS = env.integer("OBJECTSTORE_HSTS_SECONDS", 0)
# Whether that holds for every name below the store's, as buckets have them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("OBJECTSTORE_HSTS_SUBDOMAINS", False)
# Whether pages asked for over http lead to https. Requests of programs never do: what
# they sent has been read by then.
SECURE_SSL_REDIRECT = env.flag("OBJECTSTORE_SSL_REDIRECT", False)

# Database

# Where metadata is kept: SQLite in the data folder, or PostgreSQL by URL.
DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        f"sqlite:///{quote(str(DATA_DIR / 'objectstore.sqlite3'))}",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        # A writer takes its lock at BEGIN: no upgrade can fail in mid-transaction.
        "transaction_mode": "IMMEDIATE",
        # FULL: a commit is on disk before it is answered. The write-ahead log is
        # folded back every 32 MiB instead of 4: it costs two fsyncs each time.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=67108864;"
            "PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;"
        ),
    }
    # A file also in tests: threads and processes must see the same database.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    # Nothing to check: the database is a file. The check costs a query a request.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False

# Whether PostgreSQL keeps the plans of hot statements (PgBouncer can from 1.21 on).
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = (
        5 if env.flag("OBJECTSTORE_PREPARED_STATEMENTS", True) else None
    )

# Whether waiting writes share one commit (SQLite only; PostgreSQL does it itself).
OBJECTSTORE_GROUP_COMMIT = env.flag("OBJECTSTORE_GROUP_COMMIT", True)

# Caches

# Where counters and short-lived facts are shared: in the process, or redis://...
CACHE_URL = env.url("OBJECTSTORE_CACHE_URL", "", "redis", "rediss", "unix", "locmem")
if CACHE_URL and not CACHE_URL.startswith("locmem:"):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": CACHE_URL,
        },
        "ratelimit": {"BACKEND": "iam.shared.SharedCounters", "LOCATION": CACHE_URL},
    }
else:
    _cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    CACHES = {
        "default": {**_cache, "LOCATION": "default"},
        "ratelimit": {"BACKEND": "iam.counters.ProcessCounters"},
    }
RATELIMIT_USE_CACHE = "ratelimit"
# django-ratelimit's own defaults, said here because asking for what is not set is slow.
RATELIMIT_ENABLE = True
RATELIMIT_CACHE_PREFIX = "rl:"
RATELIMIT_HASH_ALGORITHM = hashlib.sha256
RATELIMIT_FAIL_OPEN = False
SILENCED_SYSTEM_CHECKS = [
    # Caches of one process; docs/settings.md says what follows.
    *("django_ratelimit.E003", "django_ratelimit.W001"),
    # Middleware that Django knows by other names; objectstore_site.checks looks closer.
    *("security.W001", "security.W002", "security.W003"),
]

# Bytes

# The storage class that new buckets use unless they say otherwise.
OBJECTSTORE_DEFAULT_STORAGE_CLASS = env.text(
    "OBJECTSTORE_DEFAULT_STORAGE_CLASS", "standard"
)
# The storage classes, in the order people see them and objects move down.
OBJECTSTORE_STORAGE_CLASSES = env.names(
    "OBJECTSTORE_STORAGE_CLASSES", "standard,cold,archive"
)
# Each is where OBJECTSTORE_STORAGE_<CLASS> says, else a folder in the data folder.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
    **locations.storages(OBJECTSTORE_STORAGE_CLASSES, os.environ, DATA_DIR / "blobs"),
}
# Seconds within which a storage elsewhere must answer, all attempts together.
OBJECTSTORE_STORAGE_TIMEOUT = env.integer("OBJECTSTORE_STORAGE_TIMEOUT", 20, least=1)
# How often a request to a storage elsewhere is tried.
OBJECTSTORE_STORAGE_ATTEMPTS = env.integer("OBJECTSTORE_STORAGE_ATTEMPTS", 3, least=1)
# Classes that are archives: read only after RestoreObject.
OBJECTSTORE_ARCHIVE_CLASSES = env.names("OBJECTSTORE_ARCHIVE_CLASSES", "archive")
# Seconds after which a restore is begun, by tier; the schedule looks each minute.
OBJECTSTORE_RESTORE_SECONDS = {
    "Expedited": env.integer("OBJECTSTORE_RESTORE_EXPEDITED_SECONDS", 0),
    "Standard": env.integer("OBJECTSTORE_RESTORE_STANDARD_SECONDS", 0),
    "Bulk": env.integer("OBJECTSTORE_RESTORE_BULK_SECONDS", 0),
}
# Objects up to this many bytes are kept in the database itself: one fsync, not three.
OBJECTSTORE_INLINE_MAX = env.integer("OBJECTSTORE_INLINE_MAX", 16 * 1024)
# Bytes that uploads leave free on the disks of blobs and of SQLite, so that deletes,
# which write too, can still make room; of a small disk a twentieth at most. 0: none.
OBJECTSTORE_MIN_FREE_BYTES = env.integer("OBJECTSTORE_MIN_FREE_BYTES", 128 * 1024**2)
# Seconds that bytes no version names any more stay, so that readers can finish.
OBJECTSTORE_FREE_GRACE_SECONDS = env.integer("OBJECTSTORE_FREE_GRACE_SECONDS", 600)
# Seconds after which an upload that never finished counts as crashed.
OBJECTSTORE_PENDING_GRACE_SECONDS = env.integer(
    "OBJECTSTORE_PENDING_GRACE_SECONDS", 24 * 3600
)
# Largest body of one request, and largest object, in bytes (AWS: 5 GiB, 48.8 TiB).
OBJECTSTORE_MAX_BODY = env.integer("OBJECTSTORE_MAX_BODY", 5 * 1024**3)
OBJECTSTORE_MAX_OBJECT = env.integer("OBJECTSTORE_MAX_OBJECT", 10_000 * 5 * 1024**3)
# Smallest part but the last, in bytes.
OBJECTSTORE_MIN_PART = env.integer("OBJECTSTORE_MIN_PART", 5 * 1024**2)
# How long a day of lifecycle rules lasts, in seconds; less than 86,400 for trials only.
OBJECTSTORE_LIFECYCLE_DAY_SECONDS = env.integer(
    "OBJECTSTORE_LIFECYCLE_DAY_SECONDS", 24 * 3600, least=1
)
# Bytes that one hourly scrub reads back at most; the next goes on where it stopped.
OBJECTSTORE_SCRUB_BYTES = env.integer("OBJECTSTORE_SCRUB_BYTES", 10 * 1024**3)
# Seconds for which a completed upload can be asked for its outcome again.
OBJECTSTORE_UPLOAD_OUTCOME_SECONDS = env.integer(
    "OBJECTSTORE_UPLOAD_OUTCOME_SECONDS", 7 * 24 * 3600
)
# Seconds after which an unfinished upload expires in every bucket; 0: only by rules.
OBJECTSTORE_UPLOAD_EXPIRES_SECONDS = env.integer(
    "OBJECTSTORE_UPLOAD_EXPIRES_SECONDS", 0
)

# Identity

# The first account's operator, printed once at the first start unless given here.
OBJECTSTORE_ROOT_USER = env.text("OBJECTSTORE_ROOT_USER", "admin")
OBJECTSTORE_ROOT_ACCESS_KEY = env.text(
    "OBJECTSTORE_ROOT_ACCESS_KEY", "", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY"
)
OBJECTSTORE_ROOT_SECRET_KEY = env.text(
    "OBJECTSTORE_ROOT_SECRET_KEY", "", "MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY"
)
OBJECTSTORE_ROOT_API_KEY = env.text("OBJECTSTORE_ROOT_API_KEY")
OBJECTSTORE_ROOT_PASSWORD = env.text("OBJECTSTORE_ROOT_PASSWORD")
# Seals S3 secrets in the database; keys after the first still open old seals.
OBJECTSTORE_SEALING_KEYS = [
    key.strip()
    for key in env.secret("OBJECTSTORE_SEALING_KEYS", DATA_DIR / "sealing.key").split(
        ","
    )
    if key.strip()
]
# S3 key pairs that one user, service account or root user may have (AWS: 2).
OBJECTSTORE_ACCESS_KEYS_PER_USER = env.integer("OBJECTSTORE_ACCESS_KEYS_PER_USER", 2)
# Names of the keys that SSE-KMS can ask for, derived from the sealing keys.
OBJECTSTORE_KMS_KEYS = env.names("OBJECTSTORE_KMS_KEYS", "default")
# Seconds that a process may rely on a principal and its policies without asking again.
OBJECTSTORE_PRINCIPAL_CACHE_SECONDS = env.integer(
    "OBJECTSTORE_PRINCIPAL_CACHE_SECONDS", 5
)
# Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
OBJECTSTORE_TRUSTED_PROXIES = env.networks("OBJECTSTORE_TRUSTED_PROXIES")

# Dialects

# The region of this endpoint.
OBJECTSTORE_REGION = env.text("OBJECTSTORE_REGION", "us-east-1")
# Domains under which {bucket}.{domain} is the bucket (virtual-hosted style).
OBJECTSTORE_DOMAINS = env.names("OBJECTSTORE_DOMAINS")
# Domains under which {bucket}.{domain} is the bucket's website.
OBJECTSTORE_WEBSITE_DOMAINS = env.names("OBJECTSTORE_WEBSITE_DOMAINS")
# Hosts that serve the S3 dialect alone, without reserved bucket names.
OBJECTSTORE_S3_HOSTS = env.names("OBJECTSTORE_S3_HOSTS")
# What answers at the root: s3, or kv for the strict key-value server.
OBJECTSTORE_ROOT_DIALECT = env.choice("OBJECTSTORE_ROOT_DIALECT", "s3", "kv")
# Who may use the root key-value dialect without a key (loopback alone): off by default.
OBJECTSTORE_KV_ANONYMOUS = env.flag("OBJECTSTORE_KV_ANONYMOUS", False)
# The bucket of the key-value dialects, made at the first write.
OBJECTSTORE_KEYVALUE_BUCKET = env.text("OBJECTSTORE_KEYVALUE_BUCKET", "key-value")
# Where AWS and Ceph's RGW disagree: aws or rgw.
OBJECTSTORE_S3_FLAVOUR = env.choice("OBJECTSTORE_S3_FLAVOUR", "aws", "rgw")
# Whether new buckets refuse public ACLs and policies until that is turned off.
OBJECTSTORE_BLOCK_PUBLIC_ACCESS = env.flag(
    "OBJECTSTORE_BLOCK_PUBLIC_ACCESS", OBJECTSTORE_S3_FLAVOUR == "aws"
)
# Whether Signature Version 2 of old clients is accepted.
OBJECTSTORE_SIGV2 = env.flag("OBJECTSTORE_SIGV2", True)

# Rate limits, per key: requests/period (s, m, h, d) as django-ratelimit writes them.
OBJECTSTORE_RATE_LIMITS = {
    "object_get": env.text("OBJECTSTORE_RATE_OBJECT_GET", "5000/m"),
    "object_put": env.text("OBJECTSTORE_RATE_OBJECT_PUT", "1000/m"),
    "object_delete": env.text("OBJECTSTORE_RATE_OBJECT_DELETE", "1000/m"),
    "bucket": env.text("OBJECTSTORE_RATE_BUCKET", "100/m"),
    "list": env.text("OBJECTSTORE_RATE_LIST", "500/m"),
}
# The dialects that the limits hold for: rest, keyvalue, s3.
OBJECTSTORE_RATE_LIMITED_DIALECTS = env.names(
    "OBJECTSTORE_RATE_LIMITED_DIALECTS", "rest,keyvalue", ("rest", "keyvalue", "s3")
)

# REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["iam.drf.PrincipalAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": ["iam.drf.RateLimit"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "kernel.http.negotiation.JsonFirst",
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "kernel.http.errors.render_rest_error",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Object store",
    "DESCRIPTION": "Buckets, objects, versions and multipart uploads over REST.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {"KeyStatusEnum": ["active", "inactive"]},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Celery

CELERY_BROKER_URL = env.url(
    "CELERY_BROKER_URL",
    "filesystem://localhost",
    *("redis", "rediss", "sentinel", "amqp", "amqps", "pyamqp", "filesystem", "memory"),
)
if CELERY_BROKER_URL.startswith("filesystem:"):
    _broker = DATA_DIR / "broker"
    for _folder in ("messages", "processed", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    # Reader and writer share one folder, so messages outlive both.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "processed_folder": str(_broker / "processed"),
        "control_folder": str(_broker / "control"),
        "store_processed": False,
        # Seconds: jobs begin that much sooner than at one.
        "polling_interval": 0.2,
    }
    # The filesystem transport has no fanout: remote control would only log errors.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
elif CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
    # Redis sends a message again that is not done in time. The schedule sends again
    # what a dead worker left, so that a long run need not be carried out twice.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 24 * 3600}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "objectstore_site.schedule:KeptSchedule"
# What the schedule begins with; operators change it under /admin/.
CELERY_BEAT_SCHEDULE = {
    "sweep freed and abandoned blobs": {
        "task": "objects.tasks.sweep_blobs",
        "schedule": 60,
    },
    "carry out lifecycle rules": {
        "task": "lifecycle.tasks.start_lifecycle",
        "schedule": min(3600, OBJECTSTORE_LIFECYCLE_DAY_SECONDS),
    },
    "restore archived objects, and end restores": {
        "task": "lifecycle.tasks.start_restores",
        "schedule": 60,
    },
    "take up jobs that lost their worker": {
        "task": "console.tasks.resume_jobs",
        "schedule": 60,
    },
    "compare stored bytes with their checksums": {
        "task": "lifecycle.tasks.scrub_blobs",
        "schedule": 3600,
    },
    "verify the buckets' counters": {
        "task": "lifecycle.tasks.verify_bucket_counters",
        "schedule": 24 * 3600,
    },
    "seal the audit log": {
        "task": "audit.tasks.seal_events",
        "schedule": 600,
    },
    "compare the audit log with its seals": {
        "task": "audit.tasks.verify_seals",
        "schedule": 24 * 3600,
    },
    "forget old audit events": {
        "task": "audit.tasks.forget_old_events",
        "schedule": 24 * 3600,
    },
    "keep figures of requests and capacity": {
        "task": "observability.tasks.roll_up_figures",
        "schedule": 60,
    },
    "forget old figures": {
        "task": "monitoring.tasks.forget_old_figures",
        "schedule": 24 * 3600,
    },
    "forget jobs that ended long ago": {
        "task": "console.tasks.forget_old_jobs",
        "schedule": 24 * 3600,
    },
    "forget share links that ended long ago": {
        "task": "shares.tasks.forget_old_shares",
        "schedule": 24 * 3600,
    },
    "forget old uploads and runs": {
        "task": "lifecycle.tasks.purge_records",
        "schedule": 24 * 3600,
    },
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# Observability. What is sent by OTLP is told by OpenTelemetry's own variables.

# Whether requests, commits, sweeps and tasks are counted and /-/metrics tells of them.
OBJECTSTORE_METRICS = env.flag("OBJECTSTORE_METRICS", True)
# Where the processes of this machine keep their counters.
OBJECTSTORE_METRICS_DIR = DATA_DIR / "metrics"
# Networks that may read /-/metrics without a token: this machine alone by default.
OBJECTSTORE_METRICS_NETWORKS = env.networks(
    "OBJECTSTORE_METRICS_NETWORKS", "127.0.0.0/8,::1/128"
)
# A bearer token with which /-/metrics may be read from everywhere.
OBJECTSTORE_METRICS_TOKEN = env.text("OBJECTSTORE_METRICS_TOKEN")
# How many buckets, the largest first, have series of their own.
OBJECTSTORE_METRICS_BUCKETS = env.integer("OBJECTSTORE_METRICS_BUCKETS", 100)

# Audit

# What the audit log keeps: changes of configurations, identities, buckets and locks,
# bulk deletions and refusals; or all, with every plain write of an object too.
OBJECTSTORE_AUDIT = env.choice("OBJECTSTORE_AUDIT", "changes", "all")
# Days after which the log forgets an event.
OBJECTSTORE_AUDIT_DAYS = env.integer("OBJECTSTORE_AUDIT_DAYS", 365)

# Logging

# INFO shows each start and job; WARNING and ERROR what needs a look.
LOG_LEVEL = env.choice(
    "OBJECTSTORE_LOG_LEVEL", "info", "debug", "warning", "error", "critical"
).upper()
# How a line is written: text or json.
LOG_FORMAT = env.choice("OBJECTSTORE_LOG_FORMAT", "text", "json")
# Where each request is written down: a file, - for the console, empty for nowhere.
OBJECTSTORE_ACCESS_LOG = env.text("OBJECTSTORE_ACCESS_LOG")
if OBJECTSTORE_ACCESS_LOG in ("", "-"):
    _access: dict[str, object] = {"class": "logging.StreamHandler"}
elif not os.access(Path(OBJECTSTORE_ACCESS_LOG).absolute().parent, os.W_OK):
    raise ImproperlyConfigured(
        "OBJECTSTORE_ACCESS_LOG: the folder is not there, or cannot be written"
    )
else:
    _access = {
        "class": "objectstore_site.logs.ErrorLog",
        "filename": OBJECTSTORE_ACCESS_LOG,
        "delay": True,
    }
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "observability.logs.Lines"},
        "json": {"()": "observability.logs.JsonLines"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "error_log": {
            "class": "objectstore_site.logs.ErrorLog",
            "filename": str(DATA_DIR / "error.log"),
            "delay": True,
            "level": "ERROR",
            "formatter": LOG_FORMAT,
        },
        "access_log": {**_access, "formatter": LOG_FORMAT},
    },
    "root": {"handlers": ["console", "error_log"], "level": LOG_LEVEL},
    "loggers": {
        # Refusals are answers, not incidents: 4xx would fill the log.
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "INFO"},
        # Each task's beginning and end are counted; what fails is an error.
        "celery": {"level": "WARNING"},
        "objectstore.access": {
            "handlers": ["access_log"],
            "level": "INFO",
            "propagate": False,
        },
    },
}
