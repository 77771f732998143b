import packageJson from '../package.json' with { type: 'json' };

/** Of this command; the chart and the images have the same. */
export const slipwayVersion: string = packageJson.version;
