import { act, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fakeApi } from "./fakeApi";
import { decisionsOf, modelDetail, ratingsOf } from "./fixtures";
import { renderAt } from "./renderAt";

const PAGE = "/plugin/retrain/models/flight_delay";
const DETAIL = "GET /api/models/*";
const NOBODY = { retrain: false, promote: false, rollback: false, freeze: false, approve: false };

describe("the page of a model", () => {
  it("answers what is in production, since when, and what was decided last", async () => {
    fakeApi();
    renderAt(PAGE);
    expect(await screen.findByText("Version 10")).toBeVisible();
    expect(screen.getByText(/live since/)).toHaveTextContent("2026-11-20 10:30");
    expect(screen.getByRole("link", { name: "why it was promoted" })).toHaveAttribute(
      "href",
      expect.stringContaining("/retrains/"),
    );
    expect(screen.getByRole("heading", { level: 1, name: "flight_delay" })).toBeVisible();
    expect(document.title).toBe("flight_delay · Retrain");
  });

  it("lists each decision with its reason, the latest as-of first", async () => {
    fakeApi();
    renderAt(PAGE);
    const table = await screen.findByRole("table", { name: /^Decisions on flight_delay/ });
    const rows = within(table).getAllByRole("rowheader");
    expect(rows[0]).toHaveTextContent("2013-12-01");
    expect(rows).toHaveLength(11);
    expect(within(table).getByText(/validate failed: expectation failed/)).toBeVisible();
  });

  it("says until when each champion was live", async () => {
    fakeApi();
    renderAt(PAGE);
    const table = await screen.findByRole("table", { name: /^Champions of flight_delay/ });
    const cells = within(table)
      .getAllByRole("row")
      .map((row) => row.textContent ?? "");
    expect(cells[1]).toMatch(/^v102026-11-20 10:30now/);
    expect(cells[2]).toMatch(/^v82026-11-20 10:212026-11-20 10:30/);
  });

  it("moves along the chart with the arrow keys and says what each point is", async () => {
    fakeApi();
    const { user, address } = renderAt(PAGE);
    const chart = await screen.findByRole("group", { name: /^roc_auc of 11 challengers/ });
    const points = within(chart).getAllByRole("link");
    expect(points.filter((point) => point.getAttribute("tabindex") === "0")).toHaveLength(1);
    act(() => points.at(-1)?.focus());
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(document.activeElement).toHaveAccessibleName(/^2013-10-01: rejected\. validate failed: expectation failed/);
    await user.click(document.activeElement as Element);
    expect(address()).toMatch(/\/retrains\/[0-9a-f]{64}$/);
  });

  it("shows how all versions are rated, the latest first, and how fast they age", async () => {
    fakeApi({ [DETAIL]: modelDetail({ ratings: ratingsOf({ champion: 8 }) }) });
    renderAt(PAGE);
    const chart = await screen.findByRole("group", { name: /^Expected gain in roc_auc of 10 versions over version 8/ });
    const titlesOf = (one: HTMLElement) => [...one.querySelectorAll("title")].map((title) => title.textContent);
    const rows = titlesOf(chart);
    expect(rows[0]).toBe(
      "Version 10, the challenger, as of 2013-12-01: expected gain ±0.0000 [±0.0000, ±0.0000]. Chance to be the best: 83 %.",
    );
    expect(rows[2]).toBe("Version 8, the champion, as of 2013-09-01. Chance to be the best: 5 %.");
    expect(rows[9]).toMatch(/under 0\.1 %\.$/);
    expect(screen.getByRole("heading", { name: "All versions, as rated after 9 windows" })).toBeVisible();
    expect(screen.getByText(/A month of age costs a version about 0\.0021 here\./)).toBeVisible();
    const history = screen.getByRole("group", { name: /^Expected gain in roc_auc of 9 challengers/ });
    expect(titlesOf(history)[0]).toMatch(/^2013-03-01: version 2 over version 1/);
  });

  it("draws no line through one window", async () => {
    const ratings = ratingsOf({ windows: 1 });
    fakeApi({ [DETAIL]: modelDetail({ ratings: { ...ratings, history: ratings.history.slice(0, 1) } }) });
    renderAt(PAGE);
    expect(await screen.findByRole("heading", { name: "All versions, as rated after 1 window" })).toBeVisible();
    expect(screen.queryByRole("group", { name: /challengers over the champion at the time/ })).not.toBeInTheDocument();
  });

  it("shows no rating where no gate has versions rated", async () => {
    fakeApi({ [DETAIL]: modelDetail({ ratings: null }) });
    renderAt(PAGE);
    expect(await screen.findByRole("heading", { name: "Decisions" })).toBeVisible();
    expect(screen.queryByRole("heading", { name: /^All versions/ })).not.toBeInTheDocument();
  });

  it("says that nothing was decided yet", async () => {
    fakeApi({
      [DETAIL]: modelDetail({
        decisions: [],
        moves: [],
        ledger: [],
        champion: null,
        fallbacks: [],
        metric: "",
        ratings: null,
      }),
    });
    renderAt(PAGE);
    expect(await screen.findByText("Nothing was decided yet")).toBeVisible();
    expect(screen.getByText("No champion yet")).toBeVisible();
    expect(screen.getByRole("button", { name: "Roll back" })).toBeDisabled();
  });

  it("reads the timeline that is chosen", async () => {
    const api = fakeApi();
    const { user, address } = renderAt(PAGE);
    await user.selectOptions(await screen.findByRole("combobox", { name: "Timeline" }), "year-2013");
    expect(address()).toBe(`${PAGE}?timeline=year-2013`);
    expect(api.asked.at(-1)?.search.get("timeline")).toBe("year-2013");
  });

  it("shows HTML in reasons, actors and slices as text", async () => {
    const nasty = "<script>hacked=1</script><b>bold</b>";
    const decisions = decisionsOf().map((decision) => ({ ...decision, reason: nasty }));
    fakeApi({
      [DETAIL]: modelDetail({
        decisions,
        description: nasty,
        freeze: { since: "2026-11-20T12:00:00Z", actor: nasty, reason: nasty },
      }),
    });
    renderAt(PAGE);
    expect((await screen.findAllByText(nasty)).length).toBeGreaterThan(10);
    expect(document.querySelector("[data-testid=retrain] b, [data-testid=retrain] script")).toBeNull();
  });
});

describe("what a user may do", () => {
  it("offers nothing to a viewer, and says so", async () => {
    fakeApi({ [DETAIL]: modelDetail({ permissions: NOBODY }) });
    renderAt(PAGE);
    expect(await screen.findByText("You can look at this model, not change it.")).toBeVisible();
    for (const name of ["Retrain now", "Roll back", "Freeze"])
      expect(screen.queryByRole("button", { name })).not.toBeInTheDocument();
  });

  it("offers what is permitted and no more", async () => {
    fakeApi({ [DETAIL]: modelDetail({ permissions: { ...NOBODY, freeze: true } }) });
    renderAt(PAGE);
    expect(await screen.findByRole("button", { name: "Freeze" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Roll back" })).not.toBeInTheDocument();
  });

  it.each([
    [true, ["anna"], null],
    [false, ["anna"], "To be answered by anna."],
    [false, [], "You are not allowed to answer."],
  ])("asks for an approval only who may answer: %s", async (may_answer, approvers, words) => {
    const pending = {
      dag_id: "flight_delay",
      run_id: "r1",
      since: "2026-11-21T08:00:00Z",
      subject: "Promote version 11?",
      approvers,
      may_answer,
    };
    fakeApi({ [DETAIL]: modelDetail({ approvals: [pending] }) });
    renderAt(PAGE);
    expect(await screen.findByText(/Promote version 11\?/)).toBeVisible();
    expect(screen.queryAllByRole("button", { name: /^(Approve|Reject)$/ })).toHaveLength(may_answer ? 2 : 0);
    if (words) expect(screen.getByText(words)).toBeVisible();
  });
});
