import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fakeApi, Refused } from "./fakeApi";
import { modelPage, modelRow } from "./fixtures";
import { renderAt } from "./renderAt";

const HOME = "/plugin/retrain";
const lastAsked = (api: ReturnType<typeof fakeApi>) =>
  api.asked.filter(({ path }) => path === "/retrain/api/models").at(-1)?.search;

describe("the table of models", () => {
  it("says champion, age, last decision with its gain, metric and next run of each", async () => {
    fakeApi();
    renderAt(HOME);
    const table = await screen.findByRole("table", { name: "Models on production" });
    const row = within(
      within(table)
        .getByRole("rowheader", { name: /flight_delay/ })
        .closest("tr") as HTMLElement,
    );
    expect(row.getByText("v10")).toBeVisible();
    expect(row.getByText("Promoted")).toBeVisible();
    expect(row.getByText("+0.0095")).toBeVisible();
    expect(row.getByText("[+0.0032, +0.0158]")).toBeVisible();
    expect(row.getByRole("img", { name: /roc_auc, 10 decisions/ })).toBeVisible();
    expect(row.getByText("2026-12-01")).toBeVisible();
    expect(row.getByText(/years ago/)).toBeVisible();
  });

  it("links to the model and to the decision", async () => {
    fakeApi();
    renderAt(HOME);
    expect(await screen.findByRole("link", { name: "flight_delay" })).toHaveAttribute(
      "href",
      "/plugin/retrain/models/flight_delay",
    );
    expect(screen.getByRole("link", { name: "Last decision on flight_delay: PROMOTE" })).toHaveAttribute(
      "href",
      expect.stringMatching(/\/models\/flight_delay\/retrains\/[0-9a-f]{64}$/),
    );
  });

  it("is sorted by the server, by keyboard as well, and says so", async () => {
    const api = fakeApi();
    const { user, address } = renderAt(HOME);
    const header = await screen.findByRole("columnheader", { name: "Knows until" });
    expect(screen.getByRole("columnheader", { name: "Model" })).toHaveAttribute("aria-sort", "ascending");
    within(header).getByRole("button").focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(lastAsked(api)?.get("sort")).toBe("age"));
    expect(header).toHaveAttribute("aria-sort", "ascending");
    await user.keyboard(" ");
    await waitFor(() => expect(lastAsked(api)?.get("sort")).toBe("-age"));
    expect(header).toHaveAttribute("aria-sort", "descending");
    expect(screen.getByRole("columnheader", { name: "Model" })).not.toHaveAttribute("aria-sort");
    expect(address()).toBe(`${HOME}?sort=-age`);
  });

  it("asks the server for a search once the typing pauses, from the first page on", async () => {
    const api = fakeApi({ "GET /api/models": modelPage({ total: 120 }) });
    const { user, address } = renderAt(`${HOME}?offset=50`);
    await user.type(await screen.findByRole("searchbox", { name: "Search" }), "churn");
    await waitFor(() => expect(lastAsked(api)?.get("search")).toBe("churn"));
    expect(lastAsked(api)?.get("offset")).toBe("0");
    expect(api.asked.some(({ search }) => search.get("search") === "chu")).toBe(false);
    expect(address()).toBe(`${HOME}?search=churn`);
  });

  it("filters by an address that somebody shared", async () => {
    const api = fakeApi();
    renderAt(`${HOME}?choice=REJECT&state=frozen&timeline=year-2013&sort=-margin`);
    await screen.findByRole("table", { name: "Models on year-2013" });
    expect(Object.fromEntries(lastAsked(api) ?? [])).toMatchObject({
      choice: "REJECT",
      state: "frozen",
      timeline: "year-2013",
      sort: "-margin",
    });
    expect(screen.getByRole("combobox", { name: "Last decision" })).toHaveValue("REJECT");
  });

  it("pages through many models", async () => {
    const api = fakeApi({ "GET /api/models": modelPage({ total: 1000 }) });
    const { user, address } = renderAt(HOME);
    expect(await screen.findByText("1–50 of 1,000 models")).toBeVisible();
    expect(screen.getByRole("button", { name: "Previous" })).toBeDisabled();
    await user.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("51–100 of 1,000 models")).toBeVisible();
    expect(lastAsked(api)?.get("offset")).toBe("50");
    expect(address()).toBe(`${HOME}?offset=50`);
  });

  it("shows HTML in names as text", async () => {
    const nasty = '<img src=x onerror="globalThis.hacked=true">';
    fakeApi({ "GET /api/models": modelPage({ rows: [modelRow(0, { model: nasty, owner: nasty, metric: nasty })] }) });
    renderAt(HOME);
    expect(await screen.findByRole("link", { name: nasty })).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
    expect(Reflect.get(globalThis, "hacked")).toBeUndefined();
  });
});

describe("without rows to show", () => {
  it("says that it loads", () => {
    fakeApi({ "GET /api/models": () => new Promise(() => undefined) });
    renderAt(HOME);
    expect(screen.getByRole("status", { name: "Loading models" })).toHaveAttribute("aria-busy", "true");
  });

  it("says how the first model comes to be", async () => {
    fakeApi({ "GET /api/models": modelPage({ rows: [], total: 0 }) });
    renderAt(HOME);
    expect(await screen.findByText("No models yet")).toBeVisible();
  });

  it("says that no model meets the filters", async () => {
    fakeApi({ "GET /api/models": modelPage({ rows: [], total: 0 }) });
    renderAt(`${HOME}?search=nothing`);
    expect(await screen.findByText("No model meets the filters")).toBeVisible();
  });

  it("says what must hold, what came and what to do, and tries again when asked", async () => {
    const api = fakeApi({
      "GET /api/models": new Refused(409, { must: "the ledger must be whole", got: "a break", fix: "Compare it." }),
    });
    const { user } = renderAt(HOME);
    const alert = await screen.findByRole("alert");
    for (const words of ["the ledger must be whole", "a break", "Compare it."])
      expect(within(alert).getByText(words)).toBeVisible();
    api.answers["GET /api/models"] = modelPage();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "flight_delay" })).toBeVisible();
  });

  it.each([
    [403, "You may not see this list of models"],
    [401, "You are signed out"],
  ])("says what a %s means", async (status, title) => {
    fakeApi({ "GET /api/models": new Refused(status, { must: "m", got: "g", fix: "Ask for the permission." }) });
    renderAt(HOME);
    expect(await screen.findByText(title)).toBeVisible();
  });

  it("shows a way home from an address that leads nowhere", async () => {
    fakeApi();
    renderAt(`${HOME}/nowhere`);
    expect(screen.getByRole("link", { name: "All models" })).toHaveAttribute("href", HOME);
  });
});
