// Who is signed in. Nobody is no error: it is the answer null.
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { call, Problem } from './api'
import type { Me, SignIn } from './shapes'

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await call<Me>('/v1/me', { signal })
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null
      throw error
    }
  },
  staleTime: 60_000,
})

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (given: SignIn) =>
      call('/v1/sign-in', { method: 'POST', body: given }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['me'] }),
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => call('/v1/sign-out', { method: 'POST' }),
    onSettled: () => {
      client.clear()
      location.assign('/sign-in')
    },
  })
}
