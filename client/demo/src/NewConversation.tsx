import { useWebSocketContext } from '@parley/client/react';
import { Avatar } from '@parley/client/ui';
import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { loadConfig, type Person } from './config';
import { Icon } from './icons';

export function NewConversation({ me, onOpen, onBack }: { me: string; onOpen(id: string): void; onBack(): void }): ReactNode {
  const people = usePeople(me);
  const { client } = useWebSocketContext();
  const [chosen, setChosen] = useState<string[]>([]);
  const [name, setName] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const toggle = (id: string): void => setChosen((ids) => (ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]));
  const isGroup = chosen.length > 1;
  const start = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const group = isGroup ? { isGroup, ...(name.trim() && { name: name.trim() }) } : {};
    await client.createConversation({ participantIds: chosen, ...group }).then(
      ({ id }) => onOpen(id),
      (error: Error) => setTrouble(error.message),
    );
  };
  return (
    <section className="view new-view" aria-label="New conversation">
      <header className="bar">
        <button className="round plain" onClick={onBack} aria-label="Back to conversations"><Icon name="back" /></button>
        <div className="bar-text"><h2>New conversation</h2><span className="line">One person, or several for a group</span></div>
      </header>
      <form className="scroll new" onSubmit={(event) => void start(event)}>
        {people.map(({ id, handle }) => (
          <label className="row" key={id}>
            <Avatar name={handle} size={40} />
            <span className="row-title">{handle}</span>
            <input type="checkbox" checked={chosen.includes(id)} onChange={() => toggle(id)} />
          </label>
        ))}
        {isGroup && <input className="field" value={name} onChange={({ target }) => setName(target.value)} placeholder="Name of the group" aria-label="Name of the group" maxLength={100} />}
        {trouble && <p className="trouble" role="alert">{trouble}</p>}
        <button className="primary" disabled={chosen.length === 0}>{isGroup ? 'Create group' : 'Start chatting'}</button>
      </form>
    </section>
  );
}

/** All but this one, also those who signed in elsewhere since this page was opened. */
function usePeople(me: string): Person[] {
  const [people, setPeople] = useState<Person[]>([]);
  useEffect(() => {
    // Without a server there is nobody to write to.
    loadConfig().then((config) => setPeople(config.people), () => {});
  }, []);
  return people.filter(({ id }) => id !== me);
}
