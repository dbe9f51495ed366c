"""Settings of the portal, from the environment. What must not be guessed has no default.

HEMATON_PORTAL_DIR       folder of the database, the site file and the secret (required)
HEMATON_SECRET_KEY_FILE  file with the secret key (default: secret-key in the folder)
HEMATON_KEYRING_FILE     file with the encryption keys (default: keyring.json in the folder)
HEMATON_AUDIT_CHECKPOINTS  folder of the audit's signed checkpoints; copy it to another machine
                         (default: audit-checkpoints in the folder)
HEMATON_DATABASE_URL     postgresql://user:password@host:port/name; SQLite in the folder if unset
HEMATON_SITE             the programme's own facts and phone numbers (default: site.yaml in the
                         folder, else the demonstration's)
HEMATON_ALLOWED_HOSTS    comma-separated host names (required unless HEMATON_DEMO is set)
HEMATON_DEMO             1: demonstration over plain HTTP on this machine, marked on every page
HEMATON_EMAIL_URL        smtp://user:password@host:port; if unset, mail of a demonstration goes to
                         files in the folder, and mail of a portal in use waits
HEMATON_EMAIL_FROM       Name <address> that mail comes from; the name must not tell the clinic
                         (required with HEMATON_EMAIL_URL unless HEMATON_DEMO is set)
HEMATON_SITE_URL         https://host of the portal, for the links in mail (likewise)
HEMATON_CLAMD_SOCKET     unix socket of clamd; without it every file that is sent stays held
HEMATON_VIDEO            how video visits are held: none (default), a link with {room} such as
                         https://video.example/{room}, or jitsi:https://video.example
HEMATON_VIDEO_APP_ID     Jitsi's application id; its secret is HEMATON_VIDEO_SECRET_FILE
HEMATON_VIDEO_SECRET_FILE  file with the secret that Jitsi's token_verification knows
HEMATON_VIDEO_AGREEMENT  day on which the vendor signed the agreement on health information (BAA),
                         2026-11-23; video is off without it
HEMATON_BACKUP_DIR       folder that `hematon portal backup` fills, whose age pages and checks show
HEMATON_TRUSTED_PROXIES  number of proxies in front whose X-Forwarded-For is believed (0)
"""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from hematon.portal import environment as env

PACKAGE = Path(__file__).parent
DIRECTORY = Path(env.text("HEMATON_PORTAL_DIR"))
DEMO = env.flag("HEMATON_DEMO")
DEBUG = False
SECRET_KEY_FILE = Path(env.text("HEMATON_SECRET_KEY_FILE", str(DIRECTORY / "secret-key")))
SECRET_KEY = env.secret(SECRET_KEY_FILE)
# `hematon portal new-secret-key` leaves the old one there for a day.
_old_secret = SECRET_KEY_FILE.with_name(SECRET_KEY_FILE.name + ".old")
SECRET_KEY_FALLBACKS = [env.secret(_old_secret)] if _old_secret.exists() else []
KEYRING_FILE = Path(env.text("HEMATON_KEYRING_FILE", str(DIRECTORY / "keyring.json")))
AUDIT_CHECKPOINTS = Path(
    env.text("HEMATON_AUDIT_CHECKPOINTS", str(DIRECTORY / "audit-checkpoints"))
)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if DEMO else env.hosts("HEMATON_ALLOWED_HOSTS")

_site = DIRECTORY / "site.yaml"
SITE_FILE = Path(
    env.text("HEMATON_SITE", str(_site if _site.is_file() else PACKAGE / "ui" / "demo_site.yaml"))
)

INSTALLED_APPS = [
    "hematon.portal.ui",
    "hematon.portal.audit",
    "hematon.portal.notify",
    "hematon.portal.accounts",
    "hematon.portal.privacy",
    "hematon.portal.programme",
    "hematon.portal.families",
    "hematon.portal.files",
    "hematon.portal.learn",
    "hematon.portal.directory",
    "hematon.portal.care",
    "hematon.portal.counts",
    "hematon.portal.visits",
    "hematon.portal.clinic",
    "hematon.portal.inbox",
    "hematon.portal.referrals",
    "hematon.portal.opinions",
    "hematon.portal.operations",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
]

MIDDLEWARE = [
    "hematon.portal.ui.middleware.headers",
    # Above what may answer by itself, so that redirects and files carry them too.
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "hematon.portal.ui.middleware.plain_requests",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Around all that may refuse.
    "hematon.portal.audit.middleware.Notes",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hematon.portal.accounts.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hematon.portal.accounts.middleware.staff_in_english",
    "hematon.portal.accounts.middleware.session_ends",
    "hematon.portal.accounts.middleware.kinds_apart",
]

ROOT_URLCONF = "hematon.portal.urls"
WSGI_APPLICATION = "hematon.portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hematon.portal.ui.site.context",
                "hematon.portal.accounts.sessions.context",
                "hematon.portal.privacy.banner.context",
            ],
            "builtins": ["django.templatetags.i18n", "hematon.portal.ui.templatetags.ui"],
        },
    }
]
FORM_RENDERER = "hematon.portal.ui.forms.Renderer"

# --- database ------------------------------------------------------------------------------------

DATABASES = {"default": env.database("HEMATON_DATABASE_URL", DIRECTORY / "portal.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Sign-in limits count in it, so every worker must see the same one, and none may go uncounted.
CACHES = {
    "default": {
        "BACKEND": "hematon.portal.accounts.counting.Counts",
        "LOCATION": "cache_entries",
        "KEY_FUNCTION": "hematon.portal.vault.sealing.cache_key",
        # Beyond so many, entries are thrown away whether or not their time is over. With Django's
        # own 300, a hundred sign-ins wiped out the counters of somebody else's guesses. The worker
        # deletes what is over.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- people --------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "staff"
LOGOUT_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "hematon.portal.accounts.passwords.OwnWords"},
]
ACCOUNT_ADAPTER = "hematon.portal.accounts.adapter.StaffAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_PREVENT_ENUMERATION = True
# A mail to whoever is typed in would be a way to annoy strangers.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("HEMATON_TRUSTED_PROXIES", 0)
# Where families and referring clinicians go after signing in.
HOME_AFTER_SIGN_IN = {"family": "my_home", "referrer": "referrals"}
MFA_ADAPTER = "hematon.portal.accounts.adapter.Passkeys"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TRUST_ENABLED = False
MFA_FORMS = {
    "add_webauthn": "hematon.portal.accounts.forms.Add",
    "authenticate_webauthn": "hematon.portal.accounts.forms.Authenticate",
    "login_webauthn": "hematon.portal.accounts.forms.Login",
    "reauthenticate_webauthn": "hematon.portal.accounts.forms.Reauthenticate",
}
# An administrator vouches for the address. A change of password would otherwise leave an
# unverified one behind, and its owner could never set up a second factor again.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Hematon"
# One step of 30 seconds either way, for typing and clocks (RFC 6238, 5.2); a code still works once.
MFA_TOTP_TOLERANCE = 1
# Browsers offer passkeys on plain HTTP for localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO

# --- languages -----------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not DEMO
LANGUAGE_COOKIE_NAME = "language" if DEMO else "__Host-language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files ---------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DIRECTORY / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = DIRECTORY / "files"
CLAMD_SOCKET = env.text("HEMATON_CLAMD_SOCKET", "")
BACKUP_DIR = Path(env.text("HEMATON_BACKUP_DIR", str(DIRECTORY / "backups")))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
# Of a whole request. Above what any form takes, so that the form can say its own limit in words.
MOST_BYTES = 64_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# More than a form takes, so that the form can say its own limit in words.
DATA_UPLOAD_MAX_NUMBER_FILES = 30
# What clinicians and families upload stays in memory, not in a temporary file.
FILE_UPLOAD_MAX_MEMORY_SIZE = 5_500_000
FILE_UPLOAD_HANDLERS = ["hematon.portal.files.incoming.InMemory"]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# --- the browser ---------------------------------------------------------------------------------

_prefix = "" if DEMO else "__Host-"
SESSION_COOKIE_NAME = f"{_prefix}session"
# Sealed: drafts and addresses wait in it.
SESSION_ENGINE = "hematon.portal.accounts.session_store"
# Since the last page: how long the server keeps what belongs to a cookie. Sign-in ends sooner.
SESSION_COOKIE_AGE = 8 * 3600
STAFF_IDLE_SECONDS, STAFF_SESSION_SECONDS = 15 * 60, 8 * 3600
FAMILY_IDLE_SECONDS, FAMILY_SESSION_SECONDS = 30 * 60, 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMO
KNOWN_BROWSER_COOKIE_NAME = f"{_prefix}known"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = f"{_prefix}csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_AGE = None
# The other storage sets a cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "hematon.portal.ui.views.csrf_failure"
SECURE_SSL_REDIRECT = not DEMO
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
)
SECURE_HSTS_SECONDS = 0 if DEMO else 2 * 365 * 86400
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEMO
# Under no-referrer browsers send `Origin: null` with every form, which the CSRF check must refuse.
# same-origin tells other sites as little.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "report-uri": ["/csp-report"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in [
        "accelerometer",
        "camera",
        "display-capture",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    ]
}

# --- mail and logs -------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
# One step of a conversation with the mail server; Django would wait for ever.
EMAIL_TIMEOUT = 20
_server = env.mail_server("HEMATON_EMAIL_URL")
MAIL_IS_ON = DEMO or _server is not None
if _server is not None:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server
    EMAIL_USE_TLS = True
elif DEMO:
    EMAIL_BACKEND = "hematon.portal.notify.files.EmailBackend"
# Where the demonstration's mail lies, one file each.
EMAIL_FILE_PATH = DIRECTORY / "mail"
_optional = DEMO or _server is None
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.sender(
    "HEMATON_EMAIL_FROM", "Family portal <portal@demonstration.invalid>" if _optional else None
)
_elsewhere = "http://localhost:8000" if DEMO else "https://localhost"
SITE_URL = env.site_url("HEMATON_SITE_URL", _elsewhere if _optional else None, plain=DEMO)
# Names of the pages that mail links to, by kind of account.
SIGN_IN_PAGES = {"staff": "staff", "family": "my_home", "referrer": "referrals"}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"plain": {"()": "hematon.portal.ui.logs.WithoutRequest"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["plain"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "hematon": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}

# --- video visits --------------------------------------------------------------------------------

VIDEO = env.video("HEMATON_VIDEO")
