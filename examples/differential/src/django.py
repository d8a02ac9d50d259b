"""The playground's contract on django.contrib.sessions: what the three playgrounds are compared with.

Started with one argument, JSON: engine, secret_key, options (Django settings), and database (a file) for the engine `db`.
"""

import json
import logging
import sys
import traceback
import zlib
from datetime import timedelta, timezone

import django
from django.conf import settings

given = json.loads(sys.argv[1])
settings.configure(
    SECRET_KEY=given["secret_key"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends." + given["engine"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": given.get("database", ":memory:"),
            # Nobody pulls the plug here.
            "OPTIONS": {"timeout": 30, "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=off"},
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    USE_TZ=True,
    LOGGING_CONFIG=None,
    **given.get("options", {}),
)
django.setup()
# Statuses that were asked for are no news.
logging.disable(logging.CRITICAL)

from django.contrib import auth  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.signals import user_logged_in  # noqa: E402
from django.contrib.sessions.backends.base import UpdateError  # noqa: E402
from django.contrib.sessions.exceptions import SessionInterrupted  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.dateparse import parse_datetime  # noqa: E402


class Fails(Exception):
    """An operation that has changed nothing."""


# Accounts are in no table, and a login writes none.
accounts = {}
user_logged_in.disconnect(dispatch_uid="update_last_login")


def log_in(request, account):
    user = User(pk=zlib.crc32(account.encode()), username=account)
    accounts[str(user.pk)] = account
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")


def argument(op, name, kind):
    if name not in op or not isinstance(op[name], kind) or (kind is not bool and isinstance(op[name], bool)):
        raise Fails("bad_argument")
    return op[name]


def key_of(op):
    return argument(op, "key", str)


def value_of(op):
    if "value" not in op:
        raise Fails("bad_argument")
    return op["value"]


def writable(key):
    if key.startswith("_"):
        raise Fails("reserved_key")
    return key


def do_get(request, op):
    return request.session.get(key_of(op), op.get("default"))


def do_set(request, op):
    key, value = key_of(op), value_of(op)
    request.session[writable(key)] = value


def do_delete(request, op):
    try:
        del request.session[key_of(op)]
    except KeyError:
        raise Fails("missing_key")


def do_pop(request, op):
    try:
        return request.session.pop(key_of(op), *([op["default"]] if "default" in op else []))
    except KeyError:
        raise Fails("missing_key")


def do_setdefault(request, op):
    key, value = key_of(op), value_of(op)
    return request.session.setdefault(writable(key), value)


def do_update(request, op):
    values = argument(op, "values", dict)
    for key in values:
        writable(key)
    request.session.update(values)


def do_increment(request, op):
    key, by = key_of(op), op.get("by", 1)
    if isinstance(by, bool) or not isinstance(by, (int, float)):
        raise Fails("bad_argument")
    there = request.session.get(key, 0)
    if isinstance(there, bool) or not isinstance(there, (int, float)):
        raise Fails("wrong_type")
    request.session[writable(key)] = there + by
    return there + by


def own(session):
    return {key: value for key, value in session.items() if not key.startswith("_")}


def do_set_expiry(request, op):
    kinds = [kind for kind in ("seconds", "in", "at", "browser_close") if kind in op]
    if len(kinds) > 1:
        raise Fails("bad_argument")
    if not kinds:
        request.session.set_expiry(None)
    elif kinds == ["seconds"]:
        request.session.set_expiry(argument(op, "seconds", int))
    elif kinds == ["in"]:
        request.session.set_expiry(timedelta(seconds=argument(op, "in", int)))
    elif kinds == ["at"]:
        at = parse_datetime(argument(op, "at", str)) if "T" in argument(op, "at", str) else None
        if at is None:
            raise Fails("bad_argument")
        request.session.set_expiry(at)
    elif op["browser_close"] is True:
        request.session.set_expiry(0)
    else:
        raise Fails("bad_argument")


def do_delete_test_cookie(request, op):
    try:
        request.session.delete_test_cookie()
    except KeyError:
        raise Fails("missing_key")


def do_login(request, op):
    account = argument(op, "account", str)
    if not account:
        raise Fails("bad_argument")
    log_in(request, account)


def do_sleep_ms(request, op):
    raise Fails("bad_argument")  # nothing else is asked here


def do_save(request, op):
    try:
        request.session.save()
    except UpdateError:
        # As Django's middleware does.
        raise SessionInterrupted


def do_set_modified(request, op):
    request.session.modified = True


OPERATIONS = {
    "get": do_get,
    "set": do_set,
    "delete": do_delete,
    "pop": do_pop,
    "setdefault": do_setdefault,
    "update": do_update,
    "increment": do_increment,
    "contains": lambda request, op: key_of(op) in request.session,
    "keys": lambda request, op: sorted(own(request.session)),
    "items": lambda request, op: own(request.session),
    "clear": lambda request, op: request.session.clear(),
    "flush": lambda request, op: request.session.flush(),
    "cycle_key": lambda request, op: request.session.cycle_key(),
    "is_empty": lambda request, op: request.session.is_empty(),
    "session_key": lambda request, op: request.session.session_key,
    "modified": lambda request, op: request.session.modified,
    "set_modified": do_set_modified,
    "set_expiry": do_set_expiry,
    "get_expiry_age": lambda request, op: int(request.session.get_expiry_age()),
    "get_expiry_date": lambda request, op: request.session.get_expiry_date().astimezone(timezone.utc).isoformat(),
    "get_expire_at_browser_close": lambda request, op: request.session.get_expire_at_browser_close(),
    "set_test_cookie": lambda request, op: request.session.set_test_cookie(),
    "test_cookie_worked": lambda request, op: request.session.test_cookie_worked(),
    "delete_test_cookie": do_delete_test_cookie,
    "save": do_save,
    "sleep_ms": do_sleep_ms,
    "login": do_login,
    "logout": lambda request, op: auth.logout(request),
    "account": lambda request, op: accounts.get(request.session.get(auth.SESSION_KEY)),
}


def ops(request):
    try:
        body = json.loads(request.body)
        if not isinstance(body, list) or not all(isinstance(op, dict) and isinstance(op.get("op"), str) for op in body):
            raise ValueError("the body is no array of operations")
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    results = []
    for op in body:
        try:
            if op["op"] not in OPERATIONS:
                raise Fails("unknown_op")
            results.append({"ok": OPERATIONS[op["op"]](request, op)})
        except Fails as code:
            results.append({"error": str(code)})
    return JsonResponse({"results": results}, status=int(request.GET.get("status", 200)))


def text(what):
    return HttpResponse(str(what), content_type="text/plain")


def untouched(request):
    return text("ok")


def read(request):
    return text(request.session.get("n", 0))


def write(request):
    request.session["n"] = request.session.get("n", 0) + 1
    return text(request.session["n"])


def login(request, account):
    log_in(request, account)
    return text("ok")


def logout(request):
    auth.logout(request)
    return text("ok")


def interrupted(request, exception):
    return JsonResponse({"error": "session_interrupted"}, status=400)


def broken(request):
    traceback.print_exc()
    return text("broken")


handler400 = interrupted
handler500 = broken
urlpatterns = [
    path("untouched", untouched),
    path("ops", ops),
    path("read", read),
    path("write", write),
    path("login/<str:account>", login),
    path("logout", logout),
    path("healthz", untouched),
]


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    if given.get("database"):
        call_command("migrate", verbosity=0)
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    print("listening on http://127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
