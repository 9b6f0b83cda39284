// Canvases as the pages ask for them.
import { type QueryClient, queryOptions, useInfiniteQuery } from '@tanstack/react-query'
import { call } from './api'
import type { Canvases, CanvasPage } from './shapes'

const AGAIN_MS = 5_000
const SOON_MS = 1_500

/** So often it is read; and soon again while it cannot be. */
const again = (error: unknown, ms: number) => (error ? SOON_MS : ms)

export function useCanvases() {
  return useInfiniteQuery({
    queryKey: ['canvases'],
    queryFn: ({ pageParam, signal }) =>
      call<Canvases>(`/v1/canvases?limit=100${pageParam && `&cursor=${encodeURIComponent(pageParam)}`}`, { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: (query) => again(query.state.error, AGAIN_MS),
  })
}

export const canvasQuery = (id: number) =>
  queryOptions({
    queryKey: ['canvas', id],
    queryFn: ({ signal }) => call<CanvasPage>(`/v1/canvases/${id}`, { signal }),
    refetchInterval: (query) => again(query.state.error, 2 * AGAIN_MS), // reasons and troubles; what moves comes by the live stream
  })

/** The id of the workspace's only Canvas, if it has one and no more. */
export async function onlyCanvas(client: QueryClient): Promise<number | null> {
  const { items } = await client.fetchQuery({
    queryKey: ['canvases', 'first two'],
    queryFn: () => call<Canvases>('/v1/canvases?limit=2'),
  })
  return items.length === 1 ? items[0]!.id : null
}
