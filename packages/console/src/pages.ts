import {
  AlertIcon,
  ArchiveIcon,
  AuditIcon,
  CheckIcon,
  EventsIcon,
  HomeIcon,
  JobIcon,
  KeyIcon,
  ServerIcon,
  UsersIcon,
} from "./components/icons.tsx";

/**
 * The pages in the navigation, in its order. A new page is a route in `router.tsx` and a line here. `role` is the least that
 * can do something with it; for others it is left out.
 */
export const pages = [
  { to: "/", label: "Overview", Icon: HomeIcon, role: "viewer" },
  { to: "/primaries", label: "Primaries", Icon: ServerIcon, role: "viewer" },
  { to: "/jobs", label: "Jobs", Icon: JobIcon, role: "viewer" },
  { to: "/backups", label: "Backups", Icon: CheckIcon, role: "viewer" },
  { to: "/images", label: "Images", Icon: ArchiveIcon, role: "viewer" },
  { to: "/alerts", label: "Alerts", Icon: AlertIcon, role: "viewer" },
  { to: "/events", label: "Events", Icon: EventsIcon, role: "viewer" },
  { to: "/users", label: "Users", Icon: UsersIcon, role: "administrator" },
  { to: "/api-keys", label: "API keys", Icon: KeyIcon, role: "administrator" },
  { to: "/audit", label: "Audit", Icon: AuditIcon, role: "operator" },
] as const;
