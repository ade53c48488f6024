"""The keys of the app's own server: what each may, and who shows one."""
