//! A to-do list in the host's key-value store.

mod store;

use exports::example::todos::todos::{Error, Guest, Priority, Stats, Todo, TodoInput, TodoPatch};

witapi_sdk::plugin!({
    // For the store, which keeps todos as JSON.
    additional_derives: [serde::Serialize, serde::Deserialize],
});

struct Plugin;

impl Guest for Plugin {
    fn list_todos(
        done: Option<bool>,
        priority: Option<Priority>,
        tag: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Todo>, Error> {
        let mut ids = store::ids()?;
        ids.retain(|id| after.is_none_or(|after| *id > after));
        let mut found = Vec::new();
        for id in ids {
            if found.len() == limit as usize {
                break;
            }
            // A todo deleted since the ids were read is simply not in the list.
            let Some(todo) = store::get(id)? else {
                continue;
            };
            if done.is_none_or(|done| todo.done == done)
                && priority.is_none_or(|priority| todo.priority == priority)
                && tag.as_ref().is_none_or(|tag| todo.tags.contains(tag))
            {
                found.push(todo);
            }
        }
        Ok(found)
    }

    fn get_todo(id: u64) -> Result<Todo, Error> {
        store::get(id)?.ok_or(Error::NotFound(id))
    }

    fn create_todo(todo: TodoInput) -> Result<Todo, Error> {
        let todo = with_id(store::next_id()?, todo);
        store::set(&todo)?;
        Ok(todo)
    }

    fn replace_todo(id: u64, todo: TodoInput) -> Result<Todo, Error> {
        Self::get_todo(id)?;
        let todo = with_id(id, todo);
        store::set(&todo)?;
        Ok(todo)
    }

    fn update_todo(id: u64, patch: TodoPatch) -> Result<Todo, Error> {
        let todo = Self::get_todo(id)?;
        let todo = Todo {
            id,
            title: patch.title.unwrap_or(todo.title),
            notes: patch.notes.or(todo.notes),
            priority: patch.priority.unwrap_or(todo.priority),
            tags: patch.tags.unwrap_or(todo.tags),
            done: patch.done.unwrap_or(todo.done),
        };
        store::set(&todo)?;
        Ok(todo)
    }

    fn delete_todo(id: u64) -> Result<(), Error> {
        Self::get_todo(id)?;
        store::delete(id)
    }

    fn complete(id: u64) -> Result<Todo, Error> {
        let mut todo = Self::get_todo(id)?;
        if todo.done {
            return Err(Error::Conflict(format!("todo {id} is done already")));
        }
        todo.done = true;
        store::set(&todo)?;
        Ok(todo)
    }

    fn get_stats() -> Result<Stats, Error> {
        let mut stats = Stats { total: 0, done: 0, open: 0 };
        for id in store::ids()? {
            let Some(todo) = store::get(id)? else {
                continue;
            };
            stats.total += 1;
            if todo.done {
                stats.done += 1;
            } else {
                stats.open += 1;
            }
        }
        Ok(stats)
    }
}

fn with_id(id: u64, todo: TodoInput) -> Todo {
    let TodoInput { title, notes, priority, tags, done } = todo;
    Todo { id, title, notes, priority, tags, done }
}

export!(Plugin);
