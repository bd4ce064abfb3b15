import { type Api, equal, value } from "./check.js";

export async function todos(api: Api): Promise<void> {
  const created = value("create", await api.POST("/todos", { body: { title: "Read the WIT book", tags: ["wasm"] } }));
  equal("what was created", { ...created, id: 0 }, {
    id: 0,
    title: "Read the WIT book",
    notes: null,
    priority: "normal",
    tags: ["wasm"],
    done: false,
  });
  const path = { id: created.id };

  const got = value("get", await api.GET("/todos/{id}", { params: { path } }));
  equal("what was got", got, created);
  const listed = value("list", await api.GET("/todos", { params: { query: { done: false, tag: "wasm", limit: 10 } } }));
  equal("what was listed", listed.some((todo) => todo.id === created.id), true);

  const replaced = await api.PUT("/todos/{id}", { params: { path }, body: { title: "Water the plants", priority: "high" } });
  equal("what was replaced", value("replace", replaced).tags, []);
  const updated = value("update", await api.PATCH("/todos/{id}", { params: { path }, body: { notes: "All of them" } }));
  equal("what was updated", [updated.title, updated.notes], ["Water the plants", "All of them"]);

  const completed = value("complete", await api.POST("/todos/{id}/complete", { params: { path } }));
  equal("what was completed", completed.done, true);
  const again = await api.POST("/todos/{id}/complete", { params: { path } });
  equal("the status of completing twice", again.response.status, 409);

  const stats = value("stats", await api.GET("/todos/stats"));
  equal("the sum", stats.done + stats.open, stats.total);

  const deleted = await api.DELETE("/todos/{id}", { params: { path } });
  equal("the status of deleting", deleted.response.status, 204);
  const gone = await api.GET("/todos/{id}", { params: { path } });
  equal("the status of what is gone", gone.response.status, 404);
}
