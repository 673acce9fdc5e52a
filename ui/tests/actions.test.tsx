import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type FakeApi, fakeApi, Refused } from "./fakeApi";
import { ledgerPage, ledgerRows, modelDetail } from "./fixtures";
import { renderAt } from "./renderAt";

const PAGE = "/plugin/retrain/models/flight_delay";
const posts = (api: FakeApi) => api.asked.filter(({ method }) => method === "POST");

const opened = async (button: string) => {
  const shown = renderAt(PAGE);
  await shown.user.click(await screen.findByRole("button", { name: button }));
  const dialog = await screen.findByRole(/^(Roll back|Reject)$/.test(button) ? "alertdialog" : "dialog");
  return { ...shown, dialog: within(dialog) };
};

describe("a rollback", () => {
  it("says what will happen before anything does", async () => {
    const api = fakeApi();
    const { dialog } = await opened("Roll back");
    expect(dialog.getByText(/Version 8 becomes champion on production in the place of version 10/)).toBeVisible();
    expect(dialog.getByText(/quarantine/)).toBeVisible();
    expect(posts(api)).toHaveLength(0);
  });

  it("is not sent without a reason", async () => {
    const api = fakeApi();
    const { user, dialog } = await opened("Roll back");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "  x ");
    await user.click(dialog.getByRole("button", { name: "Roll back" }));
    expect(dialog.getByText("Say why, in 3 letters or more.")).toBeVisible();
    expect(dialog.getByRole("textbox", { name: /Reason/ })).toBeInvalid();
    expect(dialog.getByRole("textbox", { name: /Reason/ })).toHaveFocus();
    expect(posts(api)).toHaveLength(0);
  });

  it("sends the version and the reason, once, and follows the run to its end", async () => {
    let state = "running";
    const api = fakeApi({ "GET /api/v2/run": () => ({ state }) });
    const { user, dialog } = await opened("Roll back");
    await user.selectOptions(dialog.getByRole("combobox", { name: "To version" }), "6");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "complaints about delays");
    await user.dblClick(dialog.getByRole("button", { name: "Roll back" }));
    expect(await dialog.findByText(/the run is running/)).toBeVisible();
    expect(posts(api).map(({ path, body }) => [path, body])).toEqual([
      [
        "/retrain/api/models/flight_delay/rollback",
        { to: 6, reason: "complaints about delays", timeline: "production", dry_run: false },
      ],
    ]);
    expect(dialog.getByRole("link", { name: /retrain_rollback/ })).toHaveAttribute(
      "href",
      "/dags/retrain_rollback/runs/rollback__flight_delay__g7",
    );
    state = "success";
    expect(await dialog.findByText("The run succeeded.")).toBeVisible();
  });

  it("says why the run refused", async () => {
    const refusal = ledgerRows().filter(({ action }) => action === "refuse");
    const api = fakeApi({ "GET /api/v2/run": { state: "failed" }, "GET /api/ledger": ledgerPage({ rows: refusal }) });
    const { user, dialog } = await opened("Roll back");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "complaints");
    await user.click(dialog.getByRole("button", { name: "Roll back" }));
    expect(await dialog.findByText(/a rollback must be to a version that was live there/)).toBeVisible();
    const asked = api.asked.findLast(({ path }) => path === "/retrain/api/ledger")?.search;
    expect([asked?.get("model"), asked?.get("action"), asked?.get("since")]).toEqual([
      "flight_delay",
      "refuse",
      "2026-11-21T10:00:00Z",
    ]);
  });

  it("shows the API's refusal and lets one try again", async () => {
    const api = fakeApi({
      "POST /api/models/*/rollback": new Refused(409, {
        must: "one at a time",
        got: "a run goes on",
        fix: "Wait for it.",
      }),
    });
    const { user, dialog } = await opened("Roll back");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "complaints");
    await user.click(dialog.getByRole("button", { name: "Roll back" }));
    expect(await dialog.findByText("a run goes on")).toBeVisible();
    expect(dialog.getByRole("textbox", { name: /Reason/ })).toHaveValue("complaints");
    await user.click(dialog.getByRole("button", { name: "Roll back" }));
    await waitFor(() => expect(posts(api)).toHaveLength(2));
  });

  it("is left with Escape, and the focus goes back to its button", async () => {
    const api = fakeApi();
    const { user } = await opened("Roll back");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
    await waitFor(() => expect(screen.getByRole("button", { name: "Roll back" })).toHaveFocus());
    expect(posts(api)).toHaveLength(0);
  });

  it("shows the page as it is then, once the dialog is closed", async () => {
    const api = fakeApi();
    const { user, dialog } = await opened("Roll back");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "complaints");
    await user.click(dialog.getByRole("button", { name: "Roll back" }));
    await dialog.findByText("The run succeeded.");
    const after = modelDetail();
    api.answers["GET /api/models/*"] = { ...after, champion: { ...after.champion, version: 8 } };
    await user.click(dialog.getAllByRole("button", { name: "Close" })[0] as HTMLElement);
    expect(await screen.findByText("Version 8")).toBeVisible();
  });
});

describe("the other actions", () => {
  it("freezes, and lifts a freeze", async () => {
    const api = fakeApi();
    const { user, dialog } = await opened("Freeze");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "labels are late");
    await user.click(dialog.getByRole("button", { name: "Freeze" }));
    await waitFor(() => expect(posts(api)).toHaveLength(1));
    expect(posts(api)[0]).toMatchObject({
      path: "/retrain/api/models/flight_delay/freeze",
      body: { reason: "labels are late", timeline: "production" },
    });
  });

  it("lifts a freeze", async () => {
    const freeze = { since: "2026-11-20T12:00:00Z", actor: "anna", reason: "storm" };
    const api = fakeApi({ "GET /api/models/*": modelDetail({ freeze }) });
    const { user, dialog } = await opened("Unfreeze");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "the storm is over");
    await user.click(dialog.getByRole("button", { name: "Unfreeze" }));
    await waitFor(() => expect(posts(api)[0]?.path).toBe("/retrain/api/models/flight_delay/unfreeze"));
  });

  it("starts a retrain as of an instant in UTC, and warns where the model is frozen", async () => {
    const freeze = { since: "2026-11-20T12:00:00Z", actor: "anna", reason: "storm" };
    const api = fakeApi({ "GET /api/models/*": modelDetail({ freeze }) });
    const { user, dialog } = await opened("Retrain now");
    expect(dialog.getByText(/the challenger will be held/)).toBeVisible();
    await user.type(dialog.getByLabelText("As of (UTC)"), "2014-01-01T06:00");
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "fresh data");
    await user.click(dialog.getByRole("button", { name: "Retrain now" }));
    await waitFor(() =>
      expect(posts(api)[0]?.body).toEqual({
        timeline: "production",
        reason: "fresh data",
        nonce: "",
        as_of: "2014-01-01T06:00:00Z",
      }),
    );
  });

  it.each(["Approve", "Reject"])("answers a waiting promotion: %s", async (button) => {
    const pending = {
      dag_id: "flight_delay",
      run_id: "r1",
      since: "2026-11-21T08:00:00Z",
      subject: "Promote 11?",
      approvers: [],
      may_answer: true,
    };
    const api = fakeApi({ "GET /api/models/*": modelDetail({ approvals: [pending] }) });
    const { user, dialog } = await opened(button);
    await user.type(dialog.getByRole("textbox", { name: /Reason/ }), "looked at the slices");
    await user.click(dialog.getByRole("button", { name: button }));
    await waitFor(() =>
      expect(posts(api)[0]?.body).toEqual({
        run_id: "r1",
        answer: button.toLowerCase(),
        reason: "looked at the slices",
      }),
    );
  });
});
