// The words of the pages in each language, and numbers and times as each language writes them.
//
// A further language is a file beside en.json and a line in LANGUAGES; a test compares the keys.
import i18n from 'i18next'
import { initReactI18next } from 'react-i18next'
import en from './en.json'
import ptBR from './pt-BR.json'

export const LANGUAGES = { en: 'English', 'pt-BR': 'Português (Brasil)' } as const
export type Language = keyof typeof LANGUAGES
const KEPT = 'towpath.language'

function wanted(): Language {
  const kept = localStorage.getItem(KEPT)
  if (kept && kept in LANGUAGES) return kept as Language
  return navigator.languages.find((one) => /^(pt|en)\b/.test(one))?.startsWith('pt') ? 'pt-BR' : 'en'
}

export function startWords(): void {
  void i18n.use(initReactI18next).init({
    resources: { en: { translation: en }, 'pt-BR': { translation: ptBR } },
    lng: wanted(),
    fallbackLng: 'en',
    interpolation: { escapeValue: false }, // React escapes
  })
  document.documentElement.lang = i18n.language
  i18n.on('languageChanged', (language) => {
    document.documentElement.lang = language
    localStorage.setItem(KEPT, language)
  })
}

const numberFormats = new Map<string, Intl.NumberFormat>()

/** Every digit: 1,234,567. */
export function exact(value: number, language: string): string {
  return format(language, 'exact', {}).format(value)
}

/** As a card has room for: exact below a million, then 1.23M. */
export function short(value: number, language: string): string {
  if (value < 1_000_000) return exact(value, language)
  return format(language, 'short', { notation: 'compact', maximumSignificantDigits: 4 }).format(value)
}

export function percent(share: number, language: string): string {
  return format(language, 'percent', { style: 'percent', maximumFractionDigits: 1 }).format(share)
}

/** A moment with its zone named; the title of the element says it in UTC. */
export function moment(iso: string, language: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(language, {
    dateStyle: 'medium', timeStyle: 'short', ...(timeZone ? { timeZone } : {}),
  }).format(new Date(iso))
}

/** The name of the zone in which `moment` tells times. */
export function zone(timeZone?: string): string {
  return (timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone).replaceAll('_', ' ')
}

function format(language: string, name: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language} ${name}`
  const kept = numberFormats.get(key) ?? new Intl.NumberFormat(language, options)
  numberFormats.set(key, kept)
  return kept
}
