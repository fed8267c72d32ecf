import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./query-client.ts";
import { createRouter } from "./router.tsx";
import "./styles.css";
import { colorSchemeManager, theme } from "./theme.ts";

// Asks the routes again who is signed in; they lead to the sign-in page.
const queryClient = createQueryClient(() => void router.invalidate());
const router = createRouter(queryClient);

const place = document.getElementById("root");
if (place === null) throw new Error('index.html has no element with the id "root"');
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colorSchemeManager}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
