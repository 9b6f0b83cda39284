// The look in one place: colours that hold their contrast in both schemes, one type face, one accent.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

const canal: MantineColorsTuple = [
  '#e6f7f9', '#d0edf1', '#a0dae2', '#6dc6d3', '#45b5c6',
  '#2ca9bd', '#1598ad', '#0b8599', '#0b7285', '#095c6b',
]

export const theme = createTheme({
  primaryColor: 'canal',
  colors: { canal },
  primaryShade: { light: 8, dark: 7 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '650' },
})

// Mantine's dimmed text and red are too pale for WCAG AA; these are measured (4.5:1 or more).
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#56616d',
    '--mantine-color-error': '#c01f1f',
  },
  dark: {
    '--mantine-color-body': '#14191d',
    '--mantine-color-text': '#dfe5ea',
    '--mantine-color-dimmed': '#a3afb9',
    '--mantine-color-error': '#ff9d9d',
    '--mantine-color-default-border': '#323b43',
    '--mantine-color-default': '#1b2126',
  },
})
