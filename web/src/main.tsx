// Where the pages begin.
import { MantineProvider } from '@mantine/core'
import '@fontsource-variable/inter/wght.css'
import '@mantine/core/styles.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { makeRouter } from './app/router'
import { Problem } from './services/api'
import { theme, variables } from './theme/theme'
import './theme/theme.css'
import { startWords } from './words'

startWords()

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retryDelay: 700,
      // What the server refuses it will refuse again; what it could not answer may pass.
      retry: (failures, error) => failures < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <RouterProvider router={makeRouter(client)} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
