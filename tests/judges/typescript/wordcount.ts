import { type Api, equal, value } from "./check.js";

export async function wordcount(api: Api): Promise<void> {
  const text = "The cat sat on the mat. The cat slept.";
  const counts = value("count", await api.POST("/words/count", { body: { text, top: 2 } }));
  equal("the words", counts.words, 9);
  equal("the frequent ones", counts.frequent, [{ word: "cat", count: 2 }, { word: "sat", count: 1 }]);

  const words = value("stop words", await api.GET("/words/stop-words", { params: { query: { prefix: "wh" } } }));
  equal("the stop words", words, ["what", "when", "which", "who"]);
}
