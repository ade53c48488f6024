import { act, create, type ReactTestRenderer } from 'react-test-renderer';
import { vi } from 'vitest';
import { describeHooks } from './support/hooks';

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);

describeHooks('under React Native’s test renderer', {
  act: (run) => act(run),
  async render(element) {
    let tree: ReactTestRenderer | undefined;
    await act(async () => void (tree = create(<>{element}</>)));
    return { unmount: () => act(async () => tree?.unmount()) };
  },
});
