/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string): string => new URL(path, import.meta.url).pathname;

/** What Airflow's own page puts on `window`: the bundle must use these, two Reacts on one page do not work. */
const HOST_GLOBALS = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
  "@chakra-ui/react": "ChakraUI",
};

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": here("./src") } },
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    outDir: here("../plugins/retrain/api/static"),
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: here("./src/index.ts"), formats: ["iife"], name: "RetrainPages", fileName: () => "retrain.js" },
    rolldownOptions: { external: Object.keys(HOST_GLOBALS), output: { globals: HOST_GLOBALS } },
  },
  test: {
    environment: "jsdom",
    globals: true,
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    isolate: false, // the setup puts back what the files share
    testTimeout: 60_000, // a poll ends when it finds what it waits for; a slow machine is no failure
  },
});
