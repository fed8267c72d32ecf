import type { ComponentType } from "react";
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
  WebhookIcon,
} from "./components/icons.tsx";
import type { Role } from "./roles.ts";

/** A page in the navigation. */
export interface ConsolePage {
  to:
    | "/"
    | "/primaries"
    | "/jobs"
    | "/backups"
    | "/images"
    | "/alerts"
    | "/events"
    | "/webhooks"
    | "/users"
    | "/api-keys"
    | "/audit";
  label: string;
  Icon: ComponentType;
  /** The least role that can do something with it. */
  role: Role;
  /** Whether it is about the hub as a whole, and nothing for those who see only some primaries. */
  ofWholeHub?: boolean;
}

/**
 * The pages in the navigation, in its order. A new page is a route in `router.tsx` and a line here. For those who may not see
 * what is on it, it is left out.
 */
export const pages: readonly ConsolePage[] = [
  { to: "/", label: "Overview", Icon: HomeIcon, role: "viewer" },
  { to: "/primaries", label: "Primaries", Icon: ServerIcon, role: "viewer" },
  { to: "/jobs", label: "Jobs", Icon: JobIcon, role: "viewer" },
  { to: "/backups", label: "Backups", Icon: CheckIcon, role: "viewer" },
  { to: "/images", label: "Images", Icon: ArchiveIcon, role: "viewer" },
  { to: "/alerts", label: "Alerts", Icon: AlertIcon, role: "viewer" },
  { to: "/events", label: "Events", Icon: EventsIcon, role: "viewer" },
  { to: "/webhooks", label: "Webhooks", Icon: WebhookIcon, role: "operator", ofWholeHub: true },
  { to: "/users", label: "Users", Icon: UsersIcon, role: "administrator" },
  { to: "/api-keys", label: "API keys", Icon: KeyIcon, role: "administrator" },
  { to: "/audit", label: "Audit", Icon: AuditIcon, role: "operator" },
];
