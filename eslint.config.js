import js from '@eslint/js'
import stylistic from '@stylistic/eslint-plugin'
import globals from 'globals'

export default [
  { ignores: ['node_modules/', 'seeder/', '.venv/', 'dist/', 'build/', '**/*.d.ts'] }, // .d.ts: tsc's
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,cjs}'],
    plugins: { style: stylistic },
    languageOptions: { ecmaVersion: 2024, globals: { ...globals.browser } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error', // pages are quiet; client/build.mjs and the tests speak
      'no-constant-condition': ['error', { checkLoops: false }], // `while (true)` around a reader is clear
      'no-empty': ['error', { allowEmptyCatch: true }], // a catch without a body says why in its comment
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'textContent: names come from strangers' },
        { property: 'outerHTML', message: 'textContent: names come from strangers' },
        { object: 'document', property: 'write', message: 'append an element' }
      ],
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-promise-reject-errors': 'error',
      'style/comma-dangle': ['error', 'never'],
      'style/eol-last': 'error',
      'style/max-len': [
        'error', // a JSDoc type cannot be broken over lines without hurting
        { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignorePattern: '/\\*\\*.*\\*/|^ *\\* ' }
      ],
      'style/no-multiple-empty-lines': ['error', { max: 1 }],
      'style/no-tabs': 'error',
      'style/no-trailing-spaces': 'error',
      'style/quotes': ['error', 'single', { avoidEscape: true }],
      'style/semi': ['error', 'never'],
      'style/no-extra-semi': 'error'
    }
  },
  {
    files: ['sw/**'],
    languageOptions: { globals: { ...globals.serviceworker } }
  },
  {
    files: ['client/embed.js'],
    rules: { 'no-console': ['error', { allow: ['error'] }] } // the only place its user looks
  },
  {
    files: ['client/shims/*.cjs'],
    languageOptions: { sourceType: 'commonjs' }
  },
  {
    files: ['client/build.mjs', 'client/{shims,package}/*.mjs', 'tests/**', 'bench/**', 'eslint.config.js'],
    languageOptions: { globals: { ...globals.node } },
    rules: { 'no-console': 'off' }
  }
]
