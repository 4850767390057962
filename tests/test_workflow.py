"""What `@workflow` makes of an `async def`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pytest

from flux.context import ExecutionContext
from flux.errors import InvalidDefinition
from flux.workflow import Workflow, workflow

if TYPE_CHECKING:
    from nowhere import Ghost  # type: ignore[import-not-found]  # it must not exist


@dataclass
class Order:
    """A type of an author."""

    id: str


@workflow
async def plain(ctx: ExecutionContext) -> str:
    """The plainest."""
    return "done"


@workflow.with_options(name="check_out", namespace="shop-1")
async def checkout(ctx: ExecutionContext[Order]) -> str:
    return ctx.input.id


class TestDeclaration:
    """Everything wrong is told when the file is imported."""

    def test_a_workflow_is_named_after_its_function(self) -> None:
        """Its namespace is that of its folder, which the declaration does not know."""
        assert (plain.name, plain.namespace, plain.__name__, plain.__doc__) == ("plain", None, "plain", "The plainest.")
        assert (plain.file, plain.line) == (__file__, plain.fn.__code__.co_firstlineno)

    def test_name_and_namespace_can_be_given(self) -> None:
        """The function keeps its own name."""
        assert (checkout.name, checkout.namespace, checkout.__name__) == ("check_out", "shop-1", "checkout")

    def test_other_options_keep_the_rest(self) -> None:
        """`with_options` on a workflow makes another one."""
        other = checkout.with_options(name="other")

        assert (other.name, other.namespace, checkout.name) == ("other", "shop-1", "check_out")

    @pytest.mark.parametrize(
        "options",
        [
            {"secret_requests": []},
            {"output_storage": None, "schedule": None},
            {"timeout": 0, "on_failure": None, "max_concurrent": None, "concurrency_key": None},
            {"durability": "durable", "upgrade": "pin", "priority": 0, "retention": None},
        ],
        ids=lambda options: " ".join(options),
    )
    def test_options_that_ask_for_nothing_are_accepted(self, options: dict[str, object]) -> None:
        """Files that spell out a default load."""
        assert isinstance(workflow.with_options(**options)(plain.fn), Workflow)  # type: ignore[arg-type]  # a table

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"schedule": "* * * * *"}, r"schedule='\* \* \* \* \*' is not available in this version"),
            ({"secret_requests": ["KEY"]}, "secret_requests=.* is not available"),
            ({"timeout": 5}, "timeout=5 is not available"),
            ({"durability": "relaxed"}, "durability='relaxed' is not available"),
            ({"nmae": "x"}, "no option 'nmae'; did you mean 'name'"),
            ({"name": "two words"}, "a workflow's name must match"),
            ({"name": "a-b"}, "a workflow's name must match"),
            ({"namespace": "Shop"}, "a namespace must match"),
            ({"namespace": "-shop"}, "a namespace must match"),
            ({"namespace": ""}, "a namespace must match"),
        ],
        ids=str,
    )
    def test_options_that_cannot_be_are_refused_with_file_and_line(
        self, options: dict[str, object], reason: str
    ) -> None:
        """Nothing is silently accepted that would not happen."""
        with pytest.raises(InvalidDefinition, match=reason) as refused:
            workflow.with_options(**options)(plain.fn)  # type: ignore[arg-type]  # a table

        assert refused.value.facts == {"file": __file__, "line": plain.fn.__code__.co_firstlineno}

    def test_a_plain_def_is_refused_with_file_and_line(self) -> None:
        """A workflow awaits its tasks, so it must be `async`."""

        def blocking(ctx: ExecutionContext) -> str:
            return "done"

        with pytest.raises(
            InvalidDefinition, match=r"'blocking' must be written with `async def` .*test_workflow\.py:\d+"
        ):
            workflow(blocking)  # type: ignore[arg-type]  # wrong on purpose

    def test_a_workflow_takes_its_context_and_nothing_else(self) -> None:
        """Arguments beside the context have nobody to give them; ones with a default do no harm."""

        async def none() -> None: ...

        async def two(ctx: ExecutionContext, order: str) -> None: ...

        async def named(*, ctx: ExecutionContext) -> None: ...

        async def defaulted(ctx: ExecutionContext, dry: bool = False) -> None: ...

        for wrong in (none, two, named):
            with pytest.raises(InvalidDefinition, match="must take one argument"):
                workflow(wrong)  # type: ignore[arg-type]  # wrong on purpose
        assert workflow(defaulted).name == "defaulted"

    def test_what_is_no_function_is_refused(self) -> None:
        """Neither classes nor workflows."""
        for wrong in (Order, plain, 7):
            with pytest.raises(InvalidDefinition, match="a workflow is made from a function"):
                workflow(wrong)  # type: ignore[arg-type]  # wrong on purpose

    def test_the_decorator_answers_to_its_modules_dotted_name(self) -> None:
        """`flux.workflow.workflow` is the decorator although `flux.workflow` is no module for importers."""
        assert workflow.workflow is workflow


class TestInputType:
    """`ctx: ExecutionContext[T]` says what the input is."""

    def test_it_is_what_the_annotation_says(self) -> None:
        """Also where it is written as a string."""

        async def quoted(ctx: "ExecutionContext[list[Order]]") -> None: ...

        async def noted(ctx: ExecutionContext[Annotated[int, "positive"]]) -> None: ...

        assert checkout.input_type is Order
        assert workflow(quoted).input_type == list[Order]
        assert workflow(noted).input_type == Annotated[int, "positive"]

    def test_it_is_unknown_where_nothing_is_said(self) -> None:
        """A bare context, none at all, and a name that only type checkers see."""

        async def bare(ctx) -> None: ...

        async def ghost(ctx: "ExecutionContext[Ghost]") -> None: ...

        assert (plain.input_type, workflow(bare).input_type, workflow(ghost).input_type) == (None, None, None)
