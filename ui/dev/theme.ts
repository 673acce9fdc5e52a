import { createSystem, defaultConfig, defineConfig } from "@chakra-ui/react";

/** One palette with the roles that Airflow's theme gives each of its palettes. */
const roles = (palette: string) => ({
  solid: { value: `{colors.${palette}.600}` },
  contrast: { value: { _light: "white", _dark: "white" } },
  fg: { value: { _light: `{colors.${palette}.800}`, _dark: `{colors.${palette}.200}` } },
  muted: { value: { _light: `{colors.${palette}.200}`, _dark: `{colors.${palette}.800}` } },
  subtle: { value: { _light: `{colors.${palette}.100}`, _dark: `{colors.${palette}.900}` } },
  emphasized: { value: { _light: `{colors.${palette}.300}`, _dark: `{colors.${palette}.700}` } },
  focusRing: { value: { _light: `{colors.${palette}.800}`, _dark: `{colors.${palette}.200}` } },
});

/** Airflow's theme, near enough to look at the pages without it. */
export const system = createSystem(
  defaultConfig,
  defineConfig({
    theme: {
      tokens: {
        colors: {
          black: { value: "oklch(0.23185 0.0323 266.44)" },
          brand: {
            50: { value: "oklch(0.98 0.006 248.717)" },
            100: { value: "oklch(0.962 0.012 249.460)" },
            200: { value: "oklch(0.923 0.023 255.082)" },
            300: { value: "oklch(0.865 0.039 252.420)" },
            400: { value: "oklch(0.705 0.066 256.378)" },
            500: { value: "oklch(0.575 0.08 257.759)" },
            600: { value: "oklch(0.469 0.084 257.657)" },
            700: { value: "oklch(0.399 0.084 257.850)" },
            800: { value: "oklch(0.324 0.072 260.329)" },
            900: { value: "oklch(0.259 0.062 265.566)" },
            950: { value: "oklch(0.179 0.05 265.487)" },
          },
        },
      },
      recipes: { button: { base: { colorPalette: "brand" }, defaultVariants: { size: "sm" } } },
      semanticTokens: {
        colors: {
          brand: roles("brand"),
          danger: roles("red"),
          error: roles("red"),
          info: roles("blue"),
          success: roles("green"),
          warning: roles("orange"),
        },
      },
    },
  }),
);
