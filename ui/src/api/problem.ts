import type { Problem as Body } from "./schema";

/** An error as the API says it: what must hold, what came, what to do next. */
export class Problem extends Error {
  readonly status: number | null;
  readonly must: string;
  readonly got: string;
  readonly fix: string;
  readonly link: string | null;

  constructor(status: number | null, body: Pick<Body, "must" | "got" | "fix"> & { link?: string | null }) {
    super(body.must);
    this.status = status;
    this.must = body.must;
    this.got = body.got;
    this.fix = body.fix;
    this.link = body.link ?? null;
  }

  /** Read a response that is no success; what is not the API's own body, such as a proxy's page, is said plainly. */
  static ofResponse(response: Response, body: unknown): Problem {
    return isBody(body)
      ? new Problem(response.status, body)
      : new Problem(response.status, {
          must: "the server must answer as the API says",
          got: `${response.status} ${response.statusText}`.trim(),
          fix: "Try again; if it stays, look into the log of Airflow's api-server.",
        });
  }

  /** Whatever was thrown, as a problem. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem(null, {
      must: "the server must be reachable",
      got: error instanceof Error ? error.message : String(error),
      fix: "Look at the connection, and reload the page.",
    });
  }
}

const isBody = (body: unknown): body is Body =>
  typeof body === "object" &&
  body !== null &&
  ["must", "got", "fix"].every((part) => typeof Reflect.get(body, part) === "string");
