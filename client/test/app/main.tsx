/** An app of ten lines on the packed kit. `world.ts` is what stands behind it: a server in memory. */

import { Chat, ChatProvider, useUrlRoute } from '@parley/client/ui';
import { createRoot } from 'react-dom/client';
import { client, options } from './world';

function App() {
  return <ChatProvider client={client} {...options}><Chat {...useUrlRoute()} /></ChatProvider>;
}

createRoot(document.getElementById('root')!).render(<App />);
