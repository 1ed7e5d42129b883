"""Signing in and out, and choosing a password."""

import threading
import time
from collections import OrderedDict

from seamline.catalog import users
from seamline.core.errors import NotFound, Refused
from seamline.web.visit import Go, Outcome, Page, Visit

_FREE_TRIES = 5
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 300.0
_MOST_KNOWN = 10_000


class Throttle:
    """Counts failures by login and by address; after five each one costs twice the time."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, *names: str) -> float:
        """Return the seconds until one of these may try again."""
        with self._lock:
            return max(self._pause(name) for name in names)

    def failed(self, *names: str) -> None:
        """Count a failure."""
        with self._lock:
            for name in names:
                count = self._failures.pop(name, (0, 0.0))[0] + 1
                self._failures[name] = (count, time.monotonic())
            while len(self._failures) > _MOST_KNOWN:
                self._failures.popitem(last=False)

    def passed(self, *names: str) -> None:
        """Forget failures."""
        with self._lock:
            for name in names:
                self._failures.pop(name, None)

    def _pause(self, name: str) -> float:
        count, at = self._failures.get(name, (0, 0.0))
        if count < _FREE_TRIES:
            return 0.0
        pause = min(_FIRST_PAUSE * 2.0 ** min(count - _FREE_TRIES, 20), _LONGEST_PAUSE)
        left: float = at + pause - time.monotonic()
        return max(0.0, left)


_throttle = Throttle()


def ask(visit: Visit) -> Outcome:
    """Show the form."""
    if visit.session:
        return Go(_inside(visit.query.get("next", "/")))
    return _form(visit)


def sign_in(visit: Visit) -> Outcome:
    """Begin a session if login and password are right."""
    login, password = visit.said("login"), visit.form.get("password", "")
    names = (f"login {login.casefold()[:200]}", f"client {visit.client}")
    pause = _throttle.wait(*names)
    if pause:
        text = f"Too many wrong tries. Wait {pause:.0f} seconds."
        return _form(visit, text, 429)
    found = users.sign_in(visit.catalog, login, password[: users.MOST_CHARACTERS + 1])
    if found is None:
        _throttle.failed(*names)
        return _form(visit, "Login or password is wrong.", 401)
    _throttle.passed(*names)
    return Go(_inside(visit.form.get("next", "/")), cookie=found[1])


def sign_out(visit: Visit) -> Outcome:
    """End the session."""
    users.sign_out(visit.catalog, visit.session)
    return Go("/signin", cookie="")


def ask_invited(visit: Visit) -> Outcome:
    """Show an invited user the form for a password."""
    found = users.invited(visit.catalog, visit.path["secret"])
    if found is None:
        raise NotFound("this invitation has been used or replaced; ask an admin for a new one.")
    return Page("invited.html", {"login": found["login"], "error": ""})


def accept(visit: Visit) -> Outcome:
    """Set an invited user's password."""
    found = users.invited(visit.catalog, visit.path["secret"])
    if found is None:
        raise NotFound("this invitation has been used or replaced; ask an admin for a new one.")
    try:
        _set_password(visit, found["id"])
    except Refused as error:
        return Page("invited.html", {"login": found["login"], "error": str(error)}, 400)
    return Go("/signin")


def change_password(visit: Visit) -> Outcome:
    """Change one's own password; ends all sessions of the user."""
    if users.sign_in(visit.catalog, visit.user.login, visit.form.get("old", "")) is None:
        raise Refused("the old password is wrong.")
    _set_password(visit, visit.user.id)
    return Go("/signin", cookie="")


def _set_password(visit: Visit, user_id: int) -> None:
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        raise Refused("The two entries differ.")
    users.set_password(visit.catalog, user_id, password)


def _form(visit: Visit, error: str = "", status: int = 200) -> Page:
    after = visit.form.get("next") or visit.query.get("next", "/")
    is_new = not users.listing(visit.catalog)
    data = {"next": _inside(after), "error": error, "is_new": is_new, "login": visit.said("login")}
    return Page("signin.html", data, status)


def _inside(address: str) -> str:
    """Return an address of this app: another site's could be a trap."""
    return address if address.startswith("/") and address[1:2] not in ("/", "\\") else "/"
