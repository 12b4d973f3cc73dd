"""The life of models in the service: candidates, gates, the shadow, promotion and the way back."""
