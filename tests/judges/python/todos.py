from http import HTTPStatus

from check import equal, value
from witapi_client import Client
from witapi_client.api.todos import (
    todos_complete,
    todos_create_todo,
    todos_delete_todo,
    todos_get_stats,
    todos_get_todo,
    todos_list_todos,
    todos_replace_todo,
    todos_update_todo,
)
from witapi_client.models import (
    Priority,
    Stats,
    Todo,
    TodoInput,
    TodoPatch,
    TodosErrorConflict,
    TodosErrorNotFound,
    TodosErrorProblem,
)


def todos(client: Client) -> None:
    todo = TodoInput(title="Read the WIT book", tags=["wasm"])
    created = value("create", todos_create_todo.sync_detailed(client=client, body=todo), Todo, HTTPStatus.CREATED)
    wanted = Todo(
        id=created.id, title="Read the WIT book", notes=None, priority=Priority.NORMAL, tags=["wasm"], done=False
    )
    equal("what was created", created, wanted)

    equal("what was got", value("get", todos_get_todo.sync_detailed(created.id, client=client), Todo), created)
    listed = value("list", todos_list_todos.sync_detailed(client=client, done=False, tag="wasm", limit=10), list)
    equal("what was listed", created in listed, True)

    todo = TodoInput(title="Water the plants", priority=Priority.HIGH)
    replaced = value("replace", todos_replace_todo.sync_detailed(created.id, client=client, body=todo), Todo)
    equal("what was replaced", (replaced.tags, replaced.priority), ([], Priority.HIGH))
    patch = TodoPatch(notes="All of them")
    updated = value("update", todos_update_todo.sync_detailed(created.id, client=client, body=patch), Todo)
    equal("what was updated", (updated.title, updated.notes), ("Water the plants", "All of them"))

    completed = value("complete", todos_complete.sync_detailed(created.id, client=client), Todo)
    equal("what was completed", completed.done, True)
    again = todos_complete.sync_detailed(created.id, client=client)
    conflict = value("complete twice", again, TodosErrorProblem, HTTPStatus.CONFLICT)
    equal("why not twice", type(conflict.error), TodosErrorConflict)

    stats = value("stats", todos_get_stats.sync_detailed(client=client), Stats)
    equal("the sum", stats.done + stats.open_, stats.total)

    deleted = todos_delete_todo.sync_detailed(created.id, client=client)
    equal("the status of deleting", deleted.status_code, HTTPStatus.NO_CONTENT)
    gone = todos_get_todo.sync_detailed(created.id, client=client)
    problem = value("what is gone", gone, TodosErrorProblem, HTTPStatus.NOT_FOUND)
    equal("why it is gone", type(problem.error), TodosErrorNotFound)
