"""What tests stand on: real servers, faults, and the one service that is faked (Expo)."""
