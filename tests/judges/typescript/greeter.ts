import { type Api, equal, value } from "./check.js";

export async function greeter(api: Api): Promise<void> {
  const greeting = value("greet", await api.GET("/greetings", { params: { query: { name: "Ada", language: "german" } } }));
  equal("the greeting", greeting, { text: "Hallo, Ada!", language: "german" });

  const languages = value("languages", await api.GET("/greetings/languages"));
  equal("the languages", languages, ["english", "french", "german", "spanish"]);

  const party = { host: "Grace", guests: ["Ada", "Alan"], language: "french" } as const;
  const greetings = value("welcome", await api.POST("/greetings/welcome", { body: { ...party, guests: [...party.guests] } }));
  equal("the guests greeted", greetings.length, 2);
  equal("their language", greetings[0]?.language, "french");

  const refused = await api.GET("/greetings", { params: { query: { name: " " } } });
  equal("the status for nobody", refused.response.status, 400);
  // The problem of a failed operation has a typed `error`; the host's own problems have none.
  if (refused.error === undefined || !("error" in refused.error)) throw new Error("no error for nobody");
  equal("why nobody is greeted", refused.error.error.tag, "invalid");
}
