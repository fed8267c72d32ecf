import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The hub puts a new nonce in its place with every answer, for the style elements that the component library makes.
  html: { cspNonce: "SALLYPORT-NONCE" },
  build: {
    // The hub's Content-Security-Policy is `default-src 'self'`: no script inline, no `data:` addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Libraries change less often than the console does, so that browsers may keep them longer.
        codeSplitting: {
          groups: [
            { name: "mantine", test: /node_modules\/(@mantine|@floating-ui)/ },
            { name: "libraries", test: /node_modules/ },
          ],
        },
      },
    },
  },
  server: {
    // `npm run dev -w packages/console` shows the data of a running hub. A hub with its own authority is
    // trusted by NODE_EXTRA_CA_CERTS=DIR/tls/ca.pem.
    proxy: {
      "/api": { target: process.env["SALLYPORT_HUB"] ?? "https://localhost:8443", changeOrigin: true },
    },
  },
});
