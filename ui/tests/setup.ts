import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";
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

afterEach(() => {
  cleanup();
  queryClient.clear();
});
