"""The ground of the end-to-end tests and of the demo: namespaces, ssh servers, captures, a guest kernel."""
