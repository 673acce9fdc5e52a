import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fakeApi, Refused } from "./fakeApi";
import { decisionsOf, retrainDetail } from "./fixtures";
import { renderAt } from "./renderAt";

const PAGE = `/plugin/retrain/models/flight_delay/retrains/${"a".repeat(64)}`;
const DETAIL = "GET /api/models/*/decisions";

const firstColumn = (table: HTMLElement): string[] =>
  within(table)
    .getAllByRole("rowheader")
    .map((cell) => cell.textContent ?? "");

describe("the scorecard of a retrain", () => {
  it("begins with the decision and its reason", async () => {
    fakeApi();
    renderAt(PAGE);
    const heading = await screen.findByRole("heading", { level: 1, name: "Retrain as of 2013-11-01" });
    expect(within(heading.parentElement as HTMLElement).getByText("Rejected")).toBeVisible();
    expect(screen.getByText(/^beats_champion\(roc_auc\): gain in roc_auc/)).toBeVisible();
  });

  it("says each gate's verdict in words, with number, bound and interval", async () => {
    fakeApi();
    renderAt(PAGE);
    const table = await screen.findByRole("table", { name: "Verdict of each gate" });
    const rows = within(table)
      .getAllByRole("row")
      .slice(1)
      .map((row) => within(row));
    expect(rows.map((row) => row.getByText(/^(Pass|Fail|Inconclusive)$/).textContent)).toEqual([
      "Pass",
      "Fail",
      "Inconclusive",
    ]);
    expect(
      rows[1]?.getByRole("img", {
        name: "beats_champion(roc_auc): −0.0108 [−0.0179, −0.0037] against the bound 0.0000",
      }),
    ).toBeVisible();
  });

  it("counts a gain as positive where less is better", async () => {
    fakeApi();
    renderAt(PAGE);
    const table = await screen.findByRole("table", { name: /^Metrics of challenger/ });
    const row = within(table)
      .getByRole("rowheader", { name: /log_loss/ })
      .closest("tr");
    expect(row).toHaveTextContent("0.44120.4358−0.0054");
  });

  it("sorts slices with the greatest loss first, and those without a number last both ways", async () => {
    fakeApi();
    const { user } = renderAt(PAGE);
    const table = await screen.findByRole("table", { name: /^roc_auc by slice/ });
    expect(firstColumn(table)[0]).toBe("origin = EWR");
    expect(firstColumn(table).at(-1)).toBe("carrier = UA");
    await user.click(within(table).getByRole("button", { name: "Gain" }));
    expect(firstColumn(table)[0]).toBe("carrier = HA");
    expect(firstColumn(table).at(-1)).toBe("carrier = UA");
    await user.selectOptions(screen.getByRole("combobox", { name: "Column" }), "origin");
    expect(firstColumn(table)).toEqual(["origin = LGA", "origin = JFK", "origin = EWR"]);
  });

  it("draws calibration with words for each point", async () => {
    fakeApi();
    renderAt(PAGE);
    const chart = await screen.findByRole("group", { name: "Calibration of challenger and champion v8" });
    expect(within(chart).getByText("challenger: predicted 5.0 %, observed 5.0 %, 1,374 rows")).toBeInTheDocument();
  });

  it("links to the DAG run within Airflow and to MLflow outside", async () => {
    fakeApi();
    renderAt(PAGE);
    expect(await screen.findByRole("link", { name: "DAG run" })).toHaveAttribute(
      "href",
      "/dags/flight_delay/runs/backfill__2013-11-01T00%3A00%3A00%2B00%3A00",
    );
    expect(screen.getByRole("link", { name: "MLflow run" })).toHaveAttribute("href", expect.stringMatching(/^http:/));
  });

  it("makes no link of what is no address", async () => {
    const links = { ...retrainDetail().links, mlflow_run: "javascript:alert(1)", model_version: null };
    fakeApi({ [DETAIL]: retrainDetail({ links }) });
    renderAt(PAGE);
    expect(await screen.findByText("MLflow run")).toBeVisible();
    expect(screen.queryByRole("link", { name: "MLflow run" })).not.toBeInTheDocument();
  });

  it("shows a retrain that failed before its gates", async () => {
    const decision = decisionsOf()[8];
    fakeApi({
      [DETAIL]: retrainDetail({
        ...(decision ? { decision } : {}),
        verdicts: [],
        scorecard: null,
        data: null,
        changes: [],
        compared_with: null,
      }),
    });
    renderAt(PAGE);
    expect(await screen.findByText("The step “validate” failed.")).toBeVisible();
    expect(screen.getByText("none was made")).toBeVisible();
    expect(screen.queryByRole("heading", { name: "Gates" })).not.toBeInTheDocument();
  });

  it("says which parts could not be read", async () => {
    fakeApi({ [DETAIL]: retrainDetail({ unavailable: [{ part: "changes", reason: "MLflow does not answer" }] }) });
    renderAt(PAGE);
    expect(await screen.findByText("changes: MLflow does not answer")).toBeVisible();
  });

  it("says that a retrain does not exist", async () => {
    fakeApi({ [DETAIL]: new Refused(404, { must: "a decision must exist", got: "none", fix: "Look at the model." }) });
    renderAt(PAGE);
    expect(await screen.findByText("This retrain does not exist")).toBeVisible();
  });
});
