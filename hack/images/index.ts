export { buildImages } from './build-images.ts';
export type { BuiltImage } from './build-images.ts';
export { IMAGE_NAMES, VERSION, isImageName } from './image-definitions.ts';
export type { ImageName } from './image-definitions.ts';
