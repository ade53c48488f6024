"""What reads strangers' files: it runs in processes of its own, without secrets, with little memory and time."""
