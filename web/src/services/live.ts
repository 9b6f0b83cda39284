// Live numbers of one Canvas: a snapshot, then only what changed, by server-sent events.
//
// The stream is closed while the page is hidden, and opened again where it stopped when it is seen.
// Cards subscribe to their own step, so that a change draws one card and not two hundred.
import { useEffect } from 'react'
import { create } from 'zustand'
import type { Arrow, CanvasState, Counters, Numbers } from './shapes'

export type Link = 'opening' | 'on' | 'lost' | 'resting'

type Live = {
  link: Link
  state: CanvasState | null
  version: number | null // of the numbers; another one than the drawing's: read the Canvas again
  revision: number | null
  counters: { readonly [step: string]: Counters }
  standing: { readonly [step: string]: number }
  edges: { readonly [stepAndEdge: string]: number }
  moved: { readonly [stepAndEdge: string]: number } // when an edge last changed
}

type Told = Partial<Numbers> & { version?: number | null; revision?: number }

const NOTHING: Live = {
  link: 'opening', state: null, version: null, revision: null,
  counters: {}, standing: {}, edges: {}, moved: {},
}

const LOST_MS = 3_000
const AGAIN_MS = 1_000

export const useLive = create<Live>(() => NOTHING)

export const edgeKey = (step: string, edge: string) => `${step} ${edge}`

/** The numbers with what was told laid over them; `whole`: it is a snapshot, nothing else holds. */
export function merged(was: Live, told: Told, whole: boolean, at: number): Live {
  const edges = { ...(whole ? {} : was.edges), ...counted(told.edges ?? []) }
  const moved = { ...was.moved }
  for (const [key, people] of Object.entries(edges)) {
    if (key in was.edges && people > (was.edges[key] ?? 0)) moved[key] = at
  }
  return {
    link: 'on',
    state: told.state ?? was.state,
    version: told.version === undefined ? was.version : told.version,
    revision: told.revision ?? was.revision,
    counters: { ...(whole ? {} : was.counters), ...told.counters },
    standing: { ...(whole ? {} : was.standing), ...told.standing },
    edges,
    moved,
  }
}

function counted(edges: readonly Arrow[]): Record<string, number> {
  return Object.fromEntries(edges.map((one) => [edgeKey(one.step, one.edge), one.people]))
}

/** Show these numbers until the stream says more: what the page was read with. */
export function begin(page: Numbers & { version: { number: number } | null; revision: number }): void {
  const told = { ...page, version: page.version?.number ?? null }
  useLive.setState({ ...merged(NOTHING, told, true, 0), link: 'opening' }, true)
}

/** Follow a Canvas for as long as the page is there and seen. */
export function useFollow(canvas: number): void {
  useEffect(() => {
    let stream: EventSource | null = null
    let losing: ReturnType<typeof setTimeout> | undefined
    const hear = (whole: boolean) => (event: MessageEvent<string>) => {
      useLive.setState((was) => merged(was, JSON.parse(event.data) as Told, whole, Date.now()), true)
    }
    const found = () => {
      clearTimeout(losing)
      losing = undefined
    }
    const open = () => {
      stream = new EventSource(`/v1/canvases/${canvas}/live`)
      stream.addEventListener('snapshot', hear(true))
      stream.addEventListener('change', hear(false))
      stream.onopen = () => {
        found()
        useLive.setState({ link: 'on' })
      }
      // The server ends a stream now and then, and a second later it is there again.
      stream.onerror = () => {
        losing ??= setTimeout(() => useLive.setState({ link: 'lost' }), LOST_MS)
      }
    }
    const close = (link: Link) => {
      found()
      stream?.close()
      stream = null
      useLive.setState({ link })
    }
    const look = () => {
      if (document.hidden) close('resting')
      else if (!stream) open()
    }
    // A server that answers no (signed out, restarting) closes the stream for good: try again.
    const again = setInterval(() => {
      if (stream?.readyState === EventSource.CLOSED) {
        close('lost')
        look()
      }
    }, AGAIN_MS)
    // Somebody looks, or the network is back: no time to wait for the next try.
    const now = () => {
      if (stream && stream.readyState !== EventSource.OPEN) {
        stream.close()
        stream = null
      }
      look()
    }
    look()
    document.addEventListener('visibilitychange', look)
    addEventListener('focus', now)
    addEventListener('online', now)
    return () => {
      removeEventListener('focus', now)
      removeEventListener('online', now)
      clearInterval(again)
      found()
      document.removeEventListener('visibilitychange', look)
      stream?.close()
    }
  }, [canvas])
}
