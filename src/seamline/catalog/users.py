"""Users of the app: who they are, what they may do, and their signed-in browsers."""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

from seamline.catalog.store import Catalog, Row
from seamline.catalog.tokens import hashed
from seamline.core.clock import now
from seamline.core.errors import NotFound, Refused

if TYPE_CHECKING:
    import argon2

Role = Literal["admin", "editor", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 200
SESSION_DAYS = 14
_MOST_LOGIN = 200


@cache
def _hasher() -> "argon2.PasswordHasher":
    import argon2  # only processes that meet a password need it

    return argon2.PasswordHasher()


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in."""

    id: int
    login: str
    role: Role

    def may(self, role: Role) -> bool:
        """Say whether this user may do what ``role`` may."""
        return ROLES.index(self.role) <= ROLES.index(role)


@cache
def _nobody() -> str:
    """Return what a password is compared with where there is no user, to take as long."""
    return _hasher().hash(secrets.token_hex())


def password_hash(password: str) -> str:
    """Return what is stored of a password; takes a tenth of a second and 64 MiB, on purpose.

    Raises ``Refused`` for one that is too short or too long.
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise Refused(
            f"Use {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; this has {len(password)}."
        )
    return _hasher().hash(password)


def add(catalog: Catalog, login: str, role: Role, password: str | None) -> int:
    """Add a user with a hashed password, or without one; return the id."""
    if not 0 < len(login.strip()) <= _MOST_LOGIN:
        raise Refused(f"a login has 1 to {_MOST_LOGIN} characters; this has {len(login.strip())}.")
    values = {"login": login.strip(), "role": _checked(role), "password_hash": password}
    try:
        row = catalog.one("user_create", **values, invite_hash=None, now=now().isoformat())
    except sqlite3.IntegrityError as error:
        raise Refused(f"there is a user [{login.strip()}] already.") from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row
    return int(row["id"])


def invite(catalog: Catalog, user_id: int) -> str:
    """Return the secret of a fresh one-time link by which a user chooses a password."""
    secret = secrets.token_urlsafe(32)
    if not catalog.run("user_set_invite", id=user_id, hash=hashed(secret)):
        raise NotFound(f"there is no user {user_id}.")
    return secret


def invited(catalog: Catalog, secret: str) -> Row | None:
    """Return the id and login a one-time link is for, if it is still good."""
    return catalog.one("user_by_invite", hash=hashed(secret))


def set_password(catalog: Catalog, user_id: int, password: str) -> None:
    """Set a password, use invitations up and end the user's sessions."""
    stored = password_hash(password)
    with catalog.transaction():
        catalog.run("user_set_password", id=user_id, password_hash=stored)
        catalog.run("session_end_of_user", user_id=user_id)


def listing(catalog: Catalog) -> list[Row]:
    """Return all users in the order they were made."""
    return [{**row, "invited": bool(row["invited"])} for row in catalog.all("user_list")]


def find(catalog: Catalog, login: str) -> User:
    """Return the user of that login; raise ``NotFound``."""
    row = catalog.one("user_by_login", login=login.strip())
    if row is None:
        raise NotFound(f"there is no user [{login}]; see `seamline user list`.")
    return User(row["id"], row["login"], row["role"])


def change(
    catalog: Catalog, user_id: int, *, role: Role | None = None, active: bool | None = None
) -> None:
    """Change what a user may do; raise ``Refused`` if no admin would be left."""
    with catalog.transaction():
        if role is not None:
            catalog.run("user_set_role", id=user_id, role=_checked(role))
        if active is not None:
            at = None if active else now().isoformat()
            catalog.run("user_set_deactivated", id=user_id, at=at)
            catalog.run("session_end_of_user", user_id=user_id)
        row = catalog.one("user_admins")
        if row is None or not row["number"]:
            raise Refused("this is the last admin; make another one first.")


def sign_in(catalog: Catalog, login: str, password: str) -> tuple[User, str] | None:
    """Return the user and the secret of a new session; None if login or password is wrong."""
    from argon2.exceptions import VerificationError

    row = catalog.one("user_by_login", login=login.strip())
    known = row is not None and row["password_hash"] is not None and not row["deactivated_at"]
    try:
        _hasher().verify(row["password_hash"] if row and known else _nobody(), password)
    except VerificationError:
        return None
    if row is None or not known:
        return None
    secret = secrets.token_urlsafe(32)
    at = now()
    expires = at + timedelta(days=SESSION_DAYS)
    values = {"user_id": row["id"], "now": at.isoformat(), "expires_at": expires.isoformat()}
    catalog.run("session_trim", now=at.isoformat())
    catalog.run("session_create", hash=hashed(secret), **values)
    return User(row["id"], row["login"], row["role"]), secret


def of_session(catalog: Catalog, secret: str) -> User | None:
    """Return who a session belongs to, if it is good."""
    row = catalog.one("session_get", hash=hashed(secret), now=now().isoformat())
    return None if row is None else User(**row)


def sign_out(catalog: Catalog, secret: str) -> None:
    """End a session."""
    catalog.run("session_end", hash=hashed(secret))


def _checked(role: Role) -> Role:
    if role not in ROLES:
        raise Refused(f"the role is [{role}]; it must be one of {', '.join(ROLES)}.")
    return role
