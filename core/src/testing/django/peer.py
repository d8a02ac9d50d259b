"""A Django project without views: does with sessions what each line of its input says, and answers with a line.

Started with one argument, JSON: engine, secret_key, fallbacks, and database (a Django setting) or file_path.
"""

import json
import sys

import django

try:
    import pymysql

    # Django asks for the other driver by its version.
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
except ImportError:
    pass

from django.conf import settings

given = json.loads(sys.argv[1])
settings.configure(
    SECRET_KEY=given["secret_key"],
    SECRET_KEY_FALLBACKS=given.get("fallbacks", []),
    SESSION_ENGINE="django.contrib.sessions.backends." + given["engine"],
    SESSION_FILE_PATH=given.get("file_path"),
    DATABASES={"default": given["database"]} if given.get("database") else {},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    USE_TZ=True,
)
django.setup()

from importlib import import_module  # noqa: E402

from django.contrib import auth  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest  # noqa: E402

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
if given.get("database"):
    # A table of sessions may be there already: it must be as Django would make it.
    call_command("migrate", verbosity=0, fake_initial=True)


def request_of(key):
    request = HttpRequest()
    request.session = SessionStore(key)
    return request


def shown(session):
    return {
        "key": session.session_key,
        "items": dict(session.items()),
        "age": session.get_expiry_age(),
        "at_browser_close": session.get_expire_at_browser_close(),
    }


def do(line):
    what, key = line["do"], line.get("key")
    session = SessionStore(key)
    if what == "load":
        return shown(session)
    if what == "set":
        session.update(line["values"])
        session.save()
        return shown(session)
    if what == "set_expiry":
        value = line["value"]
        session.set_expiry(value)
        session.save()
        return shown(session)
    if what == "cycle":
        session.cycle_key()
        session.save()
        return shown(session)
    if what == "flush":
        session.flush()
        return {"key": session.session_key}
    if what == "exists":
        return {"exists": session.exists(key)}
    if what == "clear_expired":
        SessionStore.clear_expired()
        return {}
    if what == "create_user":
        user = auth.get_user_model().objects.create_user(line["name"], password=line["password"])
        return {"id": str(user.pk), "password": user.password}
    if what == "set_password":
        user = auth.get_user_model().objects.get(pk=line["user"])
        user.set_password(line["password"])
        user.save()
        return {"password": user.password}
    request = request_of(key)
    if what == "login":
        user = auth.authenticate(username=line["name"], password=line["password"])
        auth.login(request, user)
        request.session.save()
        return shown(request.session)
    if what == "user":
        user = auth.get_user(request)
        if request.session.modified and not request.session.is_empty():
            request.session.save()
        return {"user": str(user.pk) if user.is_authenticated else None, "key": request.session.session_key}
    raise ValueError(what)


print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(do(json.loads(line))), flush=True)
