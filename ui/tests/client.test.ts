import { afterEach, describe, expect, it } from "vitest";
import { dataOf, GET, POST, withinAirflow } from "@/api/client";
import { Problem } from "@/api/problem";
import { fakeApi, Refused } from "./fakeApi";

const freeze = () =>
  dataOf(
    POST("/api/models/{model}/freeze", {
      params: { path: { model: "churn" } },
      body: { reason: "labels are late", timeline: "production" },
    }),
  );

describe("a request", () => {
  afterEach(() => document.querySelector("base")?.remove());

  it("says that a page of ours sends it, and sends JSON", async () => {
    const api = fakeApi();
    await freeze();
    expect(api.asked[0]?.headers.get("x-retrain-request")).toBe("1");
    expect(api.asked[0]?.headers.get("content-type")).toBe("application/json");
    expect(api.asked[0]?.headers.get("authorization")).toBeNull();
  });

  it("goes below Airflow's base path", () => {
    const base = document.createElement("base");
    base.href = "http://localhost:3000/team/airflow/";
    document.head.append(base);
    expect(withinAirflow("/dags/churn")).toBe("http://localhost:3000/team/airflow/dags/churn");
  });
});

describe("a refusal", () => {
  it("is thrown with what must hold, what came and what to do", async () => {
    fakeApi({ "POST /api/models/*/freeze": new Refused(409, { must: "one at a time", got: "a run", fix: "Wait." }) });
    await expect(freeze()).rejects.toMatchObject({ status: 409, must: "one at a time", got: "a run", fix: "Wait." });
  });

  it("of something in between, such as a proxy, is said plainly", async () => {
    globalThis.fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" });
    const problem = await dataOf(GET("/api/timelines")).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ status: 502, got: "502 Bad Gateway" });
  });

  it("of the network is a problem, too", () => {
    expect(Problem.of(new TypeError("Failed to fetch"))).toMatchObject({ status: null, got: "Failed to fetch" });
  });
});
