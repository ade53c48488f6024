/** For browsers: a picture of at most so many pixels a side; the file itself where it is small, animated, or no picture. */
export async function downscaled(file: Blob, mostPixels = 2048, quality = 0.85): Promise<Blob> {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return file;
  const picture = await createImageBitmap(file);
  try {
    const scale = mostPixels / Math.max(picture.width, picture.height);
    if (scale >= 1) return file;
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: file.type, quality });
  } finally {
    picture.close();
  }
}
