import { useEffect, useState, type ReactNode } from 'react';
import type { DemoConfig, DemoUser } from './config';
import { Desktop } from './Desktop';
import { Icon } from './icons';
import { Phone } from './Phone';
import { usePushes } from './pushes';
import { SignIn } from './SignIn';

export type Theme = 'light' | 'dark';

/** The same people on a phone each, and one of them at a desk. */
const VIEWS = ['phones', 'desktop'] as const;
type View = (typeof VIEWS)[number];

export function App({ config }: { config: DemoConfig }): ReactNode {
  const [users, setUsers] = useState(config.users);
  const [holders, setHolders] = useState<DemoUser[]>(config.users.slice(0, 2));
  const [view, setView] = useState<View>(() => (location.search.includes('conversation=') ? 'desktop' : 'phones'));
  const [signing, setSigning] = useState<number | null>(null);
  const [front, setFront] = useState(0);
  const [theme, setTheme] = useTheme();
  const { pushes, dismiss } = usePushes(config.pushes);
  const hand = (at: number, user: DemoUser): void => setHolders((now) => now.map((one, n) => (n === at ? user : one)));
  const arrive = (user: DemoUser): void => {
    setUsers((now) => [...now.filter(({ id }) => id !== user.id), user]);
    hand(signing ?? 0, user);
    setSigning(null);
  };
  return (
    <div className="page">
      <header className="top">
        <h1><span className="logo" aria-hidden="true" />Parley</h1>
        <p>{view === 'phones' ? 'Two phones, two connections. Take one offline, write on both, and bring it back.' : 'The same chat, at a desk.'}</p>
        <div className="views" role="group" aria-label="View">
          {VIEWS.map((one) => <button key={one} aria-pressed={view === one} onClick={() => setView(one)}>{one === 'phones' ? 'Phones' : 'Desktop'}</button>)}
        </div>
        <ThemeSwitch theme={theme} onTheme={setTheme} />
      </header>
      {view === 'phones' && (
        <div className="tabs" role="tablist" aria-label="Phones">
          {holders.map((user, at) => (
            <button key={at} role="tab" aria-selected={front === at} aria-controls={`phone-${at}`} onClick={() => setFront(at)}>{user.handle}</button>
          ))}
        </div>
      )}
      <div className="stage">
        {view === 'desktop' && holders[0] && <Desktop user={holders[0]} users={users} theme={theme} onUser={(next) => hand(0, next)} onSignIn={() => setSigning(0)} />}
        {view === 'phones' && holders.map((user, at) => (
          <div key={at} id={`phone-${at}`} className={front === at ? 'slot front' : 'slot'}>
            <Phone name={`phone-${at}`} user={user} users={users} pushes={pushes} dismiss={dismiss} theme={theme} onUser={(next) => hand(at, next)} onSignIn={() => setSigning(at)} />
          </div>
        ))}
      </div>
      <footer className="foot">Everything here is real: the server, the sockets, the database. Only the phones are drawn.</footer>
      {signing !== null && <SignIn onSignedIn={arrive} onClose={() => setSigning(null)} />}
    </div>
  );
}

/** The system's, until somebody chooses. */
function useTheme(): [Theme, (theme: Theme) => void] {
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
  return [theme, setTheme];
}

function ThemeSwitch({ theme, onTheme }: { theme: Theme; onTheme(theme: Theme): void }): ReactNode {
  const next = theme === 'dark' ? 'light' : 'dark';
  return <button className="round theme" onClick={() => onTheme(next)} aria-label={`Switch to ${next} theme`} title={`Switch to ${next} theme`}><Icon name={theme === 'dark' ? 'sun' : 'moon'} /></button>;
}
