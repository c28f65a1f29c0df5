"""What touches the world: classes whose methods are activities, holding the adapters they act through."""
