// Spans, values and filters of a Canvas file, told in a person's words.
import type { TFunction } from 'i18next'
import type { Data } from '../services/shapes'

export const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** `90m` in words; whatever is no span stays as it is. */
export function spanText(span: string, t: TFunction): string {
  const found = /^(\d+)([smhd])$/.exec(span)
  return found ? t(`span.${found[2]}`, { count: Number(found[1]) }) : span
}

const OPERATORS = [
  'is', 'is_not', 'in', 'not_in', 'above', 'at_least', 'below', 'at_most', 'before', 'after', 'contains', 'exists',
]
const VALUES_TOLD = 4

/** A filter in a line. A rule of a kind that is not known here is counted, never left out. */
export function filterText(filter: unknown, t: TFunction, inside = false): string {
  const data = (filter ?? {}) as Data
  for (const [key, word] of [['all', 'and'], ['any', 'or']] as const) {
    const parts = data[key]
    if (Array.isArray(parts)) {
      const told = parts.map((one) => filterText(one, t, parts.length > 1)).join(t(`filter.${word}`))
      return inside && parts.length > 1 ? `(${told})` : told
    }
  }
  if (data.not) return t('filter.not', { what: filterText(data.not, t) })
  if (data.consent) return t('filter.consent', { value: valueText(data.consent) })
  if (data.has) return t('filter.has', { value: t(`field.${text(data.has)}`, text(data.has)) })
  if (data.segment) return t('filter.segment', { value: valueText(data.segment) })
  const operator = OPERATORS.find((one) => one in data)
  if (data.attribute && operator) {
    const word = operator === 'exists' && data.exists === false ? 'exists_not' : operator
    return t(`filter.${word}`, { what: text(data.attribute), value: valueText(data[operator]) })
  }
  return t('filter.rules', { count: 1 })
}

function valueText(value: unknown): string {
  if (!Array.isArray(value)) return text(value)
  const told = value.slice(0, VALUES_TOLD).map(text).join(', ')
  return value.length > VALUES_TOLD ? `${told} +${value.length - VALUES_TOLD}` : told
}

/** The triggers of an entry in a line. */
export function triggersText(triggers: unknown, t: TFunction): string {
  const told = (Array.isArray(triggers) ? (triggers as Data[]) : []).map((one) => {
    const form = ['event', 'purchase', 'attribute', 'consent', 'segment'].find((key) => key in one)
    if (!form) return '…'
    const anything = form === 'purchase' && one.purchase === 'any'
    return t(anything ? 'trigger.any_purchase' : `trigger.${form}`, { what: text(one[form]), to: text(one.to) })
  })
  return told.join(t('filter.or'))
}

/** What a delay waits for: a moment, a clock, a weekday, so many days, a date of the person. */
export function untilText(until: unknown, t: TFunction): string {
  if (typeof until === 'string') return until
  const { weekday, days, attribute, plus, minus, at } = until as Data
  const parts = [
    weekday ? t(`weekday.${text(weekday)}`, text(weekday)) : '',
    days === undefined ? '' : t('span.d', { count: Number(days) }),
    attribute ? [text(attribute), plus ? `+ ${text(plus)}` : '', minus ? `− ${text(minus)}` : ''].filter(Boolean).join(' ') : '',
    text(at),
  ]
  return parts.filter(Boolean).join(', ')
}
