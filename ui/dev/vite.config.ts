import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `npm run dev`: the built bundle, with Airflow's part played by main.tsx. */
export default defineConfig({
  root: new URL(".", import.meta.url).pathname,
  plugins: [react()],
  resolve: { alias: { "@": new URL("../src", import.meta.url).pathname } },
  server: { host: "127.0.0.1", port: 5199, strictPort: true, fs: { allow: ["../.."] } },
});
