import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./query-client.ts";
import { createRouter, nextPage } from "./router.tsx";
import { styleNonce } from "./style-nonce.ts";
import "./styles.css";
import { colorSchemeManager, theme } from "./theme.ts";

const queryClient = createQueryClient(() => {
  const { href } = router.state.location;
  void router.navigate({ to: "/sign-in", search: { ...nextPage(href), ended: true } });
});
const router = createRouter(queryClient);

const place = document.getElementById("root");
if (place === null) throw new Error('index.html has no element with the id "root"');
createRoot(place).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemeManager}
      getStyleNonce={() => styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
