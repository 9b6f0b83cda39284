// The one way to the API: JSON in and out, the session's cookie, and a Problem for whatever goes wrong.

/** What the API says when it says no (RFC 9457), or what we say when it cannot be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number, // 0: no answer came
    readonly title: string,
    readonly detail = '',
    readonly requestId = '',
  ) {
    super(detail || title)
  }
}

type Call = { method?: 'GET' | 'POST' | 'DELETE'; body?: unknown; signal?: AbortSignal }

export async function call<T>(path: string, { method = 'GET', body, signal }: Call = {}): Promise<T> {
  const answer = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem(0, 'unreachable')
  })
  const text = await answer.text()
  const said = readJson(text)
  if (answer.ok) return said as T
  const field = (name: string) => (typeof said?.[name] === 'string' ? (said[name] as string) : '')
  throw new Problem(
    answer.status,
    field('title') || answer.statusText,
    field('detail'),
    field('request_id') || (answer.headers.get('x-request-id') ?? ''),
  )
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : null
  } catch {
    return null
  }
}
