"""Parts of the state machine: what it makes up, how it drives the store, how it compares."""
