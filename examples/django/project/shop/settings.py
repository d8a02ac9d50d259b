"""The project's settings. What the service in Rust must know as well is marked."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Shared: what signs the sessions. A real one is in no repository.
SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-this-example-0123456789")

# Shared: the database, in which Django has its users and its sessions.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", HERE.parent / "shop.db"),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
USE_TZ = True

# Shared, where they differ from Django's own: the cookie's settings. Over HTTPS it would be `SESSION_COOKIE_SECURE = True`.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "cart"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
