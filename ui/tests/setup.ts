import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, expect, vi } from "vitest";
import { queryClient } from "@/api/queries";

configure({ asyncUtilTimeout: 20_000 });

// What jsdom does not have and Chakra or visx asks for.
class NoResize implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal("ResizeObserver", NoResize);
Element.prototype.scrollTo = () => undefined;
Element.prototype.scrollIntoView = () => undefined;

// Nor does it play animations, whose end a closing dialog waits for.
const still = document.createElement("style");
still.textContent = "* { animation-name: none !important; }";
document.head.append(still);

// What React or Chakra complains about is a mistake of ours.
const complaints = vi.spyOn(console, "error");

afterEach(() => {
  cleanup();
  queryClient.clear();
  const said = complaints.mock.calls.map((call) => call.join(" "));
  complaints.mockClear();
  expect(said).toEqual([]);
});
