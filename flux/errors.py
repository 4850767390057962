"""Every error that Flux raises on purpose, defined once.

    FluxError
    ├── Invalid                      the caller's fault: change the request
    │   ├── InvalidInput             a value does not fit its schema
    │   ├── InvalidDefinition        a task, workflow or graph cannot be what it says
    │   ├── InvalidPermission        a permission string is malformed
    │   ├── InvalidConfiguration     a setting is unknown or has the wrong type
    │   ├── PayloadTypeError         a value cannot be kept exactly; the message names the path
    │   └── PayloadTooLarge          a value is above the limit; return a reference instead
    ├── Unauthenticated              say who you are
    ├── Denied                       ask for the permission that the message names
    ├── NotFound                     it is not there, or not for you
    ├── Conflict                     somebody or something else was first: look again
    │   ├── WrongState               not possible in the state it is in now
    │   └── VersionGone              the workflow changed between check and write: submit again
    ├── Busy                         too much waits already: come back later
    ├── Unreachable                  no daemon answers at this address
    ├── StorageError                 the database cannot be used
    │   ├── DiskFull                 nothing was written; free some space, then try again
    │   ├── StorageFailed            the disk refused a write or a sync: the daemon must stop
    │   └── UnusableDatabase         wrong file, newer file, second daemon, old SQLite, network disk
    ├── ProtocolError                the peer on a pipe broke the protocol: end the peer
    │   ├── StaleLease               an older fencing token: stop, do not retry
    │   └── ReportGap                a report is missing: the worker is out of step
    ├── IllegalTransition            an event that cannot follow (internal: the table says no)
    ├── TaskError                    what a workflow sees at a call that failed
    │   ├── TaskFailed               the task's own exception cannot be rebuilt; its name is in facts
    │   ├── TaskTimeout              an attempt ran longer than its timeout (is a TimeoutError)
    │   ├── TaskDenied               the principal may not execute the task
    │   └── WorkerCrashed            the process died in the body; signal and exit code in facts
    ├── NonDeterminismError          the workflow's code no longer fits its log
    ├── NoExecution                  a task was called outside an execution
    └── NotInWorkflow                something that belongs into a task was done in a workflow body

`code` is stable and goes to clients; the message is for people and names the thing, the value and
the limit. `facts` carries the same as data. An error raised for control flow inside a workflow
(unloading, cancelling) is no FluxError: it derives from BaseException where it is used.
"""

from typing import ClassVar


class FluxError(Exception):
    """Base of every error Flux raises on purpose."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class Invalid(FluxError):
    """What was asked for is malformed. The caller must change it; asking again does not help."""

    code = "invalid"


class InvalidInput(Invalid):
    """A value does not fit its schema. `facts["errors"]`: list of {pointer, detail}."""

    code = "invalid_input"


class InvalidDefinition(Invalid):
    """A task, workflow or graph was declared in a way that cannot work. Fix the declaration."""

    code = "invalid_definition"


class InvalidPermission(Invalid):
    """A permission string is malformed."""

    code = "invalid_permission"


class InvalidConfiguration(Invalid):
    """A setting is unknown or has the wrong type. `facts`: file, line, key."""

    code = "invalid_configuration"


class PayloadTypeError(Invalid):
    """A value cannot be kept exactly. The message names the path inside the value."""

    code = "payload_type"


class PayloadTooLarge(Invalid):
    """A value is above the size limit. Keep it elsewhere and return a reference."""

    code = "payload_too_large"


class Unauthenticated(FluxError):
    """Nobody knows who is calling. The message never says why; the audit does."""

    code = "unauthenticated"


class Denied(FluxError):
    """The principal lacks a permission. `facts["missing_permissions"]`: list of permission strings."""

    code = "denied"


class NotFound(FluxError):
    """It does not exist, or the caller may not see it."""

    code = "not_found"


class Conflict(FluxError):
    """Somebody or something else was first. Look again, then decide."""

    code = "conflict"


class WrongState(Conflict):
    """Not possible in the state it is in. `facts`: state, allowed (list of actions)."""

    code = "wrong_state"


class VersionGone(Conflict):
    """The workflow's version changed between check and write. Submit again."""

    code = "version_gone"


class Busy(FluxError):
    """Too much waits already. Come back after `facts["retry_after"]` seconds."""

    code = "busy"


class Unreachable(FluxError):
    """No daemon answers at the address. Start it, or name another address."""

    code = "unreachable"


class StorageError(FluxError):
    """The database cannot be used."""

    code = "storage"


class DiskFull(StorageError):
    """Nothing was written. Free some space; the same request will then do."""

    code = "disk_full"


class StorageFailed(StorageError):
    """The disk refused a write or a sync. The daemon must stop and recover from disk."""

    code = "storage_failed"


class UnusableDatabase(StorageError):
    """Not our file, a newer one, one in use, or SQLite and the file system below cannot be trusted with it."""

    code = "unusable_database"


class ProtocolError(FluxError):
    """The peer on a pipe broke the protocol. It is ended and its executions are recovered."""

    code = "protocol"


class StaleLease(ProtocolError):
    """The fencing token is older than the lease's. The worker must stop, not retry."""

    code = "stale_lease"


class ReportGap(ProtocolError):
    """A report between this one and the last acknowledged one is missing."""

    code = "report_gap"


class IllegalTransition(FluxError):
    """An event that cannot follow the state. Ours to mend: the caller should have asked the table."""

    code = "illegal_transition"


class TaskError(FluxError):
    """What a workflow sees at a call that failed for a reason of ours."""

    code = "task_error"


class TaskFailed(TaskError):
    """A task's exception that cannot be rebuilt here. `facts["type"]`: its name."""

    code = "task_failed"


class TaskTimeout(TaskError, TimeoutError):
    """An attempt, or all attempts together, took longer than allowed."""

    code = "task_timeout"


class TaskDenied(TaskError):
    """The principal may not execute the task. `facts`: principal, permission."""

    code = "task_denied"


class WorkerCrashed(TaskError):
    """The process that ran the body died of it. `facts`: signal, exit_code, peak_memory (bytes), deaths."""

    code = "worker_crashed"


class NonDeterminismError(FluxError):
    """The workflow's code no longer fits its log. `facts`: place, recorded, found."""

    code = "diverged"


class NoExecution(FluxError):
    """A task was called where no execution is. Call it in a workflow, or its function directly: `charge.fn(...)`."""

    code = "no_execution"


class NotInWorkflow(FluxError):
    """Something that a replay could not repeat was tried in a workflow body. Do it in a task."""

    code = "not_in_workflow"
