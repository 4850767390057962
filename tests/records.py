"""A database with its live state, driven by hand: what use cases need, without a gate and its loop."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from flux.core.principal import ADMIN, Caller, Principal, internal_caller
from flux.engine import principals, roles
from flux.engine.live import Live, Overlay
from flux.engine.principals import NewServiceAccount
from flux.engine.roles import NewRole
from flux.store.database import Database, Reader, Transaction

NOW = 1_700_000_000_000

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Records:
    """An in-memory database whose instant the test sets. The built-in admin is installed."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.in_memory()
        self.live = Live.of(self.database.reader, slots=8)
        self.now = NOW
        self.write(principals.install)

    @property
    def reader(self) -> Reader:
        """For looking at what was committed."""
        return self.database.reader

    def write(
        self, use_case: Callable[Concatenate[Transaction, Overlay, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run one use case in a transaction of its own; nothing is left of one that raises."""
        overlay = Overlay.above(self.live)
        tx = self.database.begin(self.now)
        try:
            result = use_case(tx, overlay, *args, **kwargs)
        except BaseException:
            self.database.rollback()
            raise
        self.database.commit()
        self.live.publish(overlay)
        return result

    def a_service_account(self, *given: str, name: str = "bot") -> Principal:
        """A service account with these roles."""
        wish = NewServiceAccount(name=name, caller=THE_ADMIN, roles=given)
        return self.write(principals.create_service_account, wish)

    def a_manager(self, *permissions: str, name: str = "manager") -> Principal:
        """A service account that holds exactly these permissions."""
        self.write(roles.create, NewRole(name=f"{name}-role", permissions=permissions, caller=THE_ADMIN))
        return self.a_service_account(f"{name}-role", name=name)

    def alter(self, sql: str) -> None:
        """Run a statement as somebody would who edits the file behind our back."""
        tx = self.database.begin(self.now)
        tx.execute(sql)
        self.database.commit()

    def read(self, query: Callable[Concatenate[Reader, Live, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a query says about what was committed."""
        return query(self.reader, self.live, *args, **kwargs)


THE_ADMIN = internal_caller("request-0")


def a_caller(principal: Principal = ADMIN, **changes: object) -> Caller:
    """A caller with this principal."""
    facts: dict[str, object] = {"peer": "uid 1000 pid 7", "request_id": "request-1", "method": "peer", **changes}
    return Caller(principal=principal, **facts)  # type: ignore[arg-type]  # a builder of values
