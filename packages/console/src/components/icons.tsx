import {
  IconAlertTriangle,
  IconArchive,
  IconBell,
  IconBriefcase,
  IconCheck,
  IconCopy,
  IconHistory,
  IconHome,
  IconKey,
  IconLogout,
  IconMinus,
  IconPlus,
  IconSearch,
  IconServer,
  IconTimeline,
  IconUsers,
  IconWebhook,
  IconX,
  type TablerIcon,
} from "@tabler/icons-react";

interface IconProps {
  size?: number;
}

/** Icons never carry meaning alone: text always stands beside them, and screen readers leave them out. */
function silent(Icon: TablerIcon) {
  return function SilentIcon({ size = 18 }: IconProps) {
    return <Icon size={size} aria-hidden focusable={false} />;
  };
}

export const AlertIcon = silent(IconBell);
export const ArchiveIcon = silent(IconArchive);
export const AuditIcon = silent(IconHistory);
export const CheckIcon = silent(IconCheck);
export const CopyIcon = silent(IconCopy);
export const CrossIcon = silent(IconX);
export const DashIcon = silent(IconMinus);
export const EventsIcon = silent(IconTimeline);
export const HomeIcon = silent(IconHome);
export const JobIcon = silent(IconBriefcase);
export const KeyIcon = silent(IconKey);
export const PlusIcon = silent(IconPlus);
export const SearchIcon = silent(IconSearch);
export const ServerIcon = silent(IconServer);
export const SignOutIcon = silent(IconLogout);
export const UsersIcon = silent(IconUsers);
export const WebhookIcon = silent(IconWebhook);
export const WarningIcon = silent(IconAlertTriangle);

/** The gate: Sallyport's own mark. */
export function GateIcon({ size = 18 }: IconProps) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M5 21V10a7 7 0 0 1 14 0v11M9.7 4v17M14.3 4v17M5 11h14M5 16h14" />
    </svg>
  );
}
