import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ChampionTab } from "@/panels/ChampionTab";
import { DecisionTab } from "@/panels/DecisionTab";
import { fakeApi, Refused } from "./fakeApi";
import { decisionsOf } from "./fixtures";
import { renderPart } from "./renderAt";

const NOT_FOUND = new Refused(404, { must: "m", got: "g", fix: "f" });

describe("the tab on a DAG", () => {
  it("says who is champion and leads to the model", async () => {
    fakeApi();
    renderPart(<ChampionTab dagId="flight_delay" />);
    expect(await screen.findByRole("heading", { name: "Champion: version 10" })).toBeVisible();
    expect(screen.getByRole("link", { name: "All of flight_delay" })).toHaveAttribute(
      "href",
      "/plugin/retrain/models/flight_delay",
    );
  });

  it("says that a DAG does not train a model", async () => {
    fakeApi({ "GET /api/models/*": NOT_FOUND });
    renderPart(<ChampionTab dagId="reports" />);
    expect(await screen.findByText(/^reports does not train a model/)).toBeVisible();
  });
});

describe("the tab on a DAG run", () => {
  it("says what the run decided and leads to the scorecard", async () => {
    fakeApi();
    const decision = decisionsOf()[9];
    renderPart(<DecisionTab dagId="flight_delay" runId={decision?.run_id ?? ""} />);
    expect(await screen.findByText("Rejected")).toBeVisible();
    expect(screen.getByRole("link", { name: "Scorecard" })).toHaveAttribute(
      "href",
      expect.stringContaining(decision?.id ?? "-"),
    );
  });

  it("says that nothing was decided yet", async () => {
    const api = fakeApi({ "GET /api/decisions": { decisions: [] } });
    renderPart(<DecisionTab dagId="flight_delay" runId="manual__now" />);
    expect(await screen.findByText("Nothing was decided by this run yet")).toBeVisible();
    expect(Object.fromEntries(api.asked[0]?.search ?? [])).toEqual({ dag_id: "flight_delay", run_id: "manual__now" });
  });
});
