// The words of the pages, in the language of the browser or the one chosen.
import { de } from './de'
import { en, type Words } from './en'

export const languages: Record<string, Words> = { en, de }

const kept = localStorage.getItem('language')
const wanted = kept ?? navigator.languages.map((l) => l.slice(0, 2)).find((l) => l in languages) ?? 'en'
const chosen = $state({ language: wanted in languages ? wanted : 'en' })
document.documentElement.lang = chosen.language

export const words = (): Words => languages[chosen.language] ?? en
export const language = (): string => chosen.language

export function speak(l: string): void {
  chosen.language = l
  localStorage.setItem('language', l)
  document.documentElement.lang = l
}
