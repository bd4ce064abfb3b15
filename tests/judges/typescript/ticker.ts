import { type Api, equal, value } from "./check.js";

// The types are those of an item: what a stream is, openapi-fetch is told by each call.
export async function ticker(api: Api): Promise<void> {
  const ticks = await api.GET("/ticks", { params: { query: { count: 3, interval_ms: 1 } }, parseAs: "text" });
  equal("the ticks", String(value("watch", ticks)).trim().split("\n").map((line) => JSON.parse(line).seq), [0, 1, 2]);

  const lines = { headers: { "content-type": "application/x-ndjson" }, bodySerializer: () => "1\n2.5\n" };
  const sum = await api.POST("/ticks/sum", { body: 0, ...lines });
  equal("the sum", value("sum", sum), { count: 2, sum: 3.5, least: 1, greatest: 2.5 });
  const sums = await api.POST("/ticks/running-sum", { body: 0, ...lines, parseAs: "text" });
  equal("the running sums", String(value("running sum", sums)), "1.0\n3.5\n");

  const downloaded = await api.GET("/ticks/bytes", { params: { query: { size: 5 } }, parseAs: "text" });
  equal("what was downloaded", value("download", downloaded), "abcde");
  const bytes = { headers: { "content-type": "application/octet-stream" }, bodySerializer: () => "hello" };
  equal("what was uploaded", value("upload", await api.POST("/ticks/bytes", { body: "", ...bytes })), 5);
}
