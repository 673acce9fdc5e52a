import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fakeApi } from "./fakeApi";
import { comparison, ledgerPage } from "./fixtures";
import { renderAt } from "./renderAt";

const COMPARE = "/plugin/retrain/models/flight_delay/compare";
const LEDGER = "/plugin/retrain/ledger";

describe("two versions", () => {
  it("are not called better or worse on different rows", async () => {
    fakeApi();
    renderAt(`${COMPARE}?a=8&b=10`);
    expect(await screen.findByText(/do not say which one is better/)).toBeVisible();
    expect(screen.queryByText(/better$|worse$/, { selector: "td" })).not.toBeInTheDocument();
  });

  it("are called better or worse on the same rows, whichever way the metric goes", async () => {
    fakeApi({ "GET /api/models/*/compare": comparison({ same_rows: true }) });
    renderAt(`${COMPARE}?a=8&b=10`);
    expect(await screen.findByText("−0.0020 worse")).toBeVisible();
    expect(screen.getByText("−0.0054 better")).toBeVisible();
  });

  it("are chosen by the reader and kept in the address", async () => {
    const api = fakeApi();
    const { user, address } = renderAt(COMPARE);
    expect(await screen.findByText("Choose two versions")).toBeVisible();
    await user.selectOptions(await screen.findByRole("combobox", { name: "Version a" }), "6");
    await user.selectOptions(screen.getByRole("combobox", { name: "Version b" }), "10");
    await waitFor(() => expect(api.asked.at(-1)?.path).toMatch(/compare$/));
    expect(address()).toBe(`${COMPARE}?a=6&b=10`);
  });
});

describe("the ledger", () => {
  it("is filtered by the server", async () => {
    const api = fakeApi();
    const { user, address } = renderAt(`${LEDGER}?before=40`);
    await user.selectOptions(await screen.findByRole("combobox", { name: "Action" }), "rollback");
    await waitFor(() => expect(api.asked.at(-1)?.search.get("action")).toBe("rollback"));
    expect(address()).toBe(`${LEDGER}?action=rollback`);
  });

  it("goes on to older entries and back to the latest", async () => {
    const api = fakeApi({ "GET /api/ledger": ledgerPage({ before: 4 }) });
    const { user, address } = renderAt(LEDGER);
    await user.click(await screen.findByRole("button", { name: "Older" }));
    await waitFor(() => expect(api.asked.at(-1)?.search.get("before")).toBe("4"));
    await user.click(screen.getByRole("button", { name: "Latest" }));
    expect(address()).toBe(LEDGER);
  });

  it("is verified when somebody asks for it", async () => {
    const api = fakeApi();
    const { user } = renderAt(LEDGER);
    await screen.findByRole("table");
    expect(api.asked.some(({ path }) => path.endsWith("/verify"))).toBe(false);
    await user.click(screen.getByRole("button", { name: "Verify" }));
    expect(await screen.findByText("Intact: 9 entries, each as it was written.")).toBeVisible();
  });

  it("says where it is broken", async () => {
    const problem = {
      must: "the chain must be unbroken",
      got: "a break at entry 5",
      fix: "Stop promotions.",
      link: null,
    };
    fakeApi({ "GET /api/ledger/verify": { intact: false, entries: null, problem } });
    const { user } = renderAt(LEDGER);
    await user.click(await screen.findByRole("button", { name: "Verify" }));
    expect(within(await screen.findByRole("alert")).getByText("a break at entry 5")).toBeVisible();
  });

  it("is exported for the model that is chosen", async () => {
    fakeApi();
    renderAt(`${LEDGER}?model=flight_delay`);
    expect(await screen.findByRole("link", { name: "Export flight_delay" })).toHaveAttribute(
      "href",
      expect.stringMatching(/\/retrain\/api\/ledger\/export\?model=flight_delay$/),
    );
  });
});

describe("the requests", () => {
  it("say who asked for what and what came of it, refusals as well", async () => {
    fakeApi();
    const { user } = renderAt(LEDGER);
    await user.click(await screen.findByRole("link", { name: "Requests" }));
    const table = await screen.findByRole("table", { name: "Requests, the latest first" });
    expect(within(table).getByText("Taken on 202")).toBeVisible();
    expect(within(table).getByText("Refused 403").closest("tr")).toHaveTextContent("may not start retrain_rollback");
    expect(screen.getByRole("heading", { level: 1, name: "Requests" })).toHaveFocus();
  });
});
