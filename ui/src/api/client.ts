import createClient from "openapi-fetch";
import { Problem } from "./problem";
import type { paths } from "./schema";

/** A path within Airflow, where it is served, also below a base path of its own. */
export const withinAirflow = (path: string): string => new URL(path.replace(/^\//, ""), document.baseURI).href;

const client = createClient<paths>({
  baseUrl: withinAirflow("retrain"),
  // The cookie travels by itself and is never read.
  credentials: "same-origin",
  // A form of another site can send neither JSON nor this header.
  headers: { "X-Retrain-Request": "1" },
  // Looked up at each call: a page may be watched, and a test may answer in its place.
  fetch: (request) => globalThis.fetch(request),
});

export const { GET, POST } = client;

/** The data of an answer, or its problem thrown. */
export const dataOf = async <Data>(
  answer: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> => {
  const { data, error, response } = await answer;
  if (data === undefined) throw Problem.ofResponse(response, error);
  return data;
};
