// @vitest-environment jsdom
import { act, cleanup, render } from '@testing-library/react';
import { afterEach } from 'vitest';
import { describeHooks } from './support/hooks';

afterEach(cleanup);

describeHooks('under react-dom', {
  act: (run) => act(run),
  async render(element) {
    const { unmount } = await act(async () => render(element));
    return { unmount: () => act(async () => unmount()) };
  },
});
