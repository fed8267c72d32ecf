import { Alert, createTheme, Modal, NavLink, localStorageColorSchemeManager } from "@mantine/core";

/** The look of the console; fonts are the system's, so that nothing is loaded from elsewhere. */
export const theme = createTheme({
  primaryColor: "cyan",
  primaryShade: { light: 9, dark: 9 },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // Mantine colours these titles like the icon beside them: too pale to read on yellow.
    Alert: Alert.extend({ styles: { title: { color: "var(--mantine-color-text)" } } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        closeButtonProps: { "aria-label": "Close" },
        // A dialog's header is none of the page's.
        attributes: { header: { role: "none" } },
      },
      styles: { title: { fontWeight: 600, overflowWrap: "anywhere" } },
    }),
    NavLink: NavLink.extend({ styles: { root: { borderRadius: "var(--mantine-radius-default)" } } }),
  },
});

/** The one thing that the console keeps in the browser: light, dark, or as the system has it. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "sallyport-color-scheme" });
