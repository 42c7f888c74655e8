// Line drawings of the menu, in a box of 24.
export const icons: Record<string, string> = {
  today: 'M3 18h18M12 2.5v1.5M4.6 5l1 1M19.4 5l-1 1M7.5 11a4.5 4.5 0 0 0 9 0a4.5 4.5 0 0 0-9 0',
  money: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
  community: 'M3 20v-8l5-4 5 4v8M13 20V7l4-3 4 3v13M2 20h20',
  operation: 'M3 8h11M18 8h3M3 16h3M10 16h11M14 8a2 2 0 1 0 4 0a2 2 0 1 0-4 0M6 16a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
  exceptions: 'M12 4L2.5 20h19zM12 10v5M12 17.4v.2',
  ledger: 'M4 5h16v4H4zM4 15h16v4H4zM9 9v6M15 9v6',
  certificates: 'M12 3a6 6 0 1 0 0 12a6 6 0 1 0 0-12M9 14l-2 7 5-2.6 5 2.6-2-7M9.8 9l1.7 1.8 3-3.4',
  meters: 'M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0M12 12l4-4M12 4v2M4 12h2M18 12h2',
  files: 'M12 15V3M8 7l4-4 4 4M4 14v6h16v-6',
  person: 'M8 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0M4 21c0-4 3.5-6 8-6s8 2 8 6',
  signin: 'M14 4h5v16h-5M3 12h11M10 8l4 4-4 4',
  docs: 'M5 4h9l5 5v11H5zM14 4v5h5M8 13h8M8 16h8',
}
