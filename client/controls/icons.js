/** The pictures on the buttons, drawn on 24 × 24: areas and lines. */

export const ICONS = {
  play: { fill: 'M7.5 4.6v14.8a.8.8 0 0 0 1.2.7l11.8-7.4a.8.8 0 0 0 0-1.4L8.7 3.9a.8.8 0 0 0-1.2.7z' },
  pause: { fill: 'M6.5 4.5h3.6v15H6.5zM13.9 4.5h3.6v15h-3.6z' },
  replay: { line: 'M5.2 9.2A7.5 7.5 0 1 1 4.5 13', fill: 'M4.2 3.8v6.4h6.4z' },
  back: { line: 'M8.4 5.4A7.8 7.8 0 1 1 4.3 11', fill: 'M9.9 2.2v6.4L5 5.4z', text: '10' },
  ahead: { line: 'M15.6 5.4A7.8 7.8 0 1 0 19.7 11', fill: 'M14.1 2.2v6.4L19 5.4z', text: '10' },
  start: { fill: 'M19 5v14L8.5 12z', line: 'M6 5.5v13' },
  loud: { fill: 'M3.5 9v6h4l5 4.5v-15L7.5 9z', line: 'M15.5 9a4.2 4.2 0 0 1 0 6M18 6.3a8 8 0 0 1 0 11.4' },
  quiet: { fill: 'M3.5 9v6h4l5 4.5v-15L7.5 9z', line: 'M15.5 9a4.2 4.2 0 0 1 0 6' },
  muted: { fill: 'M3.5 9v6h4l5 4.5v-15L7.5 9z', line: 'M16 9.5l5 5M21 9.5l-5 5' },
  captions: { line: 'M4.5 5.5h15a1.5 1.5 0 0 1 1.5 1.5v10a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17V7a1.5 1.5 0 0 1 1.5-1.5zM10.5 10.6a2 2 0 1 0 0 2.8M17.5 10.6a2 2 0 1 0 0 2.8' },
  settings: { line: 'M3.5 7h9M17.5 7h3M3.5 17h3M11.5 17h9M15 4.6a2.4 2.4 0 1 0 0 4.8a2.4 2.4 0 0 0 0-4.8zM9 14.6a2.4 2.4 0 1 0 0 4.8a2.4 2.4 0 0 0 0-4.8z' },
  'picture-in-picture': { line: 'M21 11V6.5A1.5 1.5 0 0 0 19.5 5h-15A1.5 1.5 0 0 0 3 6.5v11A1.5 1.5 0 0 0 4.5 19H10', fill: 'M13 13.2h8.2v6.3H13z' },
  'full-screen': { line: 'M4.5 9.5v-5h5M14.5 4.5h5v5M19.5 14.5v5h-5M9.5 19.5h-5v-5' },
  'small-screen': { line: 'M9.5 4.5v5h-5M19.5 9.5h-5v-5M14.5 19.5v-5h5M4.5 14.5h5v5' },
  share: { line: 'M12 15V3.8M7.8 7.6L12 3.4l4.2 4.2M7 10.8H5.5V20h13v-9.2H17' },
  close: { line: 'M6 6l12 12M18 6L6 18' },
  further: { line: 'M9.5 6l6 6l-6 6' },
  up: { line: 'M14.5 6l-6 6l6 6' },
  on: { line: 'M5 12.5l4.5 4.5L19 7.5' }
}
