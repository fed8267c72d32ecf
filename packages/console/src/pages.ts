import { ServerIcon } from "./components/icons.tsx";

/** The pages in the navigation, in its order. A new page is a route in `router.tsx` and a line here. */
export const pages = [{ to: "/primaries", label: "Primaries", Icon: ServerIcon }] as const;
