"""The lifecycle of models in the service: candidates, gates, shadow mode, promotion and rollback."""
