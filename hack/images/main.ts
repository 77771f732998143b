/** `node hack/images/main.ts [names…]`: builds the images that are not in the cache and prints reference, size and tar of each. */
import { buildImages, IMAGE_NAMES, isImageName } from './index.ts';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !isImageName(name));
if (unknown.length > 0) {
  console.error(`There is no image ${unknown.join(', ')}; the images are ${IMAGE_NAMES.join(', ')}.`);
  process.exit(2);
}
const images = await buildImages({
  names: names.length === 0 ? IMAGE_NAMES : names.filter(isImageName),
  progress: (line) => console.error(line),
});
for (const image of Object.values(images)) {
  console.log(`${image.reference}  ${Math.round(image.bytes / 1e6)} MB  ${image.tar}`);
}
