"""SQL of a function call: arguments from the query string, a form, or the JSON of the body."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from backstay.catalog.model import Name, Parameter
from backstay.db.quote import quote_ident
from backstay.rest import fragments as sql
from backstay.rest.fragments import Parameters
from backstay.rest.holes import BODY, Hole, array_literal
from backstay.rest.intent import Argument
from backstay.rest.planned import CallPlan, ColumnRef
from backstay.rest.sql_write import body_rows

_CALL = Name("", "pgrst_call")


def call_query(plan: CallPlan, parameters: Parameters, *, is_object: bool) -> str:
    """The rows that calling the function gives; a scalar is called ``pgrst_scalar``."""
    return f"SELECT {_columns(plan)} {_from(plan, parameters, is_object=is_object)}"


def _gives_scalars(plan: CallPlan) -> bool:
    return plan.routine.returns_scalar or plan.routine.returns_set_of_scalar


def _columns(plan: CallPlan) -> str:
    if _gives_scalars(plan):
        return "pgrst_call.pgrst_scalar"
    return ", ".join(sql.column(_CALL, name) for name in plan.returning) or "*"


def _from(plan: CallPlan, parameters: Parameters, *, is_object: bool) -> str:
    if plan.positional:
        return f"FROM {_called(plan, _whole_body(plan, parameters))}"
    if not plan.parameters:
        return f"FROM {_called(plan, '')}"
    if plan.arguments is not None:
        return f"FROM {_called(plan, _given(plan.parameters, plan.arguments, parameters))}"
    columns = [ColumnRef(each.name, type=each.type_max_length) for each in plan.parameters]
    rows = body_rows(columns, parameters, is_object=is_object, first_only=True)
    arguments = ", ".join(
        f"{_name(each)}pgrst_body.{quote_ident(each.name)}" for each in plan.parameters
    )
    return f"{rows}, LATERAL {_called(plan, arguments)}"


def _called(plan: CallPlan, arguments: str) -> str:
    call = f"{sql.qualified(plan.routine.id)}({arguments})"
    if _gives_scalars(plan):
        return f"(SELECT {call} pgrst_scalar) pgrst_call"
    return f"{call} pgrst_call"


def _whole_body(plan: CallPlan, parameters: Parameters) -> str:
    kind = plan.parameters[0].type
    if plan.arguments is None:
        return f"{parameters.hole(BODY)}::{kind}"
    given = {argument.name: argument.value for argument in plan.arguments}
    parameters.settled = True
    return f"{parameters.constant(orjson.dumps(given))}::{kind}"


def _given(
    wanted: Sequence[Parameter], arguments: Sequence[Argument], parameters: Parameters
) -> str:
    return ", ".join(_argument(each, arguments, parameters) for each in wanted)


def _argument(wanted: Parameter, arguments: Sequence[Argument], parameters: Parameters) -> str:
    """The last value given under a name; all of them for a variadic parameter."""
    given = [argument for argument in arguments if argument.name == wanted.name]
    if wanted.variadic:
        parameters.settled = True
        value = parameters.constant(array_literal([each.value for each in given]))
    elif given[-1].slot >= 0:
        value = parameters.hole(Hole("value", given[-1].slot))
    else:
        value = parameters.constant(given[-1].value)
    return f"{_name(wanted)}{value}::{wanted.type_max_length}"


def _name(parameter: Parameter) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{quote_ident(parameter.name)} := "
