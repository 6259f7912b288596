"""Settings, all from the environment (12-factor); docs/settings.md lists every variable."""

from __future__ import annotations

import os
from pathlib import Path

# Rasterio and shapely bring their own GDAL and GEOS; they must be loaded before GeoDjango looks for one.
import rasterio
import shapely

from annotator.environment import read_bool, read_database, read_int, read_list, read_path, read_secret

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = read_path("MILPA_VAR", BASE_DIR / "var")
MEDIA_ROOT = read_path("MILPA_MEDIA", VAR_DIR / "media")
MILPA_DATA = read_path("MILPA_DATA", Path()) if read_list("MILPA_DATA", []) else None

DEBUG = read_bool("DEBUG", True)
SECRET_KEY = read_secret("SECRET_KEY", VAR_DIR / "secret-key", DEBUG)
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS", ["*"] if DEBUG else ["localhost"])
CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS", [])


def _bundled_library(package: object, name: str) -> str | None:
    """The path of a C library that a wheel brings along, None where the system's is used."""
    folder = Path(package.__file__).parent.parent / f"{package.__name__}.libs"  # type: ignore[attr-defined]
    return next((str(path) for path in sorted(folder.glob(name))), None)


GDAL_LIBRARY_PATH = _bundled_library(rasterio, "libgdal-*")
GEOS_LIBRARY_PATH = _bundled_library(shapely, "libgeos_c-*")

INSTALLED_APPS = [
    "annotator.apps.AnnotatorConfig",
    "annotator.apps.MilpaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.humanize",
    "leaflet",
    "rest_framework",
    "knox",
    "rest_framework_gis",
    "drf_spectacular",
]

MIDDLEWARE = [
    # Before all others: most tiles are answered here, without their work.
    "annotator.api.scene_tiles.TileDoor",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "annotator.web.languages.PageLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "annotator.api.request_limits.RequestLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "annotator.urls"
WSGI_APPLICATION = "annotator.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [BASE_DIR / "annotator" / "web" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": read_database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
# The languages that the pages are complete in, each by its own name; the administration is in English only.
LANGUAGES = [
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("pt", "Português"),
    ("hi", "हिन्दी"),
    ("sw", "Kiswahili"),
    ("ar", "العربية"),
]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
# Browser packages that npm installed, of which only these reach the browser.
VENDOR_PACKAGES = ("pbf", "@mapbox/vector-tile", "@mapbox/point-geometry")
STATICFILES_DIRS = [("milpa", BASE_DIR / "frontend")] + [
    (f"vendor/{name}", BASE_DIR / "node_modules" / name)
    for name in VENDOR_PACKAGES
    if (BASE_DIR / "node_modules" / name).is_dir()
]
# Without a build step, files are served straight from the source folders while DEBUG is on.
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = read_bool("SECURE_COOKIES", False)
X_FRAME_OPTIONS = "SAMEORIGIN"
# Behind a proxy that speaks TLS, addresses in answers begin with https only if the proxy is believed.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if read_bool("TRUST_PROXY", False) else None

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one's challenge makes a refusal a 401 rather than a 403.
        "annotator.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "annotator.api.problems.problem_response",
    "DEFAULT_PAGINATION_CLASS": "annotator.api.pagination.NewestFirst",
    "PAGE_SIZE": 100,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Access tokens: knox makes, hashes and recognises them; the row with name and scope is ours.
KNOX_TOKEN_MODEL = "annotator.AccessToken"  # noqa: S105  # the name of a model
REST_KNOX = {"TOKEN_PREFIX": "milpa_"}
# Its migrations would make a table of its own model, which is swapped for ours.
MIGRATION_MODULES = {"knox": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "Milpa",
    "DESCRIPTION": "Map smallholder farmland with a model that learns from every correction.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "annotator.api.schema.tell_plain_views",
        "annotator.api.schema.tell_documents",
        "annotator.api.schema.tell_problems",
        "annotator.api.schema.tell_address_parts",
    ],
}

LEAFLET_CONFIG = {
    "TILES": [],
    "SRID": None,
    "RESET_VIEW": False,
    "SCALE": "metric",
    "ATTRIBUTION_PREFIX": "",
    "NO_GLOBALS": False,
    "MAX_ZOOM": 24,
}

CELERY_BROKER_URL = read_list("CELERY_BROKER_URL", ["redis://localhost:6379/0"])[0]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task longer than the visibility timeout is delivered twice, so it is long; a lost worker's task comes back
# through the lease rows that the beat schedule below sweeps, not through Redis.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 6 * 3600,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULE = {
    "sweep-expired-claims": {"task": "annotator.tasks.sweep_claims", "schedule": 30.0},
    "resume-lost-jobs": {"task": "annotator.tasks.resume_lost_jobs", "schedule": 15.0},
    # Not with the approval itself: of many at once, an import's say, all are to be learned from.
    "begin-due-runs": {"task": "annotator.tasks.begin_due_runs", "schedule": 60.0},
    "add-up-tallies": {"task": "annotator.tasks.add_up_tallies", "schedule": 60.0},
    "remove-leftovers": {"task": "annotator.tasks.remove_leftovers", "schedule": 3600.0},
    "forget-answers": {"task": "annotator.tasks.forget_answers", "schedule": 3600.0},
    "remove-old-exports": {"task": "annotator.tasks.remove_old_exports", "schedule": 3600.0},
    "remove-forgotten-imports": {"task": "annotator.tasks.remove_forgotten_imports", "schedule": 3600.0},
    "rank-due-projects": {"task": "annotator.tasks.rank_due_projects", "schedule": 60.0},
}
# The labelling queue is ranked again once so many patches were approved since it was ranked last.
RANK_AFTER_APPROVALS = read_int("RANK_AFTER_APPROVALS", 20)

# How long an annotator holds a patch without a sign of life, in seconds.
CLAIM_LEASE_SECONDS = read_int("CLAIM_LEASE_SECONDS", 20 * 60)
# Likewise the patch that a page loads ahead while another one is drawn.
CLAIM_AHEAD_LEASE_SECONDS = read_int("CLAIM_AHEAD_LEASE_SECONDS", 3 * 60)
# How long an annotator holds the patches that were taken offline.
CLAIM_FIELD_LEASE_SECONDS = read_int("CLAIM_FIELD_LEASE_SECONDS", 14 * 3600)
# For how long a person who was allowed to see a scene's tiles goes on seeing them without being asked again, in
# seconds: so long a removed member, or one who signed out, may still be sent tiles.
TILE_GRANT_SECONDS = read_int("TILE_GRANT_SECONDS", 30)
# How many patches of a project one person may hold at a time, those taken offline among them.
CLAIMS_PER_PERSON_MAX = read_int("CLAIMS_PER_PERSON_MAX", 40)
# A job whose heartbeat is older than this is taken to be lost, and is started again, in seconds.
JOB_LOST_AFTER_SECONDS = read_int("JOB_LOST_AFTER_SECONDS", 60)
# How long a training worker waits for a database that is away, in a restart say, in seconds.
DATABASE_PATIENCE_SECONDS = read_int("DATABASE_PATIENCE_SECONDS", 300)
# The largest scene that is taken by upload, in bytes.
SCENE_UPLOAD_MAX_BYTES = read_int("SCENE_UPLOAD_MAX_BYTES", 2 * 1024**3)
# The largest file of labels that is taken by upload, in bytes.
LABEL_UPLOAD_MAX_BYTES = read_int("LABEL_UPLOAD_MAX_BYTES", 512 * 1024**2)
# How long the file of an export is kept, in days, the same export can be asked for again; likewise uploads of
# labels that nobody began to import.
EXPORT_KEEP_DAYS = read_int("EXPORT_KEEP_DAYS", 14)
# How much room the files of all exports together may take, in bytes.
EXPORTS_MAX_BYTES = read_int("EXPORTS_MAX_BYTES", 20 * 1024**3)
# Whether scenes are fetched from private and local addresses, too: whoever may add scenes can then make the
# server read what only the server's own network should reach.
SCENE_URL_ALLOW_PRIVATE = read_bool("SCENE_URL_ALLOW_PRIVATE", False)
# The folders from which leads may add scenes by path; files elsewhere are refused.
SCENE_FOLDERS = [
    *(Path(p).resolve() for p in read_list("MILPA_SCENE_FOLDERS", [])),
    *([MILPA_DATA] if MILPA_DATA else []),
    MEDIA_ROOT / "demo",
]
# S3-compatible storage that leads may add scenes from: its address (empty: Amazon's), and the buckets that are
# allowed. Credentials are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without them it is asked openly.
S3_ENDPOINT = os.environ.get("MILPA_S3_ENDPOINT", "").strip()
S3_BUCKETS = read_list("MILPA_S3_BUCKETS", [])
# The model that a new project starts from: a folder or a hub name. Empty: the starter in this repository.
BASE_MODEL = read_list("MILPA_BASE_MODEL", [""])[0] if read_list("MILPA_BASE_MODEL", []) else ""
# The longest request that brings no file of a scene or of labels, in bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024**2
# Files on their way in lie on the disk of scenes, not in memory as a container's temporary folder does. The folder is
# made when the first of them comes, so Django need not ask for it before.
FILE_UPLOAD_TEMP_DIR = MEDIA_ROOT / "incoming"
SILENCED_SYSTEM_CHECKS = ["files.E001"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
