import { useEffect, useState, type ReactNode } from 'react';
import type { DemoConfig, DemoUser } from './config';
import { Icon } from './icons';
import { Phone } from './Phone';
import { usePushes } from './pushes';

export function App({ config }: { config: DemoConfig }): ReactNode {
  const { users } = config;
  const [left, right] = users;
  const [holders, setHolders] = useState<DemoUser[]>([left, right].filter((user) => user !== undefined));
  const [front, setFront] = useState(0);
  const { pushes, dismiss } = usePushes(config.pushes);
  const hand = (at: number, user: DemoUser): void => setHolders((now) => now.map((one, n) => (n === at ? user : one)));
  return (
    <div className="page">
      <header className="top">
        <h1><span className="logo" aria-hidden="true" />Parley</h1>
        <p>Two phones, two connections. Take one offline, write on both, and bring it back.</p>
        <ThemeSwitch />
      </header>
      <div className="tabs" role="tablist" aria-label="Phones">
        {holders.map((user, at) => (
          <button key={at} role="tab" aria-selected={front === at} aria-controls={`phone-${at}`} onClick={() => setFront(at)}>{user.handle}</button>
        ))}
      </div>
      <main className="stage">
        {holders.map((user, at) => (
          <div key={at} id={`phone-${at}`} className={front === at ? 'slot front' : 'slot'}>
            <Phone name={`phone-${at}`} user={user} users={users} pushes={pushes} dismiss={dismiss} onUser={(next) => hand(at, next)} />
          </div>
        ))}
      </main>
      <footer className="foot">Everything here is real: the server, the sockets, the database. Only the phones are drawn.</footer>
    </div>
  );
}

type Theme = 'light' | 'dark';

function ThemeSwitch(): ReactNode {
  const [theme, setTheme] = useState<Theme>(() => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const follow = (): void => setTheme(query.matches ? 'dark' : 'light');
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const next = theme === 'dark' ? 'light' : 'dark';
  return <button className="round theme" onClick={() => setTheme(next)} aria-label={`Switch to ${next} theme`} title={`Switch to ${next} theme`}><Icon name={theme === 'dark' ? 'sun' : 'moon'} /></button>;
}
