import { useState, type ReactNode } from 'react';
import { Button, StyleSheet, Text, TextInput, View } from 'react-native';
import { supabase } from './supabase';

export function SignIn(): ReactNode {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const signIn = async (): Promise<void> => {
    const { error } = await supabase.auth.signInWithPassword({ email, password });
    setTrouble(error?.message ?? null);
  };
  return (
    <View style={styles.page}>
      <TextInput style={styles.field} value={email} onChangeText={setEmail} placeholder="Email" autoCapitalize="none" keyboardType="email-address" />
      <TextInput style={styles.field} value={password} onChangeText={setPassword} placeholder="Password" secureTextEntry />
      {trouble && <Text>{trouble}</Text>}
      <Button title="Sign in" onPress={() => void signIn()} />
    </View>
  );
}

const styles = StyleSheet.create({
  page: { flex: 1, justifyContent: 'center', padding: 24, gap: 12 },
  field: { borderWidth: 1, borderColor: '#d8dae5', borderRadius: 12, padding: 12, fontSize: 16 },
});
