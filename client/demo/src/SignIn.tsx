import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { signIn, type DemoUser } from './config';

/** Takes a phone as anybody: two browsers that sign in under two names talk to each other. */
export function SignIn({ onSignedIn, onClose }: { onSignedIn(user: DemoUser): void; onClose(): void }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [name, setName] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void signIn(name.trim()).then(onSignedIn, (error: Error) => setTrouble(error.message));
  };
  return (
    <dialog ref={dialog} className="sign-in" aria-label="Sign in" onClose={onClose}>
      <form onSubmit={submit}>
        <h2>Sign in as anybody</h2>
        <p>A name is enough here. Sign in under another name in a second browser, and the two of you can talk.</p>
        <input className="field" value={name} onChange={({ target }) => setName(target.value)} placeholder="Your name" aria-label="Your name" maxLength={32} autoFocus />
        {trouble && <p className="trouble" role="alert">{trouble}</p>}
        <button className="primary" disabled={name.trim() === ''}>Sign in</button>
        <button type="button" className="quiet" onClick={onClose}>Cancel</button>
      </form>
    </dialog>
  );
}
