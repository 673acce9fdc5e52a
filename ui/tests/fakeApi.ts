/** Answers in the place of Airflow: the path decides, and what was asked is kept. */
import * as fixtures from "./fixtures";

export interface Asked {
  method: string;
  path: string;
  search: URLSearchParams;
  headers: Headers;
  body: unknown;
}

export type Answer = unknown | ((asked: Asked) => unknown);

export interface FakeApi {
  asked: Asked[];
  answers: Record<string, Answer>;
}

/** An answer with another status than 200. */
export class Refused {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

const MODEL = /^\/retrain\/api\/models\/[^/]+/;

/** Answers by "METHOD path", with the model's name left out. */
const standard = (): Record<string, Answer> => ({
  "GET /api/models": fixtures.modelPage(),
  "GET /api/timelines": fixtures.timelines(),
  "GET /api/decisions": { decisions: [fixtures.retrainDetail().decision] },
  "GET /api/models/*": fixtures.modelDetail(),
  "GET /api/models/*/decisions": fixtures.retrainDetail(),
  "GET /api/models/*/compare": fixtures.comparison(),
  "GET /api/ledger": fixtures.ledgerPage(),
  "GET /api/attempts": fixtures.attempts(),
  "GET /api/ledger/verify": { intact: true, entries: 9, problem: null, checked_at: "2026-03-02T08:00:00Z" },
  "POST /api/models/*/rollback": fixtures.accepted(),
  "POST /api/models/*/freeze": fixtures.accepted({ operation: "freeze", dag_id: "retrain_freeze" }),
  "POST /api/models/*/unfreeze": fixtures.accepted({ operation: "unfreeze", dag_id: "retrain_freeze" }),
  "POST /api/models/*/retrain": fixtures.accepted({ operation: "retrain", dag_id: "flight_delay" }),
  "POST /api/models/*/approve": fixtures.accepted({ operation: "approve", dag_id: "flight_delay" }),
  "GET /api/v2/run": { state: "success" },
});

const keyOf = (method: string, path: string): string => {
  if (path.startsWith("/api/v2/")) return `${method} /api/v2/run`;
  const short = path
    .replace(MODEL, "/api/models/*")
    .replace(/^\/retrain/, "")
    .replace(/\/decisions\/.*/, "/decisions");
  return `${method} ${short}`;
};

/** Put a fake API in the place of `fetch`; `answers` change what single routes say. */
export const fakeApi = (answers: Record<string, Answer> = {}): FakeApi => {
  const api: FakeApi = { asked: [], answers: { ...standard(), ...answers } };
  const answer = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input instanceof URL ? input.href : input, init);
    const { pathname, searchParams } = new URL(request.url);
    const text = request.method === "POST" ? await request.text() : "";
    const asked: Asked = {
      method: request.method,
      path: pathname,
      search: searchParams,
      headers: request.headers,
      body: text ? JSON.parse(text) : null,
    };
    api.asked.push(asked);
    const given = api.answers[keyOf(asked.method, asked.path)];
    const said = typeof given === "function" ? await given(asked) : given;
    if (said === undefined) return json({ must: "a route must exist", got: asked.path, fix: "-" }, 404);
    return said instanceof Refused ? json(said.body, said.status) : json(said, asked.method === "POST" ? 202 : 200);
  };
  globalThis.fetch = answer;
  return api;
};

const json = (body: unknown, status: number): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
