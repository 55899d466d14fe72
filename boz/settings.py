"""Settings of every installation, read from the environment.

Each variable has a safe default or stops start-up with a sentence that names it and its fix; each
may also be given as ``NAME_FILE``. ``.env.example`` lists them all, and a test holds it against
this file.
"""

from __future__ import annotations

import base64
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured

from boz.core import env
from boz.core.encryption import parse_keys
from boz.core.logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# --- Which installation ---------------------------------------------------------------------------

ENVIRONMENT_FILE = os.environ.get("BOZ_ENV_FILE", str(BASE_DIR / ".env"))
if os.environ.get("ENVIRONMENT") != "test":
    env.load_env_file(ENVIRONMENT_FILE)

ENVIRONMENT = env.read_choice(
    "ENVIRONMENT", choices=("development", "test", "production"), default="development"
)
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.read_bool("DEBUG", default=False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must be off in production. Unset DEBUG.")

# --- Secrets --------------------------------------------------------------------------------------

_KEY_HELP = (
    'Make one with: python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'
)
try:
    ENCRYPTION_KEYS: list[bytes] = parse_keys(env.read_secret("ENCRYPTION_KEY", help=_KEY_HELP))
except ValueError as error:
    raise ImproperlyConfigured(f"ENCRYPTION_KEY is malformed: {error}. {_KEY_HELP}") from None


def _derived_secret_key(key: bytes) -> str:
    """Derive Django's signing secret from the encryption key, so that one secret is enough."""
    derived = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"boz django secret key").derive(
        key
    )
    return base64.urlsafe_b64encode(derived).decode()


SECRET_KEY = env.read_secret("SECRET_KEY", default="") or _derived_secret_key(ENCRYPTION_KEYS[0])
METRICS_TOKEN = env.read_secret("METRICS_TOKEN", default="")

# --- Web ------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.read_list("ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.read_list("CSRF_TRUSTED_ORIGINS", default="")
ROOT_URLCONF = "boz.urls"
ASGI_APPLICATION = "boz.asgi.application"
WSGI_APPLICATION = "boz.wsgi.application"
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:overview"
LOGOUT_REDIRECT_URL = "console:login"

SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
#: Pages that may use inline scripts and styles: the API's own documentation, served offline.
CSP_RELAXED_PREFIXES = ("/api/v1/docs/",)

BEHIND_TLS = env.read_bool("BEHIND_TLS", default=PRODUCTION)
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^api/health$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SECURE_HSTS_PRELOAD = BEHIND_TLS

# --- Apps -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_prometheus",
    "django_filters",
    "django_q",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "boz.core",
    "weather",
    "markets",
    "prediction",
    "trading",
    "settlement",
    "boz.console",
    "boz.sandbox",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "boz.core.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "boz.core.middleware.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["boz.formats"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
if not PRODUCTION:
    # In production the image brings the collected files; here the folder only has to exist.
    STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

# --- Database, cache, queue -----------------------------------------------------------------------


def _database() -> dict[str, Any]:
    """Return the database settings; SQLite waits for a lock rather than failing on it."""
    default = f"sqlite:///{VAR_DIR / 'boz.sqlite3'}"
    config = env.read_database("DATABASE_URL", default=default)
    config["CONN_MAX_AGE"] = 600
    config["CONN_HEALTH_CHECKS"] = True
    if config["ENGINE"].endswith("sqlite3"):
        if config["NAME"] not in (":memory:", ""):
            Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                " PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;"
            ),
        }
    return config


DATABASES = {"default": _database()}

REDIS_URL = env.read_url("REDIS_URL", default="", schemes=("redis", "rediss"))
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

SCHEDULES_MODULE = "boz.schedules"
Q_CLUSTER: dict[str, Any] = {
    "name": "boz",
    "workers": env.read_int(
        "QUEUE_WORKERS",
        # SQLite has one writer at a time, so a second worker would only wait.
        default=1 if DATABASES["default"]["ENGINE"].endswith("sqlite3") else 2,
        minimum=1,
        maximum=32,
    ),
    "timeout": 300,
    "retry": 600,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": 0,
    "catch_up": False,
    "bulk": 1,
    "poll": 1,
}
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

# --- Logging --------------------------------------------------------------------------------------

LOG_LEVEL = env.read_choice(
    "LOG_LEVEL", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO"
)
LOG_JSON_FILE = env.read_str("LOG_JSON_FILE", default="")
LOGGING = logging_config(level=LOG_LEVEL, json_file=LOG_JSON_FILE or None)

# --- API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one decides that an anonymous caller is asked for a token with 401.
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "boz.core.api.pagination.RowCursorPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "boz.core.api.errors.render_error",
    "COERCE_DECIMAL_TO_STRING": True,
    "DEFAULT_THROTTLE_RATES": {"login": "10/min"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Boz Weather Trader",
    "DESCRIPTION": "Forecasts, markets, decisions, orders and results of one trading desk.",
    "VERSION": "1",
    # The shapes of boz.core.schemas are JSON Schema as of this version: null is a type.
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Outside services -----------------------------------------------------------------------------

NWS_API_URL = env.read_url("NWS_API_URL", default="https://api.weather.gov")
NWS_USER_AGENT = env.read_str(
    "NWS_USER_AGENT",
    default="boz-weather-trader (set NWS_USER_AGENT to your contact@example.org)",
)
NWS_RATE_LIMIT_PER_SECOND = env.read_float(
    "NWS_RATE_LIMIT_PER_SECOND", default=10.0, minimum=0.01, maximum=10000
)
AVIATIONWEATHER_API_URL = env.read_url(
    "AVIATIONWEATHER_API_URL", default="https://aviationweather.gov"
)
AVIATIONWEATHER_RATE_LIMIT_PER_SECOND = env.read_float(
    "AVIATIONWEATHER_RATE_LIMIT_PER_SECOND", default=1.0, minimum=0.01, maximum=10000
)
OPEN_METEO_API_URL = env.read_url("OPEN_METEO_API_URL", default="https://api.open-meteo.com")
OPEN_METEO_API_KEY = env.read_str("OPEN_METEO_API_KEY", default="")
OPEN_METEO_CALLS_PER_MINUTE = env.read_int(
    "OPEN_METEO_CALLS_PER_MINUTE", default=600, minimum=1, maximum=1_000_000
)
NBM_API_URL = env.read_url("NBM_API_URL", default="https://noaa-nbm-grib2-pds.s3.amazonaws.com")
NBM_RATE_LIMIT_PER_SECOND = env.read_float(
    "NBM_RATE_LIMIT_PER_SECOND", default=20.0, minimum=0.01, maximum=10000
)
IEM_API_URL = env.read_url("IEM_API_URL", default="https://mesonet.agron.iastate.edu")
IEM_RATE_LIMIT_PER_SECOND = env.read_float(
    "IEM_RATE_LIMIT_PER_SECOND", default=1.0, minimum=0.01, maximum=10000
)
WEATHER_COMPANY_API_URL = env.read_url(
    "WEATHER_COMPANY_API_URL", default="https://weather.com/kalshi/api"
)
WEATHER_COMPANY_RATE_LIMIT_PER_SECOND = env.read_float(
    "WEATHER_COMPANY_RATE_LIMIT_PER_SECOND", default=1.0, minimum=0.01, maximum=10000
)
KALSHI_API_URL = env.read_url(
    "KALSHI_API_URL", default="https://external-api.kalshi.com/trade-api/v2"
)
KALSHI_DEMO_API_URL = env.read_url(
    "KALSHI_DEMO_API_URL", default="https://external-api.demo.kalshi.co/trade-api/v2"
)
KALSHI_WS_URL = env.read_url(
    "KALSHI_WS_URL",
    default="wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    schemes=("wss", "ws"),
)
KALSHI_DEMO_WS_URL = env.read_url(
    "KALSHI_DEMO_WS_URL",
    default="wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
    schemes=("wss", "ws"),
)
KALSHI_STREAM_KEY_ID = env.read_str("KALSHI_STREAM_KEY_ID", default="")
#: A path: the key itself is read by the stream alone, and stays out of every other process.
KALSHI_STREAM_PRIVATE_KEY_FILE = env.read_str("KALSHI_STREAM_PRIVATE_KEY_FILE", default="")
KALSHI_RATE_LIMIT_PER_SECOND = env.read_float(
    "KALSHI_RATE_LIMIT_PER_SECOND", default=5.0, minimum=0.01, maximum=10000
)

# --- Trading: limits of a new portfolio, and the first of the two switches to real money ----------

BOZ_ALLOW_LIVE = env.read_bool("BOZ_ALLOW_LIVE", default=False)
DEFAULT_MAX_TRADE_SIZE = env.read_decimal("DEFAULT_MAX_TRADE_SIZE", default="1.00", minimum="0")
DEFAULT_DAILY_LOSS_LIMIT = env.read_decimal(
    "DEFAULT_DAILY_LOSS_LIMIT", default="10.00", minimum="0"
)
DEFAULT_MAX_DAILY_EXPOSURE = env.read_decimal(
    "DEFAULT_MAX_DAILY_EXPOSURE", default="25.00", minimum="0"
)
DEFAULT_MIN_EV_THRESHOLD = env.read_decimal(
    "DEFAULT_MIN_EV_THRESHOLD", default="0.05", minimum="0", maximum="1"
)
DEFAULT_COOLDOWN_MINUTES = env.read_int(
    "DEFAULT_COOLDOWN_MINUTES", default=60, minimum=0, maximum=10080
)
DEFAULT_CONSECUTIVE_LOSS_LIMIT = env.read_int(
    "DEFAULT_CONSECUTIVE_LOSS_LIMIT", default=3, minimum=0, maximum=1000
)
