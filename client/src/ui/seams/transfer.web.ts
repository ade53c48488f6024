/** The browser's clipboard. A page on plain http has none, and copies by hand. */

export const copyText: ((text: string) => Promise<void>) | null = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  (document.querySelector('dialog[open]') ?? document.body).appendChild(field);
  field.select();
  document.execCommand('copy');
  field.remove();
};

export const shareText: ((text: string) => Promise<void>) | null = null;
