// Light or dark, as the system or as chosen.
export type Theme = 'auto' | 'light' | 'dark'

const kept = localStorage.getItem('theme')
export const theme = $state<{ is: Theme }>({ is: kept === 'light' || kept === 'dark' ? kept : 'auto' })

export function paint(t: Theme): void {
  theme.is = t
  localStorage.setItem('theme', t)
  if (t === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = t
}
paint(theme.is)
