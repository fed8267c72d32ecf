import { createTheme, localStorageColorSchemeManager } from "@mantine/core";

/** The look of the console; fonts are the system's, so that nothing is loaded from elsewhere. */
export const theme = createTheme({
  primaryColor: "cyan",
  primaryShade: { light: 9, dark: 8 },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
});

/** The one thing that the console keeps in the browser: light, dark, or as the system has it. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "sallyport-color-scheme" });
