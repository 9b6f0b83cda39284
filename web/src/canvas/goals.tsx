// The goals of a Canvas: how often each was reached after an entry, and in the control group.
import { useTranslation } from 'react-i18next'
import type { Converted } from '../services/shapes'
import { exact, percent } from '../words'
import { Figure } from './figures'
import { spanText, text, triggersText } from './telling'

export function Goals({ goals }: { goals: readonly Converted[] }) {
  const { t, i18n } = useTranslation()
  if (goals.length === 0) return null
  return (
    <dl className="goals" aria-label={t('goal.title')}>
      {goals.map((one, place) => (
        <div key={place} data-goal={place}>
          <dt>{t('goal.told', { what: triggersText([one.goal], t), within: spanText(text(one.goal.within), t) })}</dt>
          <dd>
            <Figure value={one.converted} name="converted" />
            {one.rate !== null && <span>{percent(one.rate, i18n.language)}</span>}
            {one.control_rate !== null && (
              <span title={t('goal.control_told', { people: exact(one.control_converted, i18n.language) })}>
                {t('goal.control', { rate: percent(one.control_rate, i18n.language) })}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  )
}
