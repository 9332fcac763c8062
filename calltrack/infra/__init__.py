"""The only sockets: database, Redis, embedded services, outgoing HTTP, crypto."""
